/**
 * The canary test: the whole main job on real hosts and a real server, by two pages at once (web socket and message port),
 * with every secret known to the test. None of them may stand in anything that leaves the core or is kept: answers, states,
 * streams, questions, logs, records, drafts, audit trail, settings, diagnostics bundle.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Core, createCore } from '../../../src-main/core.ts';
import { startWebHost, type WebHost } from '../../../src-main/headless/web-host.ts';
import type { Prompter, SecretBox } from '../../../src-main/ports.ts';
import type * as Login from '../../../src-main/services/flare/login.ts';
import type * as Register from '../../../src-main/services/flare/register.ts';
import { Canaries } from '../../lab/canaries.ts';
import { endMarked, newLabFolder, newMark } from '../../lab/keeper.ts';
import { flareBin, type FlareVersion } from '../../lab/nvflare.ts';
import { freePort } from '../../lab/ports.ts';
import { makeKey, type Sshd, startSshd } from '../../lab/sshd.ts';
import { filesBelow, rowsOfStore } from './outlets.ts';
import { openPortPage, openSocketPage, type Page } from './pages.ts';

/** What a login brings forth: tokens, and what the admin signed. They live in memory only, so they are caught on their way. */
const ofLogins = vi.hoisted(() => [] as (string | Uint8Array)[]);
vi.mock('../../../src-main/services/flare/login.ts', async (original) => {
  const real = await original<typeof Login>();
  return {
    ...real,
    certificateLogin: async (...[context, ...rest]: Parameters<typeof Login.certificateLogin>) => {
      const { signer } = context.credentials;
      const sign: typeof signer.sign = (data) => {
        const signature = signer.sign(data);
        ofLogins.push(signature);
        return signature;
      };
      const credentials = { ...context.credentials, signer: { ...signer, sign } };
      const done = await real.certificateLogin({ ...context, credentials }, ...rest);
      ofLogins.push(done.token);
      return done;
    },
  };
});
vi.mock('../../../src-main/services/flare/register.ts', async (original) => {
  const real = await original<typeof Register>();
  return {
    ...real,
    register: async (...args: Parameters<typeof Register.register>) => {
      await real.register(...args);
      const { __token__: token, __token_signature__: signature } = args[2].headers as Record<string, string>;
      ofLogins.push(token ?? '', signature ?? '');
    },
  };
});

const admin = 'ada@example.org';
const sites = ['site-1', 'site-2'];
const template = join(import.meta.dirname, '../../../resources/job-templates/hello-numpy');
const secretOf = (what: string) => `canary ${what} ${randomBytes(12).toString('base64')}`;
const passphrases = {
  signingKey: secretOf('signing "key"'),
  wrong: secretOf('wrong'),
  asked: secretOf('asked'),
  filed: secretOf('filed'),
};

const typed = `typed${randomBytes(12).toString('hex')}`;

let version: FlareVersion;
let folder: string;
/** The CA key as it was in clear. */
let signingKey: string;
let core: Core;
let web: WebHost;
let socketPage: Page;
let portPage: Page;
const hosts = new Map<string, Sshd>();
const mark = newMark();
const cleanUps: (() => unknown)[] = [];

async function startHost(name: string, passphrase: string): Promise<void> {
  const place = join(folder, 'hosts', name);
  await mkdir(place, { recursive: true });
  makeKey(join(place, 'identity'), { passphrase });
  const sshd = await startSshd({ folder: place, env: mark, limitMs: 170_000 });
  cleanUps.push(() => sshd.stop());
  hosts.set(name, sshd);
}

function hostWords(name: string): Record<string, unknown> {
  const sshd = hosts.get(name);
  if (!sshd) throw new Error(`No host ${name}.`);
  const { host, port, user, identity, home } = sshd;
  return { ssh: host, port, user, identity, directory: join(home, 'flare'), path: [flareBin(version)] };
}

/** Stands in for the system's keychain: what it seals is kept by the core, and does not look like what it was. */
const turned = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0xa5);
const keychain: SecretBox = {
  isAvailable: () => Promise.resolve(true),
  seal: (text) => Promise.resolve(turned(Buffer.from(text))),
  open: (sealed) => Promise.resolve({ text: Buffer.from(turned(sealed)).toString(), isStale: false }),
};

/** A person who knows the passphrases, mistypes the first one of the signing key, and accepts the hosts of the lab. */
function answerAs(person: { typedWrong: boolean }): Page['answer'] {
  return (name, question) => {
    if (name === 'prompts.host_key') return { accept: true };
    if (name === 'prompts.place') {
      const bundle = question['purpose'] === 'save_file';
      return { path: join(folder, bundle ? 'bundle.zip' : 'project') };
    }
    if (name === 'prompts.new_passphrase') return { passphrase: passphrases.signingKey };
    if (name !== 'prompts.passphrase') return null;
    if (!String(question['what']).includes('signing key'))
      return { passphrase: passphrases.asked, remember: true };
    if (person.typedWrong) return { passphrase: passphrases.signingKey };
    person.typedWrong = true;
    return { passphrase: passphrases.wrong };
  };
}

