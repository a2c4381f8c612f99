import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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
  kbsStatus,
  type KbsTarget,
  policyHistory,
  policySha256,
  readCounters,
  readPolicy,
  setPolicy,
} from '../../../src-main/services/kbs/index.ts';
import { openStore } from '../../../src-main/services/store/index.ts';
import type { TestKbs } from '../../lab/kbs/kbs.ts';
import { adminTarget, broker, clientOf, failure, folder, targetOf } from './brokers.ts';

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
    const target = await adminTarget(kbs, minor);
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

describe('a look', () => {
  const codes = async (kbs: TestKbs, more: Partial<KbsTarget> = {}): Promise<string[]> =>
    (await kbsStatus(clientOf(kbs, more), targetOf(kbs, more))).findings.map((finding) => finding.code);

  it.each(trusteeReleases)('names what is open to anybody at %s, and changes nothing', async (release) => {
    const minor = Number(release.slice(3));
    const found = async (kbs: TestKbs): Promise<string[]> => {
      const target = await adminTarget(kbs, minor);
      const { policy } = kbs;
      const { findings } = await kbsStatus(
        kbsClient(target, () => Date.now()),
        target,
      );
      expect(kbs.policy).toBe(policy);
      return findings.map(({ code }) => code);
    };
    expect(await found(await broker({ minor }))).toEqual(minor < 15 ? ['kbs_attestation_policy_open'] : []);
    const open = await found(await broker({ minor, insecureApi: true }));
    expect(open).toEqual(['kbs_admin_open', 'kbs_attestation_policy_open']);
  });

  it('names another release than the profile, and a token without a role', async () => {
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
