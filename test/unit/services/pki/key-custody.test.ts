import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DeskError } from '../../../../src-main/contract/errors.ts';
import {
  keyFormOf,
  unlockProjectKey,
  unwrapProjectKey,
  wrapProjectKey,
} from '../../../../src-main/services/pki/index.ts';
import { planProvision, provision } from '../../../../src-main/services/provision/index.ts';
import { participant, sampleProject } from '../../../lab/sample-project.ts';

const passphrase = 'correct horse bättery';
const project = sampleProject('2.8.1', { participants: [participant('server', 'server1')] });
const larger = sampleProject('2.8.1', {
  participants: [participant('server', 'server1'), participant('client', 'site-1')],
});
let workspace: string;
let state: string;
let file: string;
/** The state as our provisioning wrote it, and the same wrapped. */
let plain: string;
let wrapped: string;

type State = Record<string, unknown> & { root_pri_key: string };
const read = async () => JSON.parse(await readFile(file, 'utf8')) as State;

beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'custody-'));
  state = join(workspace, 'example_project/state');
  file = join(state, 'cert.json');
  await provision(project, { workspace });
  plain = await readFile(file, 'utf8');
  await wrapProjectKey(state, passphrase);
  wrapped = await readFile(file, 'utf8');
});
afterAll(() => rm(workspace, { recursive: true, force: true }));
beforeEach(() => writeFile(file, wrapped, { mode: 0o600 }));

async function failure(work: Promise<unknown>): Promise<DeskError> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(DeskError);
  const told = `${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)} ${(error as Error).stack}`;
  expect(told).not.toContain('PRIVATE KEY');
  expect(told).not.toContain(passphrase);
  expect(told).not.toContain((JSON.parse(plain) as State).root_pri_key.slice(40, 90));
  return error as DeskError;
}

/** The wrapped text with its header changed. */
async function withHeader(change: (header: Record<string, unknown>) => void): Promise<void> {
  const content = await read();
  const [head = '', sealed] = content.root_pri_key.split('.');
  const [, prefix = '', written = ''] = /^(.*:)([^:]*)$/.exec(head) ?? [];
  const header = JSON.parse(Buffer.from(written, 'base64').toString()) as Record<string, unknown>;
  change(header);
  const again = Buffer.from(JSON.stringify(header)).toString('base64');
  await writeFile(file, JSON.stringify({ ...content, root_pri_key: `${prefix}${again}.${sealed}` }));
}

describe('a wrapped signing key', () => {
  it('replaces the plain one and nothing else, for the owner alone', async () => {
    await writeFile(file, plain);
    expect(await keyFormOf(state)).toMatchObject({ form: 'plain' });
    await wrapProjectKey(state, passphrase);
    expect(await keyFormOf(state)).toMatchObject({
      form: 'wrapped',
      rootFingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/) as string,
    });
    const { root_pri_key: key, ...others } = await read();
    const { root_pri_key: _, ...before } = JSON.parse(plain) as State;
    expect(others).toEqual(before);
    expect(key).not.toContain('PRIVATE');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('comes back as it was, byte for byte', async () => {
    await unwrapProjectKey(state, passphrase);
    expect(await readFile(file, 'utf8')).toBe(plain);
  });

  it('takes the passphrase however its letters were composed', async () => {
    await unwrapProjectKey(state, passphrase.normalize('NFD'));
    expect(await readFile(file, 'utf8')).toBe(plain);
  });

  it('refuses a wrong passphrase and stays as it is', async () => {
    expect(await failure(unwrapProjectKey(state, 'correct horse battery'))).toMatchObject({ code: 'denied' });
    expect(await readFile(file, 'utf8')).toBe(wrapped);
  });

  it('refuses a flipped byte', async () => {
    const content = await read();
    const at = content.root_pri_key.length - 40;
    const other = content.root_pri_key[at] === 'A' ? 'B' : 'A';
    const key = content.root_pri_key.slice(0, at) + other + content.root_pri_key.slice(at + 1);
    await writeFile(file, JSON.stringify({ ...content, root_pri_key: key }));
    expect(await failure(unlockProjectKey(state, passphrase))).toMatchObject({ code: 'denied' });
  });

  it.each([
    ['of another root', (header: Record<string, unknown>) => (header.root = 'AA:BB'), 'integrity'],
    [
      'with another salt',
      (header: Record<string, unknown>) => (header.salt = 'A'.repeat(43) + '='),
      'denied',
    ],
    ['that asks for a weak derivation', (header: Record<string, unknown>) => (header.N = 2), 'integrity'],
    ['that asks for all memory', (header: Record<string, unknown>) => (header.N = 2 ** 30), 'integrity'],
    ['of a later version', (header: Record<string, unknown>) => (header.version = 2), 'integrity'],
    ['with cost of another kind', (header: Record<string, unknown>) => (header.N = 65_536), 'denied'],
  ])('refuses a header %s', async (_title, change, code) => {
    await withHeader(change);
    expect(await failure(unlockProjectKey(state, passphrase))).toMatchObject({ code });
  });

  it('refuses parameters whose memory is beyond the limit in words', async () => {
    await withHeader((header) => Object.assign(header, { N: 1_048_576, r: 32 }));
    expect(await failure(unlockProjectKey(state, passphrase))).toMatchObject({ code: 'integrity' });
  });

  it('is not wrapped twice, nor unwrapped when plain, nor found where there is none', async () => {
    expect(await failure(wrapProjectKey(state, passphrase))).toMatchObject({ code: 'conflict' });
    await writeFile(file, plain);
    expect(await failure(unwrapProjectKey(state, passphrase))).toMatchObject({ code: 'conflict' });
    expect(await failure(unlockProjectKey(state, passphrase))).toMatchObject({ code: 'conflict' });
    expect(await failure(wrapProjectKey(join(workspace, 'nowhere'), passphrase))).toMatchObject({
      code: 'not_found',
    });
    expect(await keyFormOf(join(workspace, 'nowhere'))).toEqual({ form: 'none' });
  });
});

describe('provisioning with a wrapped key', () => {
  it('plans without the key', async () => {
    expect(await planProvision(larger, { workspace })).toMatchObject({
      create: ['site-1'],
      reuse: ['server1'],
    });
  });

  it('is refused while it is locked, and nothing is written', async () => {
    expect(await failure(provision(larger, { workspace }))).toMatchObject({ code: 'locked' });
    expect(await readFile(file, 'utf8')).toBe(wrapped);
    const key = await unlockProjectKey(state, passphrase);
    key.lock();
    expect(await failure(provision(larger, { workspace, unlockedKey: key }))).toMatchObject({
      code: 'locked',
    });
  });

  it('works with it unlocked, and leaves it wrapped', async () => {
    const key = await unlockProjectKey(state, passphrase);
    expect(JSON.stringify(key)).not.toContain('PRIVATE');
    const made = await provision(larger, { workspace, unlockedKey: key });
    expect(made.participants.map(({ name, reused }) => [name, reused])).toEqual([
      ['server1', true],
      ['site-1', false],
    ]);
    const after = await read();
    expect(after.root_pri_key).toBe((JSON.parse(wrapped) as State).root_pri_key);
    expect(await keyFormOf(state)).toMatchObject({ form: 'wrapped' });
    await unwrapProjectKey(state, passphrase);
    expect((await read()).root_pri_key).toBe((JSON.parse(plain) as State).root_pri_key);
  });
});
