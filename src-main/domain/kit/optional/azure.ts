import type { Participant, Project } from '../../project/model.ts';
import type { KitFile } from '../kit-file.ts';
import { cloudHead, type CloudSite, cloudSite, cloudStart } from './cloud-common.ts';

/**
 * `startup/azure_start.sh` of a server or client: makes a machine with the user's own `az` command and starts the kit
 * there (docs/reference/provisioning.md §4.8).
 */
export function renderAzure(participant: Participant, project: Project): KitFile[] {
  const site = cloudSite(participant, project);
  return site ? [{ path: 'startup/azure_start.sh', mode: 0o755, content: script(site) }] : [];
}

function script(site: CloudSite): string {
  const head = cloudHead(
    `Starts this ${site.type} on a new Azure machine.`,
    ['az', 'ssh', 'ssh-keygen', 'tar'],
    '',
  );
  // NAME.REGION.cloudapp.azure.com: Azure itself can give the machine that name.
  const [label = '', region = ''] = site.name.split('.');
  const ownName = site.type === 'server' && /^[^.]+\.[^.]+\.cloudapp\.azure\.com$/.test(site.name);
  const openPorts = site.ports.map(
    (port, index) =>
      `az vm open-port --output none --resource-group "$group" --name "$machine" --port ${port} --priority ${1010 + index} ||
  stop "Port ${port} could not be opened."\n`,
  );
  return `${head}
: "\${LOCATION:=${ownName ? region : 'westus2'}}"
: "\${VM_SIZE:=Standard_B2ms}"
: "\${VM_IMAGE:=Canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2:latest}"
if [[ -z "$config" ]]; then
${ownName ? '' : '  ask LOCATION "Location"\n'}  ask VM_IMAGE "Image (Ubuntu)"
  ask VM_SIZE "Machine size"
fi
${ownName ? `[[ "$LOCATION" == ${region} ]] || stop "The name of this server lies in ${region}, not in $LOCATION."\n` : ''}
az account show --output none 2>/dev/null || az login --use-device-code --output none || stop "Not logged in to Azure."

machine="nvflare-${site.type}-$RANDOM$RANDOM"
group="$machine"
key="$(dirname "$kit")/$machine.pem"
ssh-keygen -q -t ed25519 -N '' -f "$key" || stop "The key for logging in could not be made."

az group create --output none --name "$group" --location "$LOCATION" || stop "The resource group could not be created."
echo "To remove everything: az group delete --name $group"
echo "Creating the machine; this takes some minutes"
address="$(az vm create --resource-group "$group" --location "$LOCATION" --name "$machine" --image "$VM_IMAGE" --size "$VM_SIZE" \\
  --admin-username nvflare --authentication-type ssh --ssh-key-values "$key.pub" \\
  --public-ip-sku Standard --public-ip-address-allocation static${ownName ? ` --public-ip-address-dns-name ${label}` : ''} \\
  --query publicIpAddress --output tsv)" || stop "The machine could not be created."
${openPorts.join('')}
login="nvflare@$address"
ssh=(ssh -i "$key" -o StrictHostKeyChecking=accept-new -o "UserKnownHostsFile=$key.known_hosts")
${cloudStart(site)}
${site.type === 'server' && !ownName ? `echo "Make the name ${site.name} lead to $address."\n` : ''}echo "Started on $address. To log in: ssh -i '$key' $login"
`;
}
