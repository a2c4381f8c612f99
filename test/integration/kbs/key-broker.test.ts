import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { DeskError } from '../../../src-main/contract/errors.ts';
import {
  denyAllPolicy,
  generatePolicy,
  type KnownCvm,
  measurementText,
  newReads,
  readMetrics,
  simulatePolicy,
  trusteeProfile,
  trusteeReleases,
} from '../../../src-main/domain/kbs/index.ts';
import {
  compareThree,
  kbsClient,
  type KbsClient,
  kbsStatus,
  type KbsTarget,
  policyHistory,
  policySha256,
  readCounters,
  readPolicy,
  setPolicy,
} from '../../../src-main/services/kbs/index.ts';
import { openStore } from '../../../src-main/services/store/index.ts';
import { type KbsOptions, startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';

const running: TestKbs[] = [];
const folder = await mkdtemp(join(tmpdir(), 'flaredesk-kbs-test-'));

async function broker(options: KbsOptions = {}): Promise<TestKbs> {
  const kbs = await startKbs(options);
  running.push(kbs);
  return kbs;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((kbs) => kbs.stop()));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function targetOf(kbs: TestKbs, more: Partial<KbsTarget> = {}): KbsTarget {
  return {
    address: kbs.address,
    port: kbs.port,
    ca: kbs.ca,
    adminKey: kbs.adminKey,
    profile: 'auto',
    ...more,
  };
}
const clientOf = (kbs: TestKbs, more: Partial<KbsTarget> = {}): KbsClient =>
  kbsClient(targetOf(kbs, more), () => Date.now());

async function failure(work: Promise<unknown>): Promise<DeskError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DeskError)) throw new Error(`not refused in order: ${String(error)}`);
  return error;
}

const cvm = (participant: string, byte: string): KnownCvm => ({
  participant,
  vmId: `cvm_${byte}`,
  measurement: byte.repeat(48),
});
const fleet = [cvm('server1', '1a'), cvm('site-1', '2b')];
const keep = (): Promise<void> => Promise.resolve();

describe.each(trusteeReleases)('Trustee %s', (release) => {
  const minor = Number(release.slice(3));
  const profile = trusteeProfile(release);

  it('is known, and its policy is read, set, and rolled back byte by byte', async () => {
    const kbs = await broker({ minor });
    const ownToken = minor < 21;
    const target = targetOf(
      kbs,
      ownToken ? {} : { adminKey: undefined as never, tokenFile: await roleToken(kbs) },
    );
    const client = kbsClient(target, () => Date.now());
    const status = await kbsStatus(client, target);
    expect(status).toMatchObject({ release, admin: 'ok' });

    const first = await readPolicy(client);
    expect(first.text).toBe(kbs.policy);
    const text = `${generatePolicy(fleet, profile)}# é ✓\r\n`;
    let kept = '';
    const backUp = (policy: { text: string }): Promise<void> => {
      kept = policy.text;
      return Promise.resolve();
    };
    expect(await setPolicy(client, { text, readSha256: first.sha256, backUp })).toBe(true);
    expect(kbs.policy).toBe(text);
    expect(await setPolicy(client, { text, readSha256: policySha256(text), backUp: keep })).toBe(false);
    expect(await setPolicy(client, { text: kept, readSha256: policySha256(text), backUp: keep })).toBe(true);
    expect(kbs.policy).toBe(first.text);
  });

  it('releases to guests what the simulation said', async () => {
    const kbs = await broker({ minor });
    const [server1, site1] = fleet;
    if (!server1 || !site1) throw new Error('no fleet');
    const before = generatePolicy(fleet, profile);
    const after = generatePolicy([server1], profile);
    const asks = (one: KnownCvm, debug = false): number =>
      kbs.guestAsks(
        { measurement: measurementText(one.measurement ?? '', profile), debug },
        `keys/root/${one.vmId}`,
      );
    kbs.policy = before;
    expect([asks(server1), asks(site1), asks(server1, true)]).toEqual([200, 200, 401]);
    kbs.policy = after;
    expect([asks(server1), asks(site1)]).toEqual([200, 401]);
    expect(simulatePolicy(before, after, fleet, profile).map((row) => row.change)).toEqual(['same', 'loses']);
  });
});

