/** A project of three confidential participants whose images were inspected, and the desk.yml that names a key broker. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootRecordSigner } from '../../../src-main/services/cvm/bundle/index.ts';
import { CertState } from '../../../src-main/services/pki/index.ts';
import type { TestKbs } from '../../lab/kbs/kbs.ts';

export const measurement = (byte: string): string => byte.repeat(48);
const sites = { server1: '33', 'site-1': '11', 'site-2': '22' };

export const projectText = `api_version: 3
name: study
description: two confidential sites
participants:
  - { name: server1, type: server, org: nvidia, fed_learn_port: 8002, cc_config: cc_server1.yml }
  - { name: site-1, type: client, org: nvidia, cc_config: cc_site.yml }
  - { name: site-2, type: client, org: nvidia, cc_config: cc_site.yml }
  - { name: admin@nvidia.com, type: admin, org: nvidia, role: project_admin }
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
  - path: nvflare.lighter.impl.static_file.StaticFileBuilder
    args: { config_folder: config }
  - path: nvflare.lighter.impl.cert.CertBuilder
  - path: nvflare.lighter.cc_provision.impl.cc.CCBuilder
  - path: nvflare.lighter.impl.signature.SignatureBuilder
packager:
  path: nvflare.lighter.cc_provision.impl.onprem_packager.OnPremPackager
  args: { build_image_cmd: ./build.sh }
`;

const ccText = `compute_env: onprem_cvm
cc_cpu_mechanism: amd_sev_snp
role: client
root_drive_size: 45
applog_drive_size: 1
user_config_drive_size: 1
user_data_drive_size: 1
docker_archive: ./site.tar.gz
allowed_out_ports: [8002, 8999]
cc_issuers:
  - id: snp_authorizer
    path: nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer
    token_expiration: 100
cc_attestation:
  check_frequency: 120
`;

/** The project's signing key, as the first provisioning makes it. */
async function signerOf(folder: string) {
  const stateFolder = join(folder, 'workspace/study/state');
  await mkdir(stateFolder, { recursive: true });
  const options = { projectName: 'study', line: '2.8.1', now: new Date() } as const;
  await (await CertState.open(stateFolder, options)).save();
  return rootRecordSigner(stateFolder);
}

/** What a signed inspection leaves beside an archive: its record counts while size and time stay. */
async function inspected(
  folder: string,
  site: string,
  byte: string,
  { signer, certificates }: Awaited<ReturnType<typeof signerOf>>,
): Promise<void> {
  const kit = join(folder, 'workspace/study/prod_00', site);
  await mkdir(kit, { recursive: true });
  const archive = join(kit, `${site}.tgz`);
  await writeFile(archive, `image of ${site}`);
  const { size, mtime } = await stat(archive);
  const zeros = '0'.repeat(64);
  const record = {
    format: 'flaredesk.bundle/1',
    participant: site,
    bundle: 'cvm_0123456789ab',
    flare: null,
    root_fingerprint: certificates[0]?.fingerprint256,
    created_at: mtime.toISOString(),
    archive: { name: `${site}.tgz`, size, sha256: zeros, modified: mtime.toISOString() },
    files: [{ name: 'launch_vm.sh', size: 1, sha256: zeros }],
    vm_id: `vm-${site}`,
    measurement: {
      computed: true,
      plain: measurement(byte),
      with_debug_swap: measurement('ee'),
    },
    kit_signature: null,
    kit_fingerprint: null,
  };
  const signature = signer.sign(Buffer.from(`${JSON.stringify(record, null, 2)}\n`)).toString('base64');
  const chain = certificates.map(({ raw }) => raw.toString('base64'));
  const text = `${JSON.stringify({ record, certificates: chain, signature }, null, 2)}\n`;
  await writeFile(join(kit, `${site}.bundle.json`), text);
}

/** Its files beside desk.yml, written into `folder`; answers the path of project.yml. */
export async function writeProjectFiles(folder: string): Promise<string> {
  const project = join(folder, 'project.yml');
  await writeFile(project, projectText);
  await writeFile(join(folder, 'cc_site.yml'), ccText);
  const server = ccText
    .replace('role: client', 'role: server')
    .replace(/allowed_out_ports.*/, 'allowed_ports: [8002]\nallowed_out_ports: [8999]');
  await writeFile(join(folder, 'cc_server1.yml'), server);
  await writeFile(join(folder, 'build.sh'), '#!/bin/sh\n', { mode: 0o755 });
  return project;
}

/** Writes it into `folder`; answers the path of project.yml. */
export async function writeConfidentialProject(
  folder: string,
  kbs: TestKbs,
  admin = `admin_key: ${kbs.adminKey}`,
): Promise<string> {
  const project = await writeProjectFiles(folder);
  await writeFile(
    join(folder, 'desk.yml'),
    `version: 1\nflare: "2.8.1"\nkbs:\n  address: ${kbs.address}\n  ca: ${kbs.ca}\n  ${admin}\n`,
  );
  const signer = await signerOf(folder);
  for (const [site, byte] of Object.entries(sites)) await inspected(folder, site, byte, signer);
  return project;
}
