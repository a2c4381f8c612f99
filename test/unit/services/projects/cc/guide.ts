/** A confidential project of a server, a site and an admin, as NVFlare's deployment guide describes it. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { gzipSync } from 'node:zlib';
import { loadProject } from '../../../../../src-main/services/projects/index.ts';
import type { LookUpName } from '../../../../../src-main/services/projects/index.ts';
import { guideProjectText } from '../../../../lab/guide-project.ts';
import { folderWith } from '../project-folder.ts';

const archivePath = 'NVFlare/examples/advanced/cc_provision/docker/nvflare-site.tar.gz';
const commandPath = 'nvflare-github/nvflare/lighter/cc/image_builder/cvm_build.sh';

export const guideProject = guideProjectText(8002, `~/${commandPath}`);

export const guideServer = `compute_env: onprem_cvm
cc_cpu_mechanism: amd_sev_snp
role: server

# All drive sizes are in GB
root_drive_size: 45
applog_drive_size: 1
user_config_drive_size: 1
user_data_drive_size: 1

docker_archive: ~/${archivePath}

user_config:
  nvflare: /tmp/startup_kits

allowed_ports:
  - 8002

allowed_out_ports:
  - 443
  - 8002
  - 8999

cc_issuers:
  - id: snp_authorizer
    path: nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer
    token_expiration: 100  # seconds, must be < check_frequency

cc_attestation:
  check_frequency: 120  # seconds
`;

export const guideSite = `compute_env: onprem_cvm
cc_cpu_mechanism: amd_sev_snp
role: client

class_allow_list:
  - hello_cyclic.app.custom.trainer.SimpleTrainer
  - hello_cyclic.

root_drive_size: 45
applog_drive_size: 1
user_config_drive_size: 1
user_data_drive_size: 1

docker_archive: ~/${archivePath}

# For non-public domain server names
hosts_entries:
  server1: 10.176.200.152

user_config:
  nvflare: /tmp/startup_kits

cc_issuers:
  - id: snp_authorizer
    path: nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer
    token_expiration: 100

cc_attestation:
  check_frequency: 120
`;

/** The site's file without anything to remark. */
export const soundSite = guideSite.replace(
  'docker_archive:',
  'allowed_out_ports: [443, 8002, 8999]\ndocker_archive:',
);

export type GuideFiles = Record<string, string | Uint8Array>;

/** A project folder and a home folder beside it, with archive and builder where the guide has them. */
export async function guideFolder(files: GuideFiles = {}) {
  const base = await folderWith({
    'p/project.yml': guideProject,
    'p/cc_server1.yml': guideServer,
    'p/cc_site-1.yml': guideSite,
    [`home/${archivePath}`]: await dockerArchive(),
    [`home/${commandPath}`]: '#!/bin/sh\n',
    ...Object.fromEntries(
      Object.entries(files).map(([name, text]) => [name.startsWith('home/') ? name : `p/${name}`, text]),
    ),
  });
  await chmod(join(base, 'home', commandPath), 0o755);
  return { folder: join(base, 'p'), home: join(base, 'home') };
}

const nothingKnown: LookUpName = () => Promise.resolve('missing');

export async function checkGuide(
  files: GuideFiles = {},
  options: { flare?: string; lookUpName?: LookUpName } = {},
) {
  const { folder, home } = await guideFolder(files);
  const began = performance.now();
  const loaded = await loadProject({
    file: join(folder, 'project.yml'),
    currentFolder: folder,
    home,
    flare: options.flare ?? '2.8.1',
    lookUpName: options.lookUpName ?? nothingKnown,
  });
  return { ...loaded, folder, home, seconds: (performance.now() - began) / 1000 };
}

/** A small archive as `docker save | gzip` writes it. */
export async function dockerArchive(first = 'manifest.json'): Promise<Uint8Array> {
  const tar = pack();
  tar.entry({ name: first }, '[]');
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return gzipSync(Buffer.concat(parts));
}
