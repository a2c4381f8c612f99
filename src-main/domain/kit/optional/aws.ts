import type { Participant, Project } from '../../project/model.ts';
import type { KitFile } from '../kit-file.ts';
import { cloudHead, type CloudSite, cloudSite, cloudStart } from './cloud-common.ts';

/**
 * `startup/aws_start.sh` of a server or client: makes an EC2 machine with the user's own `aws` command and starts the
 * kit there (docs/reference/provisioning.md §4.8).
 */
export function renderAws(participant: Participant, project: Project): KitFile[] {
  const site = cloudSite(participant, project);
  return site ? [{ path: 'startup/aws_start.sh', mode: 0o755, content: script(site) }] : [];
}

function script(site: CloudSite): string {
  const head = cloudHead(
    `Starts this ${site.type} on a new EC2 machine. Also --vpc-id ID and --subnet-id ID; default: the default VPC.`,
    ['aws', 'ssh', 'tar', 'curl'],
    `    --vpc-id) vpc="\${2:-}"; shift ;;\n    --subnet-id) subnet="\${2:-}"; shift ;;\n`,
  );
  const openPorts = site.ports.map(
    (port) => `allow ${port} 0.0.0.0/0 || stop "Port ${port} could not be opened."\n`,
  );
  return `${head}
: "\${REGION:=$(aws configure get region || echo us-west-2)}"
: "\${EC2_TYPE:=t2.small}"
: "\${AMI_IMAGE:=}"
: "\${SSH_CIDR:=}"
: "\${vpc:=}" "\${subnet:=}"
aws sts get-caller-identity >/dev/null || stop "Log in to AWS first (aws configure, or AWS_PROFILE)."

if [[ -z "$config" ]]; then ask REGION "Region"; fi
if [[ -z "$AMI_IMAGE" ]]; then
  AMI_IMAGE="$(aws ssm get-parameters --region "$REGION" --query 'Parameters[0].Value' --output text \\
    --names /aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id)" ||
    stop "No Ubuntu 22.04 image was found in $REGION: set AMI_IMAGE."
fi
if [[ -z "$SSH_CIDR" ]]; then
  address="$(curl -fsS --max-time 10 https://checkip.amazonaws.com)" && SSH_CIDR="$address/32"
fi
if [[ -z "$config" ]]; then
  ask AMI_IMAGE "Image (Ubuntu)"
  ask EC2_TYPE "Machine type"
  ask SSH_CIDR "Addresses that may log in"
fi
[[ -n "$SSH_CIDR" ]] || stop "It is not known from where you log in: set SSH_CIDR, for example 203.0.113.7/32."

name="nvflare-${site.name}-$RANDOM$RANDOM"
key="$(dirname "$kit")/$name.pem"
aws ec2 create-key-pair --region "$REGION" --key-name "$name" --query KeyMaterial --output text >"$key" ||
  stop "The key pair could not be created."

group="$(aws ec2 create-security-group --region "$REGION" --group-name "$name" --description "FLARE ${site.type}" \\
  \${vpc:+--vpc-id "$vpc"} --query GroupId --output text)" || stop "The security group could not be created."
allow() { # PORT CIDR
  aws ec2 authorize-security-group-ingress --region "$REGION" --group-id "$group" --protocol tcp --port "$1" --cidr "$2" >/dev/null
}
allow 22 "$SSH_CIDR" || stop "Port 22 could not be opened."
${openPorts.join('')}
echo "Creating the machine; this takes some minutes"
machine="$(aws ec2 run-instances --region "$REGION" --image-id "$AMI_IMAGE" --instance-type "$EC2_TYPE" --count 1 \\
  --key-name "$name" --security-group-ids "$group" \${subnet:+--subnet-id "$subnet"} \\
  --block-device-mappings '[{"DeviceName":"/dev/sda1","Ebs":{"VolumeSize":24,"DeleteOnTermination":true}}]' \\
  --query 'Instances[0].InstanceId' --output text)" || stop "The machine could not be created."
echo "To remove it: aws ec2 terminate-instances --region $REGION --instance-ids $machine"
aws ec2 wait instance-status-ok --region "$REGION" --instance-ids "$machine" || stop "The machine did not start."
address="$(aws ec2 describe-instances --region "$REGION" --instance-ids "$machine" \\
  --query 'Reservations[0].Instances[0].PublicIpAddress' --output text)" || stop "The machine has no address."

login="ubuntu@$address"
ssh=(ssh -i "$key" -o StrictHostKeyChecking=accept-new -o "UserKnownHostsFile=$key.known_hosts")
${cloudStart(site)}
${site.type === 'server' ? `echo "Make the name ${site.name} lead to $address."\n` : ''}echo "Started on $address. To log in: ssh -i '$key' $login"
echo "Left to remove afterwards: security group $group, key pair $name"
`;
}