async function roleToken(kbs: TestKbs): Promise<string> {
  const { createPrivateKey, sign } = await import('node:crypto');
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'EdDSA' })}.${part({ exp: Math.floor(Date.now() / 1000) + 60, role: 'kbs-admin' })}`;
  const signature = sign(null, Buffer.from(signed), createPrivateKey(await readFile(kbs.adminKey)));
  const file = join(folder, 'token');
  await writeFile(file, `${signed}.${signature.toString('base64url')}\n`, { mode: 0o600 });
  return file;
}

describe('two admins', () => {
  it('the second write on a stale read is refused, with a comparison of both changes', async () => {
    const kbs = await broker();
    const client = clientOf(kbs);
    const base = await readPolicy(client);
    const theirs = `${base.text}\n# theirs\n`;
    const ours = `# ours\n${base.text}`;
    await setPolicy(client, { text: theirs, readSha256: base.sha256, backUp: keep });
    const refused = await failure(setPolicy(client, { text: ours, readSha256: base.sha256, backUp: keep }));
    expect(refused.code).toBe('conflict');
    expect(kbs.policy).toBe(theirs);
    const three = compareThree(base.text, ours, theirs);
    expect(three).toMatchObject({ conflict: false, merged: `# ours\n${theirs}` });
    expect(three.ours.filter((line) => line.kind !== 'same')).toEqual([{ kind: 'added', text: '# ours' }]);
    expect(compareThree('a\nb\nc', 'a\nx\nc', 'a\ny\nc').conflict).toBe(true);
  });

  it('a write between our read and our write is seen', async () => {
    const kbs = await broker();
    const client = clientOf(kbs);
    const base = await readPolicy(client);
    const backUp = (): Promise<void> => {
      kbs.policy = 'package policy\n\ndefault allow = false\n# foreign\n';
      return Promise.resolve();
    };
    const refused = await failure(
      setPolicy(client, { text: denyAllPolicy, readSha256: base.sha256, backUp }),
    );
    expect(refused.code).toBe('conflict');
    expect(kbs.policy).toContain('# foreign');
  });

  it('a write right behind ours is seen', async () => {
    const kbs = await broker();
    const client = clientOf(kbs);
    const base = await readPolicy(client);
    let wrote = false;
    kbs.before = (method) => {
      if (wrote && method === 'GET') kbs.policy = 'package policy\n\ndefault allow = false\n# foreign\n';
      if (method === 'POST') wrote = true;
    };
    const refused = await failure(
      setPolicy(client, { text: denyAllPolicy, readSha256: base.sha256, backUp: keep }),
    );
    expect(refused).toMatchObject({ code: 'conflict' });
    expect(refused.message).toContain('took the policy');
  });
});

describe('refusals', () => {
  it.each([
    ['a 401 of another key', 'auth_failed', { adminKey: () => otherKey() }],
    ['a key that is not Ed25519', 'invalid_input', { adminKey: () => rsaKey() }],
    ['no key at all', 'needs_confirmation', { adminKey: () => Promise.resolve(undefined) }],
    [
      'a key file that is not there',
      'not_found',
      { adminKey: () => Promise.resolve(join(folder, 'none.pem')) },
    ],
  ] as const)('%s', async (_, code, { adminKey }) => {
    const kbs = await broker();
    const { adminKey: _own, ...rest } = targetOf(kbs);
    const path = await adminKey();
    const client = kbsClient({ ...rest, ...(path === undefined ? {} : { adminKey: path }) }, () =>
      Date.now(),
    );
    const error = await failure(readPolicy(client));
    expect(error.code).toBe(code);
    expect(error.message + (error.hint ?? '')).not.toMatch(/PRIVATE KEY|eyJ/);
  });

  it.each([
    [500, undefined, 'remote_failed'],
    [502, '<html>bad gateway</html>', 'remote_failed'],
    [401, '{"type":"https://x/errors/PolicyEngine","detail":"Policy engine error"}', 'remote_failed'],
    [404, undefined, 'unsupported'],
    [413, undefined, 'too_large'],
  ])('status %i %s', async (status, body, code) => {
    const kbs = await broker();
    kbs.failWith = { status, ...(body === undefined ? {} : { body }) };
    expect((await failure(readPolicy(clientOf(kbs)))).code).toBe(code);
  });

  it('an answer that is no policy', async () => {
    const kbs = await broker();
    kbs.failWith = { status: 200, body: '<html>login</html>' };
    expect((await failure(readPolicy(clientOf(kbs)))).code).toBe('integrity');
  });

  it('a wrong CA, a wrong name, nobody there', async () => {
    const [kbs, other] = [await broker({ name: 'kbs.example.org' }), await broker()];
    expect((await failure(readPolicy(clientOf(kbs, { ca: other.ca })))).code).toBe('cert_untrusted');
    expect((await failure(readPolicy(clientOf(kbs)))).message).toContain('carries another name');
    expect((await readPolicy(clientOf(kbs, { serverName: 'kbs.example.org' }))).text).toBe(kbs.policy);
    const gone = targetOf(other);
    await other.stop();
    running.splice(running.indexOf(other), 1);
    expect(
      (
        await failure(
          readPolicy(kbsClient({ ...gone, ca: kbs.ca, adminKey: kbs.adminKey }, () => Date.now())),
        )
      ).code,
    ).toBe('unreachable');
  });

  it('a clock that is far off', async () => {
    const kbs = await broker({ clockSkew: 3600 });
    expect((await failure(readPolicy(clientOf(kbs)))).code).toBe('auth_failed');
    const near = await broker({ clockSkew: -600 });
    expect((await readPolicy(clientOf(near))).text).toBe(near.policy);
  });

  it('a policy that is too large, or without a package', async () => {
    const kbs = await broker();
    const client = clientOf(kbs);
    const { sha256 } = await readPolicy(client);
    const set = (text: string): Promise<unknown> =>
      setPolicy(client, { text, readSha256: sha256, backUp: keep });
    expect((await failure(set('#'.repeat(3 * 1024 * 1024)))).code).toBe('too_large');
    expect((await failure(set('default allow = false\n'))).code).toBe('remote_failed');
  });
});

