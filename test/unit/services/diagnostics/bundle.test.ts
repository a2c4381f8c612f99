import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fromBuffer, type Entry, type ZipFile } from 'yauzl';
import { collectBundle, writeBundle } from '../../../../src-main/services/diagnostics/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundle-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const { privateKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const keyBody = privateKey.split('\n')[1] ?? '';
const canaries = {
  passphrase: 'canary-passphrase-1',
  token: 'canary-token-2',
  password: 'canary-password-3',
};

async function entriesOf(file: string): Promise<string[]> {
  const zip = await promisify<Buffer, { lazyEntries: boolean }, ZipFile>(fromBuffer)(await readFile(file), {
    lazyEntries: true,
  });
  const names: string[] = [];
  return new Promise((resolve, reject) => {
    zip.on('entry', (entry: Entry) => {
      names.push(entry.fileName);
      zip.readEntry();
    });
    zip.on('end', () => resolve(names));
    zip.on('error', reject);
    zip.readEntry();
  });
}

it('holds no key, passphrase or token, wherever they stood', async () => {
  const long = `${'x'.repeat(80)}\n`.repeat(20_000);
  await writeFile(
    join(folder, 'flaredesk.log'),
    `${JSON.stringify({ message: privateKey, ...canaries })}\ntoken=${canaries.token}\n${privateKey}`,
  );
  // The newest part begins in the midst of a key.
  const tail = long.slice(0, 1_000_000 - keyBody.length - 40);
  await writeFile(join(folder, 'flaredesk.log.1'), `${long}${privateKey}${tail}`);
  await writeFile(join(folder, 'flaredesk.sqlite'), privateKey);
  await writeFile(join(folder, 'known_hosts'), 'h1 ssh-ed25519 AAAA');
  const files = await collectBundle({
    stateFolder: folder,
    about: { settings: { ...canaries, nested: [{ private_key: privateKey }] } },
    tasks: [
      {
        id: 't',
        input: { passphrase: canaries.passphrase },
        error: { message: `password: ${canaries.password}` },
      },
    ],
  });
  expect(files.map(({ name }) => name)).toEqual([
    'about.json',
    'tasks.json',
    'log/flaredesk.log',
    'log/flaredesk.log.1',
  ]);
  const all = files.map(({ text }) => text).join('\n');
  for (const canary of [...Object.values(canaries), keyBody, 'PRIVATE KEY']) {
    // Not toContain: a failing test would print the whole bundle.
    expect(all.includes(canary), canary).toBe(false);
  }
});

it('is written for the owner alone, through a name that is gone afterwards', async () => {
  const file = join(folder, 'bundle.zip');
  const bytes = await writeBundle(file, [{ name: 'log/a.log', about: '', text: 'hello' }]);
  const facts = await stat(file);
  expect(facts.size).toBe(bytes);
  expect(facts.mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['bundle.zip']);
  expect(await entriesOf(file)).toEqual(['log/a.log']);
  await expect(writeBundle(join(folder, 'nowhere/b.zip'), [])).rejects.toThrow();
  expect(await collectBundle({ stateFolder: join(folder, 'nowhere'), about: {}, tasks: [] })).toHaveLength(2);
});
