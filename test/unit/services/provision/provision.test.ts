import { hash, X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeskError } from '../../../../src-main/contract/errors.ts';
import type { Participant, Project } from '../../../../src-main/domain/project/model.ts';
import type { Progress } from '../../../../src-main/ports.ts';
import { planProvision, provision } from '../../../../src-main/services/provision/index.ts';
import { builder, participant, sampleProject, usualBuilders } from '../../../lab/sample-project.ts';

let workspace: string;
const root = () => join(workspace, 'example_project');
const state = () => join(root(), 'state/cert.json');

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'provision-'));
});
afterEach(() => rm(workspace, { recursive: true, force: true }));

const small = (...more: Participant[]): Project =>
  sampleProject('2.8.1', { participants: [participant('server', 'server1'), ...more] });

async function failure(work: Promise<unknown>): Promise<DeskError> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(DeskError);
  return error as DeskError;
}

/** Every path below the workspace with the digest of its bytes: a failing test shows no key. */
async function everything(): Promise<Record<string, string>> {
  const entries = await readdir(workspace, { recursive: true, withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isDirectory() ? 'folder' : hash('sha256', await readFile(path))] as const;
    }),
  );
  return Object.fromEntries(found);
}

const kitFile = (prod: string, path: string) => readFile(join(root(), prod, path), 'utf8');
const kitCertificate = async (prod: string, path: string) => new X509Certificate(await kitFile(prod, path));

describe('a first run', () => {
  it('answers the kits it made and tells how far it is', async () => {
    const progress: Progress[] = [];
    const project = sampleProject('2.7.2');
    const made = await provision(project, { workspace, report: (one) => progress.push(one) });
    expect(made).toMatchObject({ prod: join(root(), 'prod_00'), flare: '2.7.2' });
    expect(made.seconds).toBeGreaterThan(0);
    expect(made.participants).toEqual(
      project.participants.map(({ name, type }) => ({
        name,
        type,
        kit: join(root(), 'prod_00', name),
        reused: false,
      })),
    );
    expect([...new Set(progress.map(({ step }) => step))]).toEqual(['cert', 'kits', 'finalize']);
    expect(progress.filter(({ step }) => step === 'cert').at(-1)).toMatchObject({ done: 4, total: 4 });
    expect((await readdir(root())).sort()).toEqual(['prod_00', 'state']);
    expect((await stat(state())).mode & 0o777).toBe(0o600);
  });

  it('also writes what stands beside the kits', async () => {
    const project = {
      ...small(participant('client', 'site-1')),
      builders: [...usualBuilders, builder('impl.docker.DockerBuilder')],
    };
    await provision(project, { workspace, genScripts: true });
    expect((await readdir(join(root(), 'prod_00'))).sort()).toEqual(
      ['.env', 'compose.yaml', 'nvflare_compose', 'server1', 'site-1', 'start_all.sh'].sort(),
    );
    expect((await stat(join(root(), 'prod_00/start_all.sh'))).mode & 0o777).toBe(0o755);
  });

  it('cuts a server name that is too long, and keeps the whole name as host', async () => {
    const long = `${'a'.repeat(50)}.${'b'.repeat(30)}.org`;
    const cut = long.slice(0, 64);
    const project = sampleProject('2.8.1', {
      participants: [participant('server', long), participant('client', 'site-1')],
    });
    const made = await provision(project, { workspace });
    expect(made.participants.map(({ name }) => name)).toEqual([cut, 'site-1']);
    const certificate = await kitCertificate('prod_00', `${cut}/startup/server.crt`);
    expect(certificate.subject).toBe(`CN=${cut}\nO=nvidia`);
    expect(certificate.subjectAltName).toBe(`DNS:${long}`);
    const client = JSON.parse(await kitFile('prod_00', 'site-1/startup/fed_client.json')) as {
      servers: unknown[];
    };
    expect(client.servers[0]).toMatchObject({ identity: cut, service: { target: `${long}:8002` } });
  });
});