async function begin(): Promise<void> {
  folder = await newLabFolder('canaries');
  cleanUps.push(() => endMarked(mark));
  await mkdir(join(folder, 'pages'));
  await writeFile(join(folder, 'pages/index.html'), '<p>page</p>');
  await startHost('localhost', passphrases.filed);
  for (const name of sites) await startHost(name, passphrases.asked);
  await writeFile(join(folder, 'passphrase'), `${passphrases.filed}\n`, { mode: 0o600 });

  let ask: Prompter = () => Promise.reject(new Error('Nobody is there yet.'));
  core = createCore({
    stateFolder: join(folder, 'state'),
    version: '0.0.0-test',
    environment: { home: folder, user: 'ada' },
    prompter: (...question) => ask(...question),
    keepSessionsMs: 60_000,
    secretBox: keychain,
    checkOutputs: true,
  });
  cleanUps.push(() => core.dispose());
  web = await startWebHost({ core, pages: join(folder, 'pages'), port: 0 });
  cleanUps.push(() => web.close());
  const socket = await openSocketPage(web.url);
  const port = openPortPage(core);
  cleanUps.push(socket.close, port.close);
  socketPage = socket.page;
  portPage = port.page;
  socketPage.answer = portPage.answer = answerAs({ typedWrong: false });
  // Both doors put questions: the web host those of the setting up, the port those of the operation.
  let turn = 0;
  ask = (name, question, signal) =>
    turn++ % 2 === 0
      ? web.ask(name, question, signal)
      : port.wire.ask(name, question, signal, Date.now() + 60_000);
  await socketPage.must('settings.set', { log_level: 'debug' });
}

async function end(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  hosts.clear();
  ofLogins.length = 0;
}

interface Open {
  open: { participants: { name: string; kit_place?: { token: string } }[]; file?: { token: string } } | null;
}

/** Set up, provision, wrap the signing key, provision again. */
async function setUp(page: Page): Promise<string> {
  const { place } = await page.must<{ place: { token: string } }>('places.pick', {
    purpose: 'new_project_folder',
  });
  await page.must('drafts.begin_new', { directory: place.token, name: 'clinics', flare: version });
  const draft = page.watch<{ draft: { revision: number } | null }>('drafts.current');
  await expect.poll(() => draft.current()?.draft?.revision).toBeDefined();
  const port = await freePort();
  const participants = [
    { name: 'localhost', type: 'server', org: 'hq', fed_learn_port: port, admin_port: port },
    ...sites.map((name) => ({ name, type: 'client', org: 'clinic' })),
    { name: admin, type: 'admin', org: 'hq', role: 'project_admin' },
  ];
  await page.must('drafts.edit', {
    revision: draft.current()?.draft?.revision,
    operations: [
      ...participants.map((participant) => ({ op: 'add_participant', participant })),
      {
        op: 'set_host',
        name: 'localhost',
        host: { ...hostWords('localhost'), passphrase_file: join(folder, 'passphrase') },
      },
      ...sites.map((name) => ({ op: 'set_host', name, host: hostWords(name) })),
    ],
  });
  await page.must('drafts.plan');
  const { file } = await page.must<{ file: { token: string } }>('drafts.save');
  await page.must('drafts.begin');
  expect(await page.run('provisioning.run', { file: file.token })).toMatchObject({ status: 'succeeded' });
  const state = join(folder, 'project/workspace/clinics/state/cert.json');
  const clear = JSON.parse(await readFile(state, 'utf8')) as { root_pri_key: string };
  signingKey = clear.root_pri_key;
  expect(await page.must('custody.wrap')).toMatchObject({ form: 'wrapped' });
  // Asked twice: the first passphrase is mistyped.
  expect(await page.run('provisioning.run', { file: file.token, reissue: ['site-1'] })).toMatchObject({
    status: 'succeeded',
  });
  await page.must('custody.lock');
  return file.token;
}

/** NVFlare keeps jobs in /tmp/nvflare by default, for every server of the machine: this one gets a place of its own. */
async function ownStorage(home: string): Promise<void> {
  for (const file of await filesBelow(home)) {
    if (!file.endsWith('local/resources.json.default')) continue;
    const text = await readFile(file, 'utf8');
    await writeFile(
      file.replace(/\.default$/, ''),
      text.replaceAll('/tmp/nvflare/', `${join(home, 'storage')}/`),
    );
  }
}