describe('a look', () => {
  const codes = async (kbs: TestKbs, more: Partial<KbsTarget> = {}): Promise<string[]> =>
    (await kbsStatus(clientOf(kbs, more), targetOf(kbs, more))).findings.map((finding) => finding.code);

  it('names an open attestation policy before v0.15, and an open admin interface, and changes nothing', async () => {
    const old = await broker({ minor: 14 });
    const { policy } = old;
    expect(await codes(old)).toEqual(['kbs_attestation_policy_open']);
    expect(old.policy).toBe(policy);
    expect(await codes(await broker({ minor: 15 }))).toEqual([]);
    expect(await codes(await broker({ minor: 15, insecureApi: true }))).toContain('kbs_admin_open');
    expect(await codes(await broker({ minor: 18 }), { profile: 'v0.14' })).toContain('kbs_profile_differs');
    expect(await codes(await broker({ minor: 21 }))).toContain('kbs_admin');
  });

  it('tells what was released since, also over a restart', async () => {
    const kbs = await broker();
    kbs.policy = generatePolicy(fleet, trusteeProfile('v0.14'));
    const ask = (): number =>
      kbs.guestAsks(
        { measurement: measurementText('1a'.repeat(48), trusteeProfile('v0.14')), debug: false },
        'keys/root/cvm_1a',
      );
    ask();
    ask();
    const before = await readCounters(clientOf(kbs));
    kbs.restart();
    ask();
    const now = await readCounters(clientOf(kbs));
    if (!before || !now) throw new Error('no counters');
    expect(newReads(before, now)).toEqual({ 'keys/root/cvm_1a': 1 });
    expect(readMetrics('')).toBeUndefined();
  });
});

it('keeps what was seen and set, newest first', async () => {
  const store = openStore(join(folder, 'state'));
  const history = policyHistory(store.documents, 'https://localhost:1');
  await history.add({ at: '2026-01-01T00:00:00.000Z', kind: 'backup', actor: 'test', text: 'one' });
  const set = await history.add({ at: '2026-01-02T00:00:00.000Z', kind: 'set', actor: 'test', text: 'two' });
  await history.add({ at: '2026-01-03T00:00:00.000Z', kind: 'seen', actor: 'test', text: 'three' });
  expect((await history.list()).map((record) => record.text)).toEqual(['three', 'two', 'one']);
  expect(await history.lastSet()).toEqual(set);
  expect(set.sha256).toBe(policySha256('two'));
  store.close();
});

async function otherKey(): Promise<string> {
  const file = join(folder, 'other.pem');
  await writeFile(file, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file;
}

async function rsaKey(): Promise<string> {
  const file = join(folder, 'rsa.pem');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file;
}

const real = process.env['FLAREDESK_TEST_KBS'];
if (real !== undefined)
  describe('a real key broker', () => {
    it('is read, set and put back', async () => {
      const target: KbsTarget = {
        address: real ?? '',
        port: Number(new URL(real ?? 'https://x').port || 8999),
        ca: process.env['FLAREDESK_TEST_KBS_CA'] ?? '',
        adminKey: process.env['FLAREDESK_TEST_KBS_KEY'] ?? '',
        profile: 'auto',
      };
      const client = kbsClient(target, () => Date.now());
      const status = await kbsStatus(client, target);
      expect(status).toMatchObject({ admin: 'ok' });
      const before = await readPolicy(client);
      const text = `${before.text}\n# contract test\n`;
      try {
        await setPolicy(client, { text, readSha256: before.sha256, backUp: keep });
        expect((await readPolicy(client)).text).toBe(text);
      } finally {
        const now = await readPolicy(client);
        if (now.text !== before.text) {
          await setPolicy(client, { text: before.text, readSha256: now.sha256, backUp: keep });
        }
      }
      expect((await readPolicy(client)).text).toBe(before.text);
    });
  });
