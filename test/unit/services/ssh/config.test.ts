/** `ssh -G` is the judge of what an OpenSSH configuration means. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { resolveHops } from '../../../../src-main/services/ssh/config.ts';
import type { SshTarget } from '../../../../src-main/services/ssh/index.ts';

const home = mkdtempSync(join(tmpdir(), 'flaredesk-ssh-config-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
mkdirSync(join(home, '.ssh', 'more'), { recursive: true });
const configFile = join(home, '.ssh', 'config');
const marker = join(home, 'was-run');
writeFileSync(
  configFile,
  `# written by hand
Include ${join(home, '.ssh', 'more', '*.conf')}
Host hospital-a
  HostName 10.20.0.7
  User flare
  Port 2222
  IdentityFile ${home}/keys/%r-%h
  ProxyJump bastion

Host bastion
  hostname gate.example.org
  user=jumper
  IdentityFile ${home}/keys/bastion

Host deep
  HostName deep.example.org
  ProxyJump first@gate1.example.org:2201,gate2.example.org

Host *.internal !secret.internal
  User internal
  ProxyJump bastion

Host circle-a
  ProxyJump circle-b
Host circle-b
  ProxyJump circle-a

Host command
  ProxyCommand touch ${marker}

Host canonical
  CanonicalizeHostname yes
  CanonicalDomains example.org
  User canon

Match exec "touch ${marker}"
  User matched

Host aliased
  HostName 10.20.0.9
  HostKeyAlias the-real-name

Host *
  User everybody
  Port 22
`,
);
writeFileSync(
  join(home, '.ssh', 'more', 'one.conf'),
  'Host included\n  HostName included.example.org\n  Port 2022\n',
);

const context = { home, defaultUser: 'me', configFile };
const pin = `SHA256:${'a'.repeat(43)}`;
const hopsOf = (target: SshTarget) => resolveHops(target, context);

/** `ssh -G` with the same file (and without the process-starting lines, which it would obey). */
function judged(host: string): Map<string, string> {
  const safe = join(home, 'judged');
  const text = execFileSync(
    'sed',
    ['-e', '/^Match exec/,/User matched/d', '-e', '/Canonical/d', configFile],
    {
      encoding: 'utf8',
    },
  );
  writeFileSync(safe, text);
  const out = execFileSync('ssh', ['-G', '-F', safe, host], { encoding: 'utf8' });
  const values = new Map<string, string>();
  for (const line of out.split('\n')) {
    const at = line.indexOf(' ');
    if (!values.has(line.slice(0, at))) values.set(line.slice(0, at), line.slice(at + 1));
  }
  return values;
}

test.each([
  'hospital-a',
  'bastion',
  'included',
  'x.internal',
  'secret.internal',
  'unheard.example.org',
  'aliased',
])('%s means what ssh -G says', async (host) => {
  const judge = judged(host);
  const last = (await hopsOf({ host })).at(-1);
  expect(last).toMatchObject({
    host: judge.get('hostname'),
    port: Number(judge.get('port')),
    user: judge.get('user'),
  });
  if (judge.has('hostkeyalias')) expect(last?.hostKeyName).toBe(judge.get('hostkeyalias'));
});

test('jump hosts come first, each with its own settings', async () => {
  const hops = await hopsOf({ host: 'hospital-a' });
  expect(hops).toMatchObject([
    {
      label: 'bastion',
      host: 'gate.example.org',
      user: 'jumper',
      port: 22,
      identities: [`${home}/keys/bastion`],
    },
    {
      label: 'hospital-a',
      host: '10.20.0.7',
      user: 'flare',
      port: 2222,
      identities: [`${home}/keys/flare-10.20.0.7`],
    },
  ]);
});

test('a chain of jump hosts with users and ports', async () => {
  const hops = await hopsOf({ host: 'deep' });
  expect(hops.map(({ host, user, port }) => [host, user, port])).toEqual([
    ['gate1.example.org', 'first', 2201],
    ['gate2.example.org', 'everybody', 22],
    ['deep.example.org', 'everybody', 22],
  ]);
});

test('what desk.yml says wins', async () => {
  const [hop, ...rest] = await hopsOf({
    host: 'hospital-a',
    user: 'other',
    port: 2022,
    identity: '~/mine',
    via: 'none',
    hostKey: pin,
  });
  expect(rest).toEqual([]);
  expect(hop).toMatchObject({ user: 'other', port: 2022, identities: [`${home}/mine`], pin });
});

test('via names a jump host; the pin is for the target, not for the jump host', async () => {
  const hops = await hopsOf({ host: '10.0.0.5', via: 'bastion', user: 'flare', hostKey: pin });
  expect(hops.map((hop) => [hop.host, hop.user, hop.pin])).toEqual([
    ['gate.example.org', 'jumper', undefined],
    ['10.0.0.5', 'flare', pin],
  ]);
});

test.each([
  ['fe80::1', { host: 'fe80::1', port: 22 }],
  ['[::1]:2200', { host: '::1', port: 2200 }],
  ['::1', { host: '::1' }],
  ['who@10.0.0.1:2201', { host: '10.0.0.1', port: 2201, user: 'who' }],
  ['ssh://who@name.example.org:2201/', { host: 'name.example.org', port: 2201, user: 'who' }],
])('%s is understood', async (host, expected) => {
  expect((await resolveHops({ host }, { ...context, configFile: join(home, 'none') })).at(-1)).toMatchObject(
    expected,
  );
});

test('without a configuration the default user is used', async () => {
  expect(
    await resolveHops({ host: 'x.example.org' }, { ...context, configFile: join(home, 'none') }),
  ).toMatchObject([{ host: 'x.example.org', user: 'me', port: 22, identities: [] }]);
});

describe('refused', () => {
  test.each([
    ['circle-a', 'invalid_input', /circle/],
    ['command', 'unsupported', /ProxyCommand/],
    ['', 'invalid_input', /not a host name/],
    ['-oProxyCommand=x', 'invalid_input', /not a host name/],
    ['a b', 'invalid_input', /not a host name/],
    ['host:99999', 'invalid_input', /65535/],
  ])('"%s"', async (host, code, message) => {
    await expect(hopsOf({ host })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });
});

test('a pin that is no fingerprint is refused', async () => {
  for (const hostKey of ['', 'SHA256:short', 'aa:bb:cc'])
    await expect(hopsOf({ host: 'bastion', hostKey })).rejects.toMatchObject({ code: 'invalid_input' });
});

test('nothing in a configuration starts a process', async () => {
  expect((await hopsOf({ host: 'canonical' })).at(-1)?.user).toBe('canon');
  expect((await hopsOf({ host: 'unheard.example.org' })).at(-1)?.user).toBe('everybody');
  expect(existsSync(marker)).toBe(false);
});

test('files that include each other are refused', async () => {
  const file = join(home, 'loop');
  writeFileSync(file, `Include ${file}\n`);
  await expect(resolveHops({ host: 'x' }, { ...context, configFile: file })).rejects.toMatchObject({
    code: 'invalid_input',
  });
});
