/** A commented `cc_config` file to start from. It passes the check of both FLARE lines. */
import { renderFlow, renderScalar } from '../project/yaml/write.ts';
import type { ComputeEnvironment } from './cc-config.ts';
import { issuerClasses } from './issuers.ts';
import { httpsPort } from './keys.ts';

export interface CcStart {
  role: 'server' | 'client';
  environment?: ComputeEnvironment;
  /** Of the server. */
  serverName?: string;
  serverPort?: number;
  /** Of the server, when admins have one of their own. */
  adminPort?: number;
  kbsPort?: number;
  dockerArchive?: string;
  /** Seconds between two checks. */
  checkFrequency?: number;
  /** Classes of `issuers.ts`; default: those that prove the environment's processor. */
  issuers?: readonly string[];
}

const defaultArchive = 'docker/nvflare-site.tar.gz';
const defaultFrequency = 120;

export function ccStarter(start: CcStart): string {
  const environment = start.environment ?? 'onprem_cvm';
  const frequency = start.checkFrequency ?? defaultFrequency;
  const parts = [
    `# Confidential computing of one participant. Every site proves what it runs on, and checks all others.
compute_env: ${environment}
`,
    ...(environment === 'onprem_cvm' ? [imagePart(start)] : [`role: ${start.role}\n`]),
    issuersPart(start, environment, frequency),
    `# Seconds between two checks of all sites. A failed check stops the whole federation.
cc_attestation:
  check_frequency: ${frequency}
`,
    `# FLARE 2.8: further classes that jobs may use, beside NVFlare's own. They must be in the image.
# class_allow_list:
#   - my_package.trainer.Trainer
#   - my_package.
`,
  ];
  return parts.join('\n');
}

function imagePart(start: CcStart): string {
  const port = start.serverPort ?? 8002;
  const kbs = start.kbsPort ?? 8999;
  const inside = [...new Set([port, start.adminPort ?? port])];
  const isServer = start.role === 'server';
  const outside = [...new Set([httpsPort, ...(isServer ? [] : [port]), kbs])];
  return `cc_cpu_mechanism: amd_sev_snp
role: ${start.role}

# Drives, in GB. The root drive is encrypted; the others can be read by the owner of the host.
root_drive_size: 45
applog_drive_size: 2
user_config_drive_size: 1
user_data_drive_size: 1

# The application: docker save IMAGE | gzip > nvflare-site.tar.gz
docker_archive: ${renderScalar(start.dockerArchive ?? defaultArchive)}

# Everything not listed is blocked. NFS needs 111 and 2049, too.
${isServer ? `allowed_ports: ${renderFlow(inside)}\n` : ''}allowed_out_ports: ${renderFlow(outside)}
${
  isServer
    ? ''
    : `
# When the server's name is in no public name service:
# hosts_entries:
#   ${renderScalar(start.serverName ?? 'server1.example.org')}: 10.0.0.5
`
}`;
}

function issuersPart(start: CcStart, environment: ComputeEnvironment, frequency: number): string {
  const chosen = issuerClasses.filter((one) =>
    start.issuers
      ? start.issuers.includes(one.path)
      : one.environments.includes(environment) && one.proves !== 'nvidia_gpu' && one.proves !== 'intel_tdx',
  );
  const expiration = Math.max(1, Math.floor((frequency * 5) / 6));
  const items = chosen.map(
    (one) => `  - id: ${one.usualId}
    path: ${one.path}
    # Seconds; must be smaller than check_frequency.
    token_expiration: ${expiration}
`,
  );
  return items.length === 0 ? 'cc_issuers: []\n' : `cc_issuers:\n${items.join('')}`;
}