describe('a later run', () => {
  it('reuses everyone, and gives a removed client its key back', async () => {
    const site = participant('client', 'site-1');
    const first = await provision(small(site, participant('client', 'site-2')), { workspace });
    await provision(small(site), { workspace });
    const last = await provision(
      small(site, participant('client', 'site-2'), participant('client', 'site-3')),
      {
        workspace,
      },
    );
    expect(first.participants.some(({ reused }) => reused)).toBe(false);
    expect(last.participants.map(({ reused }) => reused)).toEqual([true, true, true, false]);
    for (const name of [
      'server1/startup/server.crt',
      'site-2/startup/client.crt',
      'site-2/startup/client.key',
    ]) {
      expect(await kitFile('prod_02', name)).toBe(await kitFile('prod_00', name));
    }
  });

  it('makes the listener pair of a client anew each time, and keeps its own pair', async () => {
    const listening = participant('client', 'site-1', {
      listeningHost: {
        scheme: 'tcp',
        hostNames: ['10.0.0.9'],
        defaultHost: 'site-1.example',
        connectionSecurity: 'mtls',
      },
    });
    await provision(small(listening), { workspace });
    await provision(small(listening), { workspace });
    const [first, second] = await Promise.all(
      ['prod_00', 'prod_01'].map((prod) => kitCertificate(prod, 'site-1/startup/server.crt')),
    );
    expect(first?.subjectAltName).toBe('DNS:site-1.example, IP Address:10.0.0.9');
    expect(first?.subject).toBe('CN=site-1\nO=nvidia');
    expect(first?.serialNumber).not.toBe(second?.serialNumber);
    expect(await kitFile('prod_01', 'site-1/startup/client.crt')).toBe(
      await kitFile('prod_00', 'site-1/startup/client.crt'),
    );
  });

  it('reports each certificate that no longer fits and changes nothing, until it is asked to re-issue', async () => {
    const before = sampleProject('2.8.1', {
      participants: [
        participant('server', 'server1', { hostNames: ['a.org'] }),
        participant('client', 'site-1'),
        participant('client', 'site-2'),
        participant('admin', 'lead@a.org', { role: 'lead' }),
      ],
    });
    await provision(before, { workspace });
    const as = await everything();
    const after = sampleProject('2.8.1', {
      participants: [
        participant('server', 'server1', { hostNames: ['b.org'] }),
        participant('client', 'site-1', { org: 'other' }),
        participant('client', 'site-2'),
        participant('admin', 'lead@a.org', { role: 'project_admin' }),
      ],
    });
    const conflict = await failure(provision(after, { workspace }));
    expect(conflict.code).toBe('conflict');
    expect(conflict.fields?.map(({ path, message }) => [path, message])).toEqual([
      ['server1', expect.stringMatching(/host names is "b.org, server1".*"a.org, server1" in the cert/)],
      ['site-1', expect.stringMatching(/organisation is "other".*"nvidia"/)],
      ['lead@a.org', expect.stringMatching(/role is "project_admin".*"lead"/)],
    ]);
    expect(conflict.fields?.[0]).toMatchObject({ file: '/p/project.yml', line: 1 });
    expect(await everything()).toEqual(as);

    const plan = await planProvision(after, { workspace });
    expect(plan).toMatchObject({ create: [], reuse: ['site-2'], next: 'prod_01' });
    expect(plan.changed.map(({ participant: name }) => name)).toEqual(['server1', 'site-1', 'lead@a.org']);
    expect(await everything()).toEqual(as);

    const partly = await failure(provision(after, { workspace, reissue: ['server1', 'site-1'] }));
    expect(partly.fields?.map(({ path }) => path)).toEqual(['lead@a.org']);
    const made = await provision(after, { workspace, reissue: ['server1', 'site-1', 'lead@a.org'] });
    expect(made.participants.filter(({ reused }) => reused).map(({ name }) => name)).toEqual(['site-2']);
    const names = Object.keys(JSON.parse(await readFile(state(), 'utf8')) as object);
    expect(names).toEqual(['root_cert', 'root_pri_key', 'server1', 'site-1', 'site-2', 'lead@a.org']);
    expect(await kitFile('prod_01', 'site-1/startup/client.key')).not.toBe(
      await kitFile('prod_00', 'site-1/startup/client.key'),
    );
    expect((await kitCertificate('prod_01', 'server1/startup/server.crt')).subjectAltName).toBe(
      'DNS:server1, DNS:b.org',
    );
  });

  it('reports expired certificates and an expired root, and renews them when asked', async () => {
    const project = small(participant('client', 'site-1'));
    await provision(project, { workspace });
    const later = { workspace, clock: { now: () => Date.now() + 361 * 24 * 3600_000 } };
    expect((await failure(provision(project, later))).code).toBe('cert_expired');
    const renewed = { ...later, reissue: ['example_project'] };
    const leaves = await failure(provision(project, renewed));
    expect(leaves.code).toBe('conflict');
    expect(leaves.fields?.map(({ message }) => message)).toEqual([
      expect.stringContaining('expired on'),
      expect.stringContaining('expired on'),
    ]);
    expect((await planProvision(project, later)).changed.map((one) => one.participant)).toEqual([
      'example_project',
      'server1',
      'site-1',
    ]);
    await provision(project, { ...later, reissue: ['example_project', 'server1', 'site-1'] });
    const [old, fresh] = await Promise.all(
      ['prod_00', 'prod_01'].map((prod) => kitCertificate(prod, 'site-1/startup/rootCA.pem')),
    );
    expect(fresh?.publicKey.equals(old?.publicKey as never)).toBe(true);
    expect(fresh?.validToDate.getTime()).toBeGreaterThan(later.clock.now());
    expect((await provision(project, later)).participants.every(({ reused }) => reused)).toBe(true);
  });

  it('refuses to re-issue for someone who is not there', async () => {
    const error = await failure(provision(small(), { workspace, reissue: ['site-7'] }));
    expect(error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('site-7') as string,
    });
    expect(await everything()).toEqual({});
  });
});

