import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { forgetAcceptedKey, listAcceptedKeys } from '../../../../src-main/services/ssh/own-known-hosts.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'known-'));
  file = join(folder, 'known_hosts');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A line as ssh writes it, with a key of one repeated byte. */
const key = (byte: number): string => {
  const name = Buffer.from('ssh-ed25519');
  const length = (size: number) => Buffer.from([0, 0, 0, size]);
  return Buffer.concat([length(name.length), name, length(32), Buffer.alloc(32, byte)]).toString('base64');
};
const line = (host: string, byte: number) => `${host} ssh-ed25519 ${key(byte)}`;

it('lists the keys it accepted with their fingerprints, and passes over the rest', async () => {
  const text = [
    '# mine',
    line('h1', 1),
    '',
    `@revoked ${line('h3', 3)}`,
    line('[h2]:2222', 2),
    'garbage',
    '',
  ];
  await writeFile(file, text.join('\n'));
  const keys = await listAcceptedKeys(file);
  expect(keys.map(({ host, keyType }) => [host, keyType])).toEqual([
    ['h1', 'ssh-ed25519'],
    ['[h2]:2222', 'ssh-ed25519'],
  ]);
  expect(new Set(keys.map(({ fingerprint }) => fingerprint)).size).toBe(2);
  for (const { fingerprint } of keys) expect(fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
});

it('forgets one key and leaves every other line as it is, for the owner alone', async () => {
  await writeFile(file, `# mine\n${line('h1', 1)}\n${line('h1', 2)}\n`);
  const [first] = await listAcceptedKeys(file);
  await forgetAcceptedKey(file, 'h1', first?.fingerprint ?? '');
  expect(await readFile(file, 'utf8')).toBe(`# mine\n${line('h1', 2)}\n`);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

it('says when there is no such key, and knows none without a file', async () => {
  expect(await listAcceptedKeys(file)).toEqual([]);
  await expect(forgetAcceptedKey(file, 'h1', 'SHA256:x')).rejects.toMatchObject({ code: 'not_found' });
});
