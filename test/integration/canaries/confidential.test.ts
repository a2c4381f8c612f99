/**
 * Canaries in the confidential parts: a bundle around a real kit, a drive of user data, a key broker with its admin key and
 * tokens. None of these secrets may stand in anything that leaves the core or is kept.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Core, createCore } from '../../../src-main/core.ts';
import type * as Token from '../../../src-main/services/kbs/token.ts';
import { Canaries } from '../../lab/canaries.ts';
import { missingDriveTool } from '../../lab/drive-tools.ts';
import { startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { type CcKits, makeCcKits } from '../cvm-bundle/kits.ts';
import { packSiteBundle } from '../cvm-bundle/site-bundle.ts';
import { writeConfidentialProject } from '../kbs/confidential-project.ts';
import { filesBelow, rowsOfStore } from './outlets.ts';
import { openPortPage, type Page } from './pages.ts';

/** Tokens live for one request and in memory only: they are caught where they are made. */
const tokens = vi.hoisted(() => [] as string[]);
vi.mock('../../../src-main/services/kbs/token.ts', async (original) => {
  const real = await original<typeof Token>();
  return {
    ...real,
    adminToken: (...given: Parameters<typeof Token.adminToken>) => {
      const token = real.adminToken(...given);
      tokens.push(token);
      return token;
    },
  };
});

const patient = `patient ${randomBytes(24).toString('base64')}`;
const resource = `disk key ${randomBytes(24).toString('base64')}`;
const broken = `canary in a broken key ${randomBytes(24).toString('base64')}`;