describe('the number of the kit folder', () => {
  it('is the largest there is plus one, also over gaps and files', async () => {
    await mkdir(join(root(), 'prod_03'), { recursive: true });
    await writeFile(join(root(), 'prod_97'), '');
    expect((await provision(small(), { workspace })).prod).toBe(join(root(), 'prod_98'));
    expect((await provision(small(), { workspace })).prod).toBe(join(root(), 'prod_99'));
    expect(await failure(provision(small(), { workspace }))).toMatchObject({ code: 'conflict' });
  });

  it('cannot be told beside a name that only looks like one', async () => {
    await mkdir(join(root(), 'prod_old'), { recursive: true });
    const error = await failure(provision(small(), { workspace }));
    expect(error).toMatchObject({ code: 'conflict', message: expect.stringContaining('prod_old') as string });
    expect(await readdir(root())).toEqual(['prod_old']);
  });
});

describe('a project that cannot be provisioned', () => {
  it.each([
    ['HEBuilder', { builders: [...usualBuilders, builder('impl.he.HEBuilder')] }],
    ['my.own.Builder', { builders: [...usualBuilders, { ...builder(''), path: 'my.own.Builder' }] }],
    ['my.own.Packager', { packager: { ...builder(''), path: 'my.own.Packager' } }],
  ])('is refused by name for %s, with the way out', async (name, more) => {
    const error = await failure(provision(sampleProject('2.8.1', more), { workspace }));
    expect(error).toMatchObject({ code: 'unsupported', message: expect.stringContaining(name) as string });
    expect(error.hint).toContain('nvflare provision -p /p/project.yml');
    expect(await everything()).toEqual({});
  });

  it.each<[string, Participant[], RegExp]>([
    ['no server', [participant('client', 'site-1')], /no server/],
    [
      'an unknown parent',
      [participant('server', 's'), participant('client', 'site-1', { parent: 'x' })],
      /site-1.*"x"/,
    ],
    [
      'a circle of clients',
      [
        participant('server', 's'),
        participant('client', 'a', { parent: 'b' }),
        participant('client', 'b', { parent: 'a' }),
      ],
      /circle/,
    ],
    ['a relay without listener', [participant('server', 's'), participant('relay', 'r')], /listening_host/],
    [
      'a client behind an unknown relay',
      [participant('server', 's'), participant('client', 'site-1', { connectTo: { name: 'r' } })],
      /"r", which is no relay/,
    ],
  ])('is refused for %s', async (_what, participants, message) => {
    const error = await failure(provision(sampleProject('2.7.2', { participants }), { workspace }));
    expect(error.code).toBe('invalid_input');
    expect(error.message).toMatch(message);
    expect(await everything()).toEqual({});
  });

  it('names a custom CA file that is missing', async () => {
    const site = participant('client', 'site-1', { customCaCert: join(workspace, 'ca.pem') });
    const error = await failure(provision(small(site), { workspace }));
    expect(error).toMatchObject({ code: 'not_found', message: expect.stringContaining('ca.pem') as string });
    await writeFile(join(workspace, 'ca.pem'), 'any bytes\xff', 'latin1');
    await provision(small(site), { workspace });
    expect(await readFile(join(root(), 'prod_00/site-1/startup/customRootCA.pem'), 'latin1')).toBe(
      'any bytes\xff',
    );
  });

  it('is not taken over a damaged state, which stays as it is', async () => {
    await mkdir(join(root(), 'state'), { recursive: true });
    await writeFile(state(), '{"root_cert": "x"');
    const as = await everything();
    expect(await failure(provision(small(), { workspace }))).toMatchObject({ code: 'invalid_input' });
    expect(await everything()).toEqual(as);
  });
});

