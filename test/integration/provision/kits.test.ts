/** Kits of the real tool, inspected and verified by us; verdicts compared with those of the runtimes in the vectors. */
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectKit, listCertificates, verifyKit } from '../../../src-main/services/kits/index.ts';
import { flareBin, flareVersions, newLabFolder, runPython } from '../../lab/nvflare.ts';
import type { Fields, GeneratedProject } from './generate.ts';
import { startReference } from './reference.ts';
import { writeProject } from './workbench.ts';

const impl = 'nvflare.lighter.impl';
const generated: GeneratedProject = {
  seed: 0,
  files: { 'cc.yml': { compute_env: 'mock', role: 'client', cc_issuers: [] } },
  project: {
    api_version: 3,
    name: 'example_project',
    participants: [
      { name: 'server1', type: 'server', org: 'nvidia' },
      {
        name: 'relay-1',
        type: 'relay',
        org: 'nvidia',
        listening_host: { default_host: 'localhost', port: 9001 },
      },
      { name: 'site-1', type: 'client', org: 'nvidia' },
      {
        name: 'site-2',
        type: 'client',
        org: 'nvidia',
        connect_to: { name: 'relay-1' },
        listening_host: 'localhost',
      },
      { name: 'cc-site', type: 'client', org: 'nvidia', cc_config: 'cc.yml' },
      { name: 'admin@nvidia.com', type: 'admin', org: 'nvidia', role: 'lead' },
    ] as Fields[],
    builders: [
      { path: `${impl}.workspace.WorkspaceBuilder` },
      { path: `${impl}.static_file.StaticFileBuilder`, args: { config_folder: 'config', scheme: 'tcp' } },
      { path: `${impl}.cert.CertBuilder` },
      { path: 'nvflare.lighter.cc_provision.impl.cc.CCBuilder' },
      { path: `${impl}.signature.SignatureBuilder` },
    ],
  },
};

describe.each(flareVersions)('kits of nvflare provision %s', (line) => {
  let folder = '';
  let prod = '';

  beforeAll(async () => {
    folder = await newLabFolder('kits');
    const reference = await startReference(line);
    const file = await writeProject(folder, generated);
    const answer = await reference.provision({ project: file, workspace: join(folder, 'ws'), cwd: folder });
    await reference.close();
    expect(answer.ok, answer.output).toBe(true);
    prod = join(folder, 'ws/example_project/prod_00');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are what they are, and nothing is wrong with them', async () => {
    for (const { name, type, org, role = null } of generated.project.participants) {
      const kit = join(prod, String(name));
      expect(await inspectKit(kit)).toMatchObject({
        name,
        kind: type,
        org,
        role,
        flare: line,
        server: 'server1',
        scheme: 'tcp',
      });
      expect((await verifyKit(kit)).problems, String(name)).toEqual([]);
    }
    const { certificates, problems } = await listCertificates(join(prod, '..'));
    expect(problems).toEqual([]);
    expect(certificates).toHaveLength(9);
  });

  it('so are those of POC mode', async () => {
    const poc = join(folder, 'poc');
    const run = 'import sys; from nvflare.cli import main; sys.argv[0] = "nvflare"; main()';
    await runPython(line, ['-c', run, 'poc', 'prepare', '-n', '1'], {
      cwd: folder,
      env: { HOME: folder, NVFLARE_POC_WORKSPACE: poc, PATH: `${flareBin(line)}:/usr/bin:/bin` },
    });
    const kits = join(poc, 'example_project/prod_00');
    const found = [];
    for (const name of (await readdir(kits)).toSorted()) {
      const info = await inspectKit(join(kits, name));
      found.push([info.kind, info.name]);
      expect(info.flare).toBe(line);
      expect((await verifyKit(join(kits, name))).problems, name).toEqual([]);
    }
    expect(found).toContainEqual(['admin', 'admin@nvidia.com']);
    expect(found).toContainEqual(['server', 'server']);
  });

  if (line === '2.7.2')
    it('whatever the runtime refuses we find', async () => {
      const vectors = new URL('../../fixtures/vectors/provision/kit-acceptance.json', import.meta.url);
      const { 'mutations_of_2.7.2_kit': mutations } = JSON.parse(
        await readFile(fileURLToPath(vectors), 'utf8'),
      ) as {
        'mutations_of_2.7.2_kit': { mutation: string; runtime: string; accepted: boolean }[];
      };
      const refused = new Set(
        mutations
          .filter(({ runtime, accepted }) => runtime === '2.7.2' && !accepted)
          .map(({ mutation }) => mutation),
      );
      // A short salt is refused by runtimes with an old cryptography package alone; it is no sign of tampering.
      refused.delete('signed with salt length 32');
      expect([...refused].filter((name) => !(name in changes))).toEqual([]);
      for (const [name, { kit, change }] of Object.entries(changes)) {
        const copy = join(folder, 'copy');
        await cp(join(prod, kit), copy, { recursive: true });
        await change(copy);
        const { problems } = await verifyKit(copy);
        await rm(copy, { recursive: true });
        expect(problems.length > 0, name).toBe(!harmless.has(name));
        if (refused.has(name)) expect(harmless.has(name), name).toBe(false);
      }
    });
});

const harmless = new Set(['no change', 'signature.json pretty printed']);

const edit = (file: string, from: string, to: string) => async (kit: string) => {
  const text = await readFile(join(kit, file), 'utf8');
  expect(text).toContain(from);
  await writeFile(join(kit, file), text.replace(from, to));
};
const uncover = (name: string) => async (kit: string) => {
  const file = join(kit, 'startup/signature.json');
  const signatures = JSON.parse(await readFile(file, 'utf8')) as Fields;
  await writeFile(file, JSON.stringify({ ...signatures, [name]: undefined }));
};
const drop = (file: string) => (kit: string) => rm(join(kit, file));

/** By their names in the vectors. */
const changes: Record<string, { kit: string; change: (kit: string) => Promise<void> }> = {
  'no change': { kit: 'server1', change: () => Promise.resolve() },
  'signature.json removed': { kit: 'server1', change: drop('startup/signature.json') },
  'fed_server.json edited after signing': {
    kit: 'server1',
    change: edit('startup/fed_server.json', '8002', '8003'),
  },
  'server.key not covered': { kit: 'server1', change: uncover('server.key') },
  'start.sh not covered': { kit: 'server1', change: uncover('start.sh') },
  'start.sh edited': { kit: 'server1', change: edit('startup/start.sh', '\n', '\n# \n') },
  'non-ASCII characters in fed_server.json': {
    kit: 'server1',
    change: edit('startup/fed_server.json', '"format_version"', '"ü": 1, "format_version"'),
  },
  'unsigned x__p_resources.json in startup': {
    kit: 'server1',
    change: (kit) => writeFile(join(kit, 'startup/x__p_resources.json'), '{}'),
  },
  'local file edited': { kit: 'server1', change: edit('local/resources.json.default', '100', '101') },
  'local/signature.json removed': { kit: 'server1', change: drop('local/signature.json') },
  'signature.json pretty printed': {
    kit: 'server1',
    change: async (kit) => {
      const file = join(kit, 'startup/signature.json');
      await writeFile(file, JSON.stringify(JSON.parse(await readFile(file, 'utf8')), null, 4));
    },
  },
  'fed_admin.json edited': {
    kit: 'admin@nvidia.com',
    change: edit('startup/fed_admin.json', '8002', '8003'),
  },
  'admin signature.json removed': { kit: 'admin@nvidia.com', change: drop('startup/signature.json') },
  'admin client.key not covered': { kit: 'admin@nvidia.com', change: uncover('client.key') },
};