/** Check, deliver, start, console, job, result, stop. */
async function operate(page: Page, file: string): Promise<void> {
  const run = async (verb: string) => {
    const { status, ...told } = await page.run('sites.run', { verb, file });
    expect(status, JSON.stringify(told).slice(0, 2000)).toBe('succeeded');
  };
  await run('check');
  await run('distribute');
  await ownStorage(hosts.get('localhost')?.home ?? '');
  await run('start');
  const workspace = page.watch<Open>('workspace.current');
  const kitOf = () =>
    workspace.current()?.open?.participants.find(({ name }) => name === admin)?.kit_place?.token;
  await expect.poll(kitOf).toBeDefined();
  const kit = kitOf() ?? '';
  page.watch('jobs.board');
  await page.must('jobs.look', { kit });
  const connected = async () => {
    const info = await page.call('session.info', { kit });
    return info.ok && sites.every((name) => JSON.stringify(info.value).includes(name));
  };
  await expect.poll(connected, { timeout: 60_000, interval: 1000 }).toBe(true);

  const lines = [
    'check_status server',
    'list_jobs',
    'report_env server',
    'cat server local/authorization.json',
  ];
  const items = await page.stream('session.console', { kit }, [
    ...lines.map((line) => ({ kind: 'line', line })),
    // A person may type a secret. Their own page hears its line again; nothing keeps it.
    { kind: 'line', line: `grep server passphrase=${typed} log.txt` },
    { kind: 'finish' },
  ]);
  expect(items.length).toBeGreaterThan(lines.length);

  const transfer = await page.must<{ folder: { label: string } }>('jobs.transfer', { kit });
  await cp(template, join(transfer.folder.label, 'hello'), { recursive: true });
  await page.must('jobs.transfer', { kit });
  await page.must('jobs.check', { kit, job: 'hello' });
  const job = await page.run('jobs.submit', { kit, job: 'hello', follow: true, download: true });
  expect(job, JSON.stringify(job).slice(0, 2000)).toMatchObject({
    status: 'succeeded',
    result: { phase: 'completed' },
  });
  const { job_id: jobId } = job.result as { job_id: string };
  await page.must('jobs.detail', { kit, job_id: jobId });
  await page.must('session.complete', { kit, line: 'abort_job ', cursor: 10 });
  await page.must('kits.inspect', { kit });
  await page.must('kits.verify', { kit });
  await page.must('certificates.list', { file });
  await page.must('workspace.site_log', { participant: 'site-1' });
  await run('status');
  await run('stop');

  // What fails tells a lot: a kit whose key is another one, a host that lets nobody in.
  const place = core.places.pathOf(kit) ?? '';
  const key = join(place, 'startup/client.key');
  const good = await readFile(key, 'utf8');
  for (const bad of [good.replace(/\n/g, ' '), good.slice(0, 900), `{"key": ${JSON.stringify(good)}}`]) {
    await writeFile(key, bad);
    expect((await page.call('session.info', { kit, study: 'other' })).ok).toBe(false);
    await page.call('kits.inspect', { kit });
    await page.call('kits.verify', { kit });
  }
  await writeFile(key, good);
  await hosts.get('site-1')?.stop();
  expect((await page.run('sites.run', { verb: 'status', file })).status).not.toBe('succeeded');
}

/** Everything a page can still read of what happened. */
async function readEverything(page: Page): Promise<void> {
  for (const name of [
    'tasks.list',
    'diagnostics.audit',
    'diagnostics.bundle',
    'settings.get',
    'custody.state',
  ])
    await page.must(name);
  await page.must('settings.known_hosts');
  await page.must('settings.remembered');
  await page.must('drafts.export_csv');
  const { tasks } = await page.must<{ tasks: { id: string }[] }>('tasks.list');
  for (const { id } of tasks) await page.must('tasks.get', { id });
}

