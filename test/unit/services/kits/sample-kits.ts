/** Real kits for the tests, made at test time. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProject } from '../../../../src-main/services/projects/index.ts';
import { provision } from '../../../../src-main/services/provision/index.ts';

const project = `
api_version: 3
name: example_project
participants:
  - {name: server1, type: server, org: nvidia, fed_learn_port: 8002, admin_port: 8003}
  - {name: relay-1, type: relay, org: nvidia, listening_host: {default_host: localhost, port: 9001}}
  - {name: site-1, type: client, org: org1, connection_security: tls}
  - {name: site-2, type: client, org: org1, parent: site-1, listening_host: {default_host: localhost, port: 9002}}
  - {name: admin@nvidia.com, type: admin, org: nvidia, role: lead}
  - {name: cc-site, type: client, org: org1, cc_config: cc.yml}
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
  - {path: nvflare.lighter.impl.static_file.StaticFileBuilder, args: {config_folder: config, scheme: grpc}}
  - path: nvflare.lighter.impl.cert.CertBuilder
  - path: nvflare.lighter.cc_provision.impl.cc.CCBuilder
  - path: nvflare.lighter.impl.signature.SignatureBuilder
`;
const cc = `
compute_env: mock
cc_cpu_mechanism: amd_sev_snp
role: client
cc_issuers: []
`;

export interface SampleKits {
  /** `<workspace>/example_project` */
  projectFolder: string;
  /** The folder of a participant's kit. */
  kit(name: string): string;
  folder: string;
}

export async function makeSampleKits(line: '2.7.2' | '2.8.1'): Promise<SampleKits> {
  const folder = await mkdtemp(join(tmpdir(), 'flaredesk-kits-'));
  await writeFile(join(folder, 'project.yml'), project);
  await writeFile(join(folder, 'cc.yml'), cc);
  const loaded = await loadProject({ file: join(folder, 'project.yml'), flare: line, currentFolder: folder });
  if (!loaded.project) throw new Error(JSON.stringify(loaded.findings));
  const { prod } = await provision(loaded.project, { workspace: join(folder, 'ws') });
  return { folder, projectFolder: join(folder, 'ws/example_project'), kit: (name) => join(prod, name) };
}
