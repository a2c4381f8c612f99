/**
 * The deployment guide's example project (a server, a site, an admin; both cc_*.yml) with the test builder and two sshd
 * hosts whose QEMU is a stand-in. What differs from the guide: ports that are free here, and the server's address.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { guideProjectText } from './guide-project.ts';
import { freePort } from './ports.ts';
import { deskHost, type Sshd, startSshd } from './sshd.ts';

const lab = import.meta.dirname;

export interface CcProject {
  folder: string;
  /** HOME of the admin in this lab. */
  home: string;
  project: string;
  port: number;
  server: Sshd;
  site: Sshd;
  /** For the commands of the admin. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

const ccText = (
  role: 'server' | 'client',
  ports: { in: number[]; out: number[] },
  more = '',
) => `compute_env: onprem_cvm
cc_cpu_mechanism: amd_sev_snp
role: ${role}

# All drive sizes are in GB
root_drive_size: 45
applog_drive_size: 1
user_config_drive_size: 1
user_data_drive_size: 1

docker_archive: ~/nvflare-site.tar.gz
${more}${ports.in.length > 0 ? `\nallowed_ports: [${ports.in.join(', ')}]\n` : ''}
allowed_out_ports: [${ports.out.join(', ')}]

cc_issuers:
  - id: snp_authorizer
    path: nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer
    token_expiration: 100  # seconds, must be < check_frequency

cc_attestation:
  check_frequency: 120  # seconds
`;

const deskText = (hosts: Record<string, Sshd>, directory: string, path: readonly string[]) => `version: 1
flare: "2.8.1"
workspace: workspace
hosts:
${Object.entries(hosts)
  .map(
    ([name, sshd]) =>
      `  ${name}: ${JSON.stringify({ ...deskHost(sshd), directory: join(directory, `host-of-${name}`), path })}`,
  )
  .join('\n')}
`;

/** Starts two hosts and writes the project. `path`: what stands before the hosts' PATH beside the stand-in for QEMU. */
export async function makeCcProject(folder: string, path: readonly string[] = []): Promise<CcProject> {
  const home = join(folder, 'home');
  const project = join(folder, 'project');
  mkdirSync(home, { recursive: true });
  mkdirSync(project);
  const [server, site] = await Promise.all(
    ['server1', 'site-1'].map((name) => startSshd({ folder: join(folder, `sshd-${name}`) })),
  );
  if (!server || !site) throw new Error('the hosts did not start');
  const port = await freePort();
  const write = (name: string, text: string) => writeFileSync(join(project, name), text);
  write('project.yml', guideProjectText(port, '~/cvm_build.sh'));
  write('cc_server1.yml', ccText('server', { in: [port], out: [443, 8999] }));
  write(
    'cc_site-1.yml',
    ccText(
      'client',
      { in: [], out: [443, port, 8999] },
      '\n# For non-public domain server names\nhosts_entries:\n  server1: 127.0.0.1\n',
    ),
  );
  write(
    'desk.yml',
    deskText({ server1: server, 'site-1': site }, folder, [join(lab, 'cvm-host/bin'), ...path]),
  );
  symlinkSync(join(lab, 'cvm-builder/build-image'), join(home, 'cvm_build.sh'));
  writeFileSync(join(home, 'nvflare-site.tar.gz'), await dockerArchive());
  return {
    folder,
    home,
    project: join(project, 'project.yml'),
    port,
    server,
    site,
    env: {
      HOME: home,
      CVM_TEST_BUILDER_HOME: join(folder, 'builder'),
      FLAREDESK_BUILDER_LOCK: join(folder, 'builder-lock'),
      XDG_STATE_HOME: join(folder, 'state'),
    },
    stop: async () => {
      await Promise.all([server.stop(), site.stop()]);
    },
  };
}

/** The smallest archive that `docker load` would take. */
async function dockerArchive(): Promise<Buffer> {
  const tar = pack();
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const name = `${createHash('sha256').update(config).digest('hex')}.json`;
  tar.entry({ name }, config);
  tar.entry(
    { name: 'manifest.json' },
    JSON.stringify([{ Config: name, RepoTags: ['nvflare-site:latest'], Layers: [] }]),
  );
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}