/** Learns every secret there is, from the files that hold it. */
async function plantedSecrets(): Promise<Canaries> {
  const canaries = new Canaries();
  canaries.addKey('signing key', signingKey);
  for (const [name, passphrase] of Object.entries(passphrases))
    canaries.add(`passphrase ${name}`, passphrase);
  for (const secret of new Set(ofLogins)) {
    if (typeof secret !== 'string') canaries.add('signature of a login', secret);
    else {
      canaries.add('token or signature of a login', secret);
      // A session token is text in base64 and its signature in base64.
      for (const part of secret.split(':')) canaries.add('part of a token', part);
    }
  }
  for (const file of await filesBelow(folder)) {
    const name = file.slice(folder.length + 1);
    const text = await readFile(file, 'utf8');
    const pem = /-----BEGIN (?:RSA )?PRIVATE KEY-----[\s\S]+?-----END (?:RSA )?PRIVATE KEY-----/.exec(
      text,
    )?.[0];
    if (pem !== undefined && file.endsWith('.key')) canaries.addKey(name, pem);
    if (/\/hosts\/[^/]+\/(identity|host_key_ed25519)$/.test(file)) {
      const body = text.split('\n').filter((line) => line !== '' && !line.startsWith('-'));
      // A key file of OpenSSH begins with its public half.
      canaries.addPieces(name, Buffer.from(body.join(''), 'base64'), 128);
      canaries.addPieces(name, Buffer.from(body.join('\n')), 180);
    }
    if (/\/prod_\d+\/[^/]+\/startup\//.test(file)) {
      if (/\.(crt|pem)$/.test(file))
        canaries.addPieces(`${name}, bytes of a kit`, Buffer.from(text).subarray(100));
      if (file.endsWith('signature.json')) {
        for (const signature of Object.values(JSON.parse(text) as Record<string, string>))
          canaries.addPieces(`${name}, bytes of a kit`, Buffer.from(signature, 'base64'));
      }
    }
  }
  return canaries;
}

const unpackBundle = (file: string): string =>
  execFileSync('unzip', ['-p', file], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });

async function doAllAndSearch(): Promise<void> {
  const states = [
    'tasks.recent',
    'workspace.current',
    'session.connections',
    'settings.current',
    'custody.current',
  ];
  for (const page of [socketPage, portPage]) for (const name of states) page.watch(name);
  const file = await setUp(socketPage);
  await operate(portPage, file);
  for (const page of [socketPage, portPage]) await readEverything(page);
  const { place } = await portPage.must<{ place: { token: string } }>('places.pick', {
    purpose: 'save_file',
  });
  await portPage.must('diagnostics.save_bundle', { file: place.token });
  await core.dispose();

  const outlets = new Map<string, string>([
    ['web socket', socketPage.heard.join('\n')],
    ['message port', portPage.heard.join('\n')],
    ['diagnostics bundle', unpackBundle(join(folder, 'bundle.zip'))],
    ...(await rowsOfStore(join(folder, 'state'))),
  ]);
  for (const name of await filesBelow(join(folder, 'state')))
    outlets.set(name, await readFile(name, 'latin1'));
  for (const name of ['project.yml', 'desk.yml'])
    outlets.set(name, await readFile(join(folder, 'project', name), 'latin1'));

  const canaries = await plantedSecrets();
  const ofConsole = new Canaries();
  ofConsole.add('typed in the console', typed);
  expect(ofConsole.findIn(outlets.get('message port') ?? '')).not.toEqual([]);
  const kept = [...outlets].filter(([outlet]) => outlet !== 'message port');
  expect(kept.flatMap(([outlet, text]) => ofConsole.findIn(text).map(() => outlet))).toEqual([]);
  const kinds = [...canaries.names].join('\n');
  for (const kind of [
    'signing key',
    'client.key',
    'server.key',
    'passphrase',
    'token',
    'signature',
    'identity',
    'kit',
  ])
    expect(kinds).toContain(kind);

  // What was listened to is what was said: nothing found in silence proves nothing.
  for (const name of ['web socket', 'message port', 'diagnostics bundle', 'table tasks']) {
    expect(outlets.get(name), name).toContain('site-1');
    expect(outlets.get(name)?.length, name).toBeGreaterThan(2000);
  }
  expect(outlets.get('message port')).toContain('SSH key ');
  expect(outlets.get(join(folder, 'state/secrets.json'))).toContain('sealed');
  expect(outlets.get('message port')).toContain('FINISHED:COMPLETED');
  expect(outlets.get('table audit')).toContain('provisioning.run');
  expect([...outlets.keys()].join('\n')).toMatch(/\.log/);

  const leaks = [...outlets].flatMap(([outlet, text]) =>
    canaries.findIn(text).map((secret) => `${outlet}: ${secret}`),
  );
  expect(leaks).toEqual([]);

  // The negative control: one answer that carries a key, through the same pipe, is seen.
  const key = await readFile(join(folder, 'hosts/localhost/identity'));
  socketPage.receive({ kind: 'answer', id: 1_000_000, envelope: { ok: true, value: { bytes: key } } });
  expect(canaries.findIn(socketPage.heard.at(-1) ?? '')).not.toEqual([]);
}

describe.each(['2.8.1', '2.7.2'] as const)('the main job with NVFlare %s', (line) => {
  beforeAll(async () => {
    version = line;
    await begin();
  });
  afterAll(end);

  it('lets no secret out of the core, whatever is done', { timeout: 170_000 }, doAllAndSearch);
});
