import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  findKnownKeys,
  fingerprintOf,
  parseKnownHosts,
} from '../../../../src-main/services/ssh/known-hosts.ts';
import { addKnownHost, readKnownKeys } from '../../../../src-main/services/ssh/known-hosts-files.ts';
import { makeKey } from '../../../lab/sshd.ts';

const folder = mkdtempSync(join(tmpdir(), 'flaredesk-known-hosts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const publicOf = (name: string, type = 'ed25519') => {
  const file = makeKey(join(folder, name), { type });
  const [keyType = '', key = ''] = readFileSync(`${file}.pub`, 'utf8').split(' ');
  const fingerprint =
    execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? '';
  return { keyType, key, fingerprint };
};
const one = publicOf('one');
const two = publicOf('two');
const ecdsa = publicOf('three', 'ecdsa');

/** The judge: what `ssh-keygen -F` finds, as line numbers. It knows no `@revoked` filter and prints each found line's number. */
function linesOfSshKeygen(file: string, name: string): number[] {
  try {
    const out = execFileSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' });
    return [...out.matchAll(/found: line (\d+)/g)].map((match) => Number(match[1]));
  } catch {
    return [];
  }
}

const patterns = [
  'plain.example.org',
  'UPPER.example.org',
  'a.example.org,b.example.org,10.0.0.1',
  '*.wild.example.org,!bad.wild.example.org',
  '!no.example.org',
  'h?st.example.org',
  '[port.example.org]:2222',
  '[*.ports.example.org]:2200',
  '10.1.*',
  'fe80::1',
];
const text = [
  '# a comment',
  '',
  ...patterns.map((pattern) => `${pattern} ${one.keyType} ${one.key} a comment`),
  `@revoked revoked.example.org ${two.keyType} ${two.key}`,
  `@cert-authority *.authority.example.org ${one.keyType} ${one.key}`,
  `@unheard x.example.org ${one.keyType} ${one.key}`,
  `broken.example.org ${one.keyType}`,
  `lies.example.org ssh-rsa ${one.key}`,
  `garbage.example.org ssh-ed25519 !!!!`,
].join('\n');

const names: [string, number][] = [
  ['plain.example.org', 22],
  ['Plain.Example.ORG', 22],
  ['upper.example.org', 22],
  ['b.example.org', 22],
  ['10.0.0.1', 22],
  ['x.wild.example.org', 22],
  ['bad.wild.example.org', 22],
  ['no.example.org', 22],
  ['host.example.org', 22],
  ['hoost.example.org', 22],
  ['port.example.org', 2222],
  ['port.example.org', 22],
  ['z.ports.example.org', 2200],
  ['z.ports.example.org', 2201],
  ['10.1.2.3', 22],
  ['10.2.2.3', 22],
  ['fe80::1', 22],
  ['broken.example.org', 22],
  ['nobody.example.org', 22],
];

test.each(names)('%s port %i is found in the lines ssh-keygen finds it in', (host, port) => {
  const file = join(folder, 'plain');
  writeFileSync(file, text);
  const asked = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
  const found = findKnownKeys(parseKnownHosts(text, file), host, port).filter(
    (key) => key.matched === 'port',
  );
  expect(found.map((key) => key.line)).toEqual(linesOfSshKeygen(file, asked));
});

test('names hashed by ssh-keygen -H are found, with and without a port, and others are not', () => {
  const file = join(folder, 'hashed');
  writeFileSync(
    file,
    `first.example.org ${one.keyType} ${one.key}\n[second.example.org]:2222 ${two.keyType} ${two.key}\n`,
  );
  execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
  const entries = parseKnownHosts(readFileSync(file, 'utf8'), file);
  expect(entries).toHaveLength(2);
  expect(entries.every((entry) => entry.patterns[0]?.startsWith('|1|'))).toBe(true);
  expect(findKnownKeys(entries, 'First.example.org', 22).map((key) => key.key)).toEqual([one.key]);
  expect(findKnownKeys(entries, 'second.example.org', 2222).map((key) => key.key)).toEqual([two.key]);
  expect(findKnownKeys(entries, 'second.example.org', 22)).toEqual([]);
  expect(findKnownKeys(entries, 'third.example.org', 22)).toEqual([]);
});

test('markers are told, unknown markers and malformed lines are passed over', () => {
  const entries = parseKnownHosts(text, 'f');
  expect(findKnownKeys(entries, 'revoked.example.org', 22).map((key) => key.marker)).toEqual(['revoked']);
  expect(findKnownKeys(entries, 'x.authority.example.org', 22).map((key) => key.marker)).toEqual([
    'cert-authority',
  ]);
  for (const name of ['x.example.org', 'broken.example.org', 'lies.example.org', 'garbage.example.org'])
    expect(findKnownKeys(entries, name, 22)).toEqual([]);
});

test('a line for the bare name is told apart when the port is another one', () => {
  const entries = parseKnownHosts(text, 'f');
  expect(findKnownKeys(entries, 'plain.example.org', 2022)).toMatchObject([{ matched: 'host', line: 3 }]);
});

test('fingerprints are those of ssh-keygen', () => {
  for (const key of [one, two, ecdsa])
    expect(fingerprintOf(Buffer.from(key.key, 'base64'))).toBe(key.fingerprint);
});

test('our own file is one plain ssh-keygen understands, mode 600, and is not doubled', async () => {
  const file = join(folder, 'new', 'known_hosts');
  await Promise.all([
    addKnownHost(file, 'Own.example.org', 22, one),
    addKnownHost(file, 'own.example.org', 2222, two),
    addKnownHost(file, 'own.example.org', 22, one),
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(linesOfSshKeygen(file, 'own.example.org')).toEqual([1]);
  expect(linesOfSshKeygen(file, '[own.example.org]:2222')).toEqual([2]);
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
});

test('a missing file is empty, an unreadable one is refused', async () => {
  expect(await readKnownKeys([join(folder, 'nowhere')], 'plain.example.org', 22)).toEqual([]);
  // A folder in the place of the file cannot be read by anybody, root included.
  chmodSync(folder, 0o700);
  await expect(readKnownKeys([folder], 'plain.example.org', 22)).rejects.toMatchObject({ code: 'denied' });
});
