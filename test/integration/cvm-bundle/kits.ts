/** Signed kits of a small confidential project, made by this product. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { loadProject } from '../../../src-main/services/projects/index.ts';
import { provision } from '../../../src-main/services/provision/index.ts';

export interface TarEntry {
  header: Parameters<Pack['entry']>[0];
  content?: string;
}

/** A gzipped tar of these entries, whatever they are. */
export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { header, content } of entries) tar.entry(header, content ?? '');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

const project = `api_version: 3
name: bundle_project
participants:
  - {name: server1, type: server, org: nvidia, fed_learn_port: 8002, default_host: localhost, cc_config: cc_server1.yml}
  - {name: site-1, type: client, org: nvidia, cc_config: cc_site-1.yml}
  - {name: admin@nvidia.com, type: admin, org: nvidia, role: project_admin}
  - {name: member@nvidia.com, type: admin, org: nvidia, role: member}
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
  - {path: nvflare.lighter.impl.static_file.StaticFileBuilder, args: {config_folder: config}}
  - path: nvflare.lighter.impl.cert.CertBuilder
  - path: nvflare.lighter.cc_provision.impl.cc.CCBuilder
  - path: nvflare.lighter.impl.signature.SignatureBuilder
`;

const cc = (role: string, archive: string, ports: string): string => `compute_env: onprem_cvm
cc_cpu_mechanism: amd_sev_snp
role: ${role}
root_drive_size: 45
applog_drive_size: 2
user_config_drive_size: 1
user_data_drive_size: 1
docker_archive: ${archive}
${ports}
hosts_entries: {server1: 127.0.0.1}
cc_issuers:
  - id: snp_authorizer
    path: nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer
    token_expiration: 100
cc_attestation: {check_frequency: 120}
`;

export interface CcKits {
  projectFolder: string;
  file: string;
  workspace: string;
  kit(name: string): string;
}

/** The smallest archive that `docker load` would take. */
const image = async (): Promise<Buffer> => {
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const name = `${createHash('sha256').update(config).digest('hex')}.json`;
  return tarOf([
    { header: { name }, content: config },
    {
      header: { name: 'manifest.json' },
      content: JSON.stringify([{ Config: name, RepoTags: ['a:b'], Layers: [] }]),
    },
  ]);
};

const packager = `packager:
  path: nvflare.lighter.cc_provision.impl.onprem_packager.OnPremPackager
  args: {build_image_cmd: /opt/cc/cvm_build.sh}
`;

/** `withPackager`: the project says that images are built; none is built here. */
export async function makeCcKits(folder: string, { withPackager = false } = {}): Promise<CcKits> {
  const archive = join(folder, 'image.tar.gz');
  writeFileSync(archive, await image());
  const file = join(folder, 'project.yml');
  writeFileSync(file, withPackager ? project + packager : project);
  writeFileSync(
    join(folder, 'cc_server1.yml'),
    cc('server', archive, 'allowed_ports: [8002]\nallowed_out_ports: [443, 8999]'),
  );
  writeFileSync(join(folder, 'cc_site-1.yml'), cc('client', archive, 'allowed_out_ports: [443, 8002, 8999]'));
  const loaded = await loadProject({ file, flare: '2.8.1', currentFolder: folder });
  if (!loaded.project) throw new Error(JSON.stringify(loaded.findings));
  const workspace = join(folder, 'ws');
  const { prod } = await provision(loaded.project, { workspace });
  return {
    file,
    workspace,
    projectFolder: join(workspace, 'bundle_project'),
    kit: (name) => join(prod, name),
  };
}