describe.skipIf(missingDriveTool() !== undefined)('the confidential parts', () => {
  let folder: string;
  let kits: CcKits;
  let kbs: TestKbs;
  let core: Core;
  let page: Page;
  let closePage: () => void;

  beforeAll(async () => {
    folder = await newLabFolder('canaries-cc');
    kits = await makeCcKits(await made('bundles'));
    packSiteBundle(await made('pack'), kits);
    kbs = await startKbs({ minor: 14 });
    core = createCore({
      stateFolder: join(folder, 'state'),
      version: '0.0.0-test',
      environment: { home: folder, user: 'ada' },
      checkOutputs: true,
    });
    ({ page, close: closePage } = openPortPage(core));
    await page.must('settings.set', { log_level: 'debug' });
  });
  afterAll(async () => {
    closePage();
    await core.dispose();
    await kbs.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const made = async (name: string): Promise<string> => {
    await mkdir(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const token = (path: string): string => core.places.tokenOf(path);
  const succeed = async (name: string, input: object): Promise<void> => {
    const task = await page.run(name, input);
    expect(task.status, `${name}: ${JSON.stringify(task).slice(0, 1500)}`).toBe('succeeded');
  };

  const inspect = async (): Promise<void> => {
    const about = { file: token(kits.file), workspace: token(kits.workspace) };
    const archive = join(kits.kit('site-1'), 'site-1.tgz');
    await succeed('bundles.inspect', { bundle: token(archive), ...about, keep: true, sign: 'root' });
    await succeed('bundles.verify', {
      bundle: token(archive),
      record: token(join(kits.kit('site-1'), 'site-1.bundle.json')),
      ...about,
    });
    // A bundle that cannot be read tells what it met.
    await writeFile(join(folder, 'half.tgz'), (await readFile(archive)).subarray(0, 20_000));
    expect((await page.run('bundles.inspect', { bundle: token(join(folder, 'half.tgz')) })).status).toBe(
      'failed',
    );
  };

  const fillDrive = async (): Promise<void> => {
    const source = await made('source');
    await writeFile(join(source, 'labels.csv'), patient);
    const drive = token(join(folder, 'user_data.qcow2'));
    await succeed('user_data.create', { drive, folder: token(source), size: 0.0625 });
    await succeed('user_data.put', { drive, source: token(join(source, 'labels.csv')), name: 'more.csv' });
    await succeed('user_data.resize', { drive, size: 0.125 });
    await succeed('user_data.list', { drive });
    await writeFile(join(folder, 'user_data.broken'), patient);
    const wrong = { drive: token(join(folder, 'user_data.broken')) };
    expect((await page.run('user_data.list', wrong)).status).toBe('failed');
  };

  const askBroker = async (): Promise<void> => {
    const project = await writeConfidentialProject(await made('study'), kbs);
    const file = token(project);
    await page.must('workspace.open', { place: file });
    const shown = page.watch<{ policy: { sha256: string } | null }>('kbs.current');
    await expect.poll(() => shown.current()?.policy?.sha256, { timeout: 20_000 }).toBeDefined();
    await page.must('kbs.status', { file });
    const { text } = await page.must<{ text: string }>('kbs.policy_generate', { file });
    const { sha256 } = await page.must<{ sha256: string }>('kbs.policy_read', { file });
    await page.must('kbs.policy_lint', { file, text });
    await page.must('kbs.policy_compare', { file, text });
    await page.must('kbs.policy_set', {
      file,
      text,
      read_sha256: sha256,
      confirm: 'study',
      accept_findings: true,
    });
    await page.must('kbs.policy_history', { file });
    await writeFile(join(folder, 'disk.key'), resource);
    const put = {
      file,
      path: 'default/keys/vm-site-1',
      content: token(join(folder, 'disk.key')),
      confirm: 'study',
    };
    await page.must('kbs.resource_put', put);
    await page.must('kbs.resource_list', { file });
    // A broker that refuses, and an admin key that is none.
    kbs.failWith = { status: 401, body: 'no such admin' };
    await page.call('kbs.status', { file });
    await page.call('kbs.policy_read', { file });
    kbs.failWith = undefined;
    const good = await readFile(kbs.adminKey, 'utf8');
    for (const bad of [
      good.replaceAll('\n', ' '),
      good.slice(0, 70),
      `{"key": ${JSON.stringify(good)}}`,
      broken,
    ]) {
      await writeFile(kbs.adminKey, bad);
      expect((await page.call('kbs.policy_read', { file })).ok).toBe(false);
    }
    await writeFile(kbs.adminKey, good);
  };

  const secrets = async (): Promise<Canaries> => {
    const canaries = new Canaries();
    for (const [name, text] of Object.entries({ patient, resource, broken })) canaries.add(name, text);
    const key = await readFile(kbs.adminKey, 'utf8');
    const body = key.split('\n').filter((line) => line !== '' && !line.startsWith('-'));
    // The first bytes of such a key name its kind.
    canaries.add('admin key of the broker', Buffer.from(body.join(''), 'base64').subarray(16));
    for (const line of body) canaries.add('admin key of the broker', line.slice(24));
    for (const one of new Set(tokens)) {
      canaries.add('token for the broker', one);
      canaries.add('signature of a token', one.split('.')[2] ?? '');
    }
    const state = join(kits.projectFolder, 'state/cert.json');
    canaries.addKey(
      'signing key',
      (JSON.parse(await readFile(state, 'utf8')) as { root_pri_key: string }).root_pri_key,
    );
    for (const file of await filesBelow(kits.kit('site-1'))) {
      if (file.endsWith('.key')) canaries.addKey('key of the kit', await readFile(file, 'utf8'));
      if (/\/startup\/.*\.crt$/.test(file))
        canaries.addPieces('bytes of the kit', (await readFile(file)).subarray(100));
    }
    return canaries;
  };

  it('let no secret out of the core', { timeout: 120_000 }, async () => {
    page.watch('tasks.recent');
    page.watch('attestation.board');
    await inspect();
    await fillDrive();
    await askBroker();
    await page.must('diagnostics.audit');
    await page.must('diagnostics.bundle');
    const { tasks } = await page.must<{ tasks: { id: string }[] }>('tasks.list');
    for (const { id } of tasks) await page.must('tasks.get', { id });
    await core.dispose();

    const stateFolder = join(folder, 'state');
    const outlets = new Map([['message port', page.heard.join('\n')], ...(await rowsOfStore(stateFolder))]);
    for (const name of await filesBelow(stateFolder)) outlets.set(name, await readFile(name, 'latin1'));
    const record = join(kits.kit('site-1'), 'site-1.bundle.json');
    outlets.set(record, await readFile(record, 'latin1'));

    const canaries = await secrets();
    for (const kind of [
      'admin key of the broker',
      'token for the broker',
      'signing key',
      'key of the kit',
      'bytes of the kit',
    ])
      expect([...canaries.names].join('\n')).toContain(kind);
    // What was listened to is what was said.
    expect(outlets.get('message port')).toContain('labels.csv');
    expect(outlets.get('message port')).toContain(kbs.address);
    expect(outlets.get('table tasks')).toContain('bundles.inspect');

    const leaks = [...outlets].flatMap(([outlet, text]) =>
      canaries
        .findIn(text)
        // A signed record carries the certificates of its signer for whoever verifies it.
        .filter((secret) => outlet !== record || secret !== 'bytes of the kit')
        .map((secret) => `${outlet}: ${secret}`),
    );
    expect(leaks).toEqual([]);
    // The negative control: what would leak is seen.
    expect(canaries.findIn(JSON.stringify(await readFile(kbs.adminKey)))).toEqual([
      'admin key of the broker',
    ]);
    expect(canaries.findIn(JSON.stringify({ headers: `Bearer ${tokens[0]}` }))).toContain(
      'token for the broker',
    );
  });
});
