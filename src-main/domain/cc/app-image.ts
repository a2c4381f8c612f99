/** The application image of a confidential participant: what NVFlare and the job code run in. */
import type { FlareLine } from '../project/model.ts';

/** What the VM starts in the container (docs/reference/confidential-computing.md §3.2). */
const entryPoint = ['/user_config/nvflare/startup/sub_start.sh', '--verify'] as const;
const defaultBaseImage = 'python:3.12';
/** Package of the GPU authorizer (docs/reference/provisioning.md §8.1). */
const gpuPackage = 'nv-attestation-sdk';

export interface AppImageChoices {
  line: FlareLine;
  /** A GPU issuer is set at any site: every site needs its package. */
  gpu: boolean;
  baseImage?: string;
  /** Further requirements, as pip reads them. */
  packages?: readonly string[];
  /** A folder `code` beside the Dockerfile goes on the Python path. */
  code?: boolean;
}

/** The two files that `docker build` takes, by name. Versions of NVFlare are pinned: all sites run the same one. */
export function renderAppImage(choices: AppImageChoices): { name: string; text: string }[] {
  const { line, gpu, baseImage = defaultBaseImage, packages = [], code = false } = choices;
  const requirements = [`nvflare==${line}`, ...(gpu ? [gpuPackage] : []), ...packages];
  const dockerfile = `# Application image for FLARE ${line}. A confidential VM runs no code that is not in it.
FROM ${baseImage}

# Tools of the VM, such as snpguest, are mounted below /host.
ENV PYTHONDONTWRITEBYTECODE=1 \\
    PIP_NO_CACHE_DIR=1 \\
    PATH="/host/bin:\${PATH}"

COPY requirements.txt /opt/flare/requirements.txt
RUN pip install -r /opt/flare/requirements.txt
${code ? '\nCOPY code /opt/flare/code\nENV PYTHONPATH=/opt/flare/code\n' : ''}
# The kit is on the VM's own drive; its signatures are verified before every start.
ENTRYPOINT ${JSON.stringify(entryPoint).replace(',', ', ')}
`;
  return [
    { name: 'Dockerfile', text: dockerfile },
    { name: 'requirements.txt', text: `${requirements.join('\n')}\n` },
  ];
}

export interface AppImageFacts {
  /** `docker`: `docker save` of any age; `oci`: an OCI layout without Docker's manifest. */
  format: 'docker' | 'oci';
  tags: string[];
  /** SHA-256 of the image configuration. */
  id: string;
  created?: string;
  architecture?: string;
  os?: string;
  entrypoint: string[];
  command: string[];
  layers: { digest: string; bytes: number; createdBy?: string }[];
  /** Bytes of all layers as they are unpacked on the root drive. */
  unpackedBytes: number;
  /** Bytes and SHA-256 of the archive file. */
  bytes: number;
  sha256: string;
  /** Versions found in the layers; missing: not there. */
  nvflare?: string;
  gpuSdk?: string;
  python?: string;
}

export interface AppImageWishes {
  line?: FlareLine;
  gpu?: boolean;
  /** GB of the root drive it must fit in. */
  rootDriveGigabytes?: number;
}

export interface AppImageFinding {
  severity: 'error' | 'warning';
  message: string;
  hint: string;
}

/** What would keep an image from working in a confidential VM. */
export function checkAppImage(facts: AppImageFacts, wishes: AppImageWishes): AppImageFinding[] {
  const findings: AppImageFinding[] = [];
  const say = (severity: AppImageFinding['severity'], message: string, hint: string): void =>
    void findings.push({ severity, message, hint });
  if (facts.nvflare === undefined)
    say('error', 'No NVFlare was found in its layers.', 'Install nvflare in the image.');
  else if (wishes.line !== undefined && !sameLine(facts.nvflare, wishes.line))
    say(
      'error',
      `It has NVFlare ${facts.nvflare}, the project is for ${wishes.line}.`,
      `Pin nvflare==${wishes.line}.`,
    );
  if (facts.architecture !== undefined && facts.architecture !== 'amd64')
    say(
      'error',
      `It is for ${facts.architecture}; SEV-SNP machines are amd64.`,
      'docker build --platform linux/amd64',
    );
  if (facts.os !== undefined && facts.os !== 'linux')
    say('error', `It is for ${facts.os}.`, 'Build it for linux.');
  const words = [...facts.entrypoint, ...facts.command];
  if (words[0] !== entryPoint[0])
    say(
      'error',
      `Its entry point is ${words.length === 0 ? 'missing' : words.join(' ')}; the VM expects the kit's start script.`,
      `ENTRYPOINT ${JSON.stringify(entryPoint)}`,
    );
  else if (!words.includes('--verify'))
    say(
      'warning',
      'Its entry point starts the kit without --verify: a changed kit would run.',
      `ENTRYPOINT ${JSON.stringify(entryPoint)}`,
    );
  if (wishes.gpu === true && facts.gpuSdk === undefined)
    say(
      'error',
      `${gpuPackage} was not found, but a GPU issuer is set.`,
      `Add ${gpuPackage} to requirements.txt.`,
    );
  const room = wishes.rootDriveGigabytes;
  if (room !== undefined && facts.unpackedBytes > room * 1e9)
    say(
      'error',
      `Unpacked it takes ${(facts.unpackedBytes / 1e9).toFixed(1)} GB, the root drive has ${room} GB.`,
      'Make root_drive_size larger.',
    );
  return findings;
}

const sameLine = (version: string, line: string): boolean =>
  version.split('.').slice(0, 2).join('.') === line.split('.').slice(0, 2).join('.');