describe('a site that asks for confidential computing', () => {
  const cc = [
    ...usualBuilders.slice(0, 3),
    builder('cc_provision.impl.cc.CCBuilder'),
    ...usualBuilders.slice(3),
  ];
  const asking = (builders = cc) => ({
    ...small(participant('client', 'site-1', { ccConfig: join(workspace, 'cc.yml') })),
    builders,
  });

  it.each<[string, string | undefined, RegExp]>([
    ['a file that is missing', undefined, /cc\.yml/],
    ['a file that is no YAML', 'a: [', /./],
    ['a list', '- a', /mapping/],
    ['an unknown environment', 'compute_env: moon', /compute_env "moon" is not known/],
    ['an include that is missing', 'compute_env: mock\ninclude: other.yml', /other\.yml/],
  ])('is never provisioned without it: %s', async (_what, text, message) => {
    if (text !== undefined) await writeFile(join(workspace, 'cc.yml'), text);
    const error = await failure(provision(asking(), { workspace }));
    expect(error.code).toBe('invalid_input');
    expect(error.message).toMatch(message);
    expect(error.fields?.length).toBeGreaterThan(0);
    await expect(readdir(root())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused without the builder', async () => {
    await writeFile(join(workspace, 'cc.yml'), 'compute_env: mock');
    expect(await failure(provision(asking(usualBuilders), { workspace }))).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('CCBuilder') as string,
    });
  });

  it('has every folder signed, the others none on 2.8', async () => {
    await writeFile(join(workspace, 'cc.yml'), 'compute_env: mock');
    await provision(asking(), { workspace });
    const names = (await readdir(join(root(), 'prod_00'), { recursive: true })).filter((name) =>
      name.endsWith('signature.json'),
    );
    expect(names.sort()).toEqual(
      ['', 'local/', 'startup/', 'transfer/'].map((folder) => `site-1/${folder}signature.json`).sort(),
    );
  });
});

describe('a workspace', () => {
  it('loses what a crashed run left, and nothing else', async () => {
    await mkdir(join(root(), 'wip/ghost'), { recursive: true });
    await writeFile(join(root(), 'wip/ghost/old'), 'x');
    await writeFile(join(root(), 'notes.txt'), 'mine');
    await provision(small(), { workspace });
    expect((await readdir(root())).sort()).toEqual(['notes.txt', 'prod_00', 'state']);
    expect(await readdir(join(root(), 'prod_00'))).toEqual(['server1']);
  });

  it('that is a file is a conflict', async () => {
    await writeFile(join(workspace, 'taken'), '');
    const error = await failure(provision(small(), { workspace: join(workspace, 'taken') }));
    expect(error).toMatchObject({ code: 'conflict', message: expect.stringContaining('taken') as string });
  });

  it('that may not be written is denied', async () => {
    if (process.getuid?.() === 0) return;
    await chmod(workspace, 0o500);
    const error = await failure(provision(small(), { workspace }));
    await chmod(workspace, 0o700);
    expect(error.code).toBe('denied');
  });
});
