/** The pacing of a large federation, and what a watch does when nobody answers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DeskError } from '../../../../src-main/contract/errors.ts';
import {
  createAnchors,
  openVcekStore,
  paceOf,
  type WatchedSite,
  type Watcher,
  watchFederation,
} from '../../../../src-main/services/attestation/index.ts';
import type { AdminSession } from '../../../../src-main/services/flare/index.ts';
import { openStore, type Store } from '../../../../src-main/services/store/index.ts';
// Loaded before time stands still: the watcher loads it when it first asks for jobs.
import '../../../../src-main/services/jobs/index.ts';
import { fakeSession, reply } from '../jobs/workbench.ts';
import { silentLogger } from '../../../lab/silent-logger.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watcher-'));
  store = openStore(folder);
  vi.useFakeTimers({ now: Date.parse('2026-06-01T00:00:00Z') });
});
afterEach(async () => {
  vi.useRealTimers();
  store.close();
  await rm(folder, { recursive: true, force: true });
});

function watcherOf(sites: WatchedSite[], session: AdminSession): Promise<Watcher> {
  const anchors = createAnchors();
  const clock = { now: () => Date.now() };
  return watchFederation({
    project: 'lab',
    server: 'server',
    sites,
    verifyFrequency: 60,
    session: () => Promise.resolve(session),
    expectations: () => ({}),
    anchors,
    store: openVcekStore(join(folder, 'vcek'), anchors, clock),
    timeline: store.attestation,
    clock,
    logger: silentLogger,
    actor: 'test',
    onChange: () => undefined,
  });
}

async function watch(
  count: number,
  answer: (fqcn: string) => Promise<never>,
  more: Partial<WatchedSite> = {},
  clients: object[] = [],
) {
  const asked: { site: string; at: number }[] = [];
  let inFlight = 0;
  let most = 0;
  const sites = Array.from({ length: count }, (_, index) => ({
    name: `site-${index + 1}`,
    fqcn: `site-${index + 1}`,
    configured: 'real' as const,
    ...more,
  }));
  const session = fakeSession((line) => reply(line, [], { clients }), {
    confidentialSites: () => Promise.resolve(sites.map(({ name, fqcn }) => ({ name, fqcn }))),
    freshEvidence: async (fqcn) => {
      asked.push({ site: fqcn, at: Date.now() });
      inFlight += 1;
      most = Math.max(most, inFlight);
      try {
        return await answer(fqcn);
      } finally {
        inFlight -= 1;
      }
    },
  });
  return { watcher: await watcherOf(sites, session), asked, most: () => most };
}

const later = <Value>(ms: number, error: Value): Promise<never> =>
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an error of the caller's choice
  new Promise((_, reject) => setTimeout(() => reject(error), ms));

test('51 sites are asked once in a period, evenly, one at a time', async () => {
  expect(paceOf(60).periodMs).toBe(300_000);
  expect(paceOf(900).periodMs).toBe(900_000);
  const { watcher, asked, most } = await watch(51, () => later(50, new DeskError('remote_failed', 'no')));
  await vi.advanceTimersByTimeAsync(299_000);
  expect(asked).toHaveLength(51);
  expect(new Set(asked.map(({ site }) => site)).size).toBe(51);
  expect(most()).toBe(1);
  const gaps = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3_900);
  watcher.dispose();
});

test('two unanswered requests pause a site until a person asks', async () => {
  const { watcher, asked } = await watch(1, () => later(12_000, new DeskError('timeout', 'no')));
  await vi.advanceTimersByTimeAsync(700_000);
  expect(asked).toHaveLength(2);
  expect(watcher.paused()).toEqual(['site-1']);
  expect(watcher.statuses()[0]?.badge).toBe('no_answer');
  const asking = watcher.check(['site-1']);
  await vi.advanceTimersByTimeAsync(13_000);
  await asking;
  expect(asked).toHaveLength(3);
  watcher.dispose();
});

test('a GPU attester is asked on demand only, and rounds on demand wait for each other', async () => {
  const { watcher, asked, most } = await watch(3, () => later(1000, new DeskError('timeout', 'no')), {
    gpu: true,
  });
  await vi.advanceTimersByTimeAsync(700_000);
  expect(asked).toEqual([]);
  const rounds = Promise.all([watcher.check(undefined), watcher.check(['site-1'])]);
  await vi.advanceTimersByTimeAsync(10_000);
  await rounds;
  expect(asked).toHaveLength(4);
  expect(most()).toBe(1);
  watcher.dispose();
});

test('what other sources tell is kept once, not each time it is asked, and an alarm ends with its cause', async () => {
  const { watcher } = await watch(1, () => later(50, new DeskError('remote_failed', 'no')));
  const told = { site: 'site-1', class: 'S', source: 'host hospital-a' } as const;
  const launch = Date.now() - 60_000;
  for (let look = 0; look < 5; look += 1) {
    // Counted back from now, so a little different each time.
    watcher.tell({
      ...told,
      kind: 'process',
      at: Date.now(),
      count: 1,
      startedAt: launch + look * 400,
      locked: true,
    });
    watcher.tell({
      ...told,
      kind: 'serial',
      at: Date.now(),
      stage: 'unlocked',
      measurement: 'ab'.repeat(48),
    });
    await vi.advanceTimersByTimeAsync(30_000);
  }
  watcher.tell({ ...told, kind: 'process', at: Date.now(), count: 0 });
  watcher.tell({ ...told, kind: 'process', at: Date.now(), count: 0, site: 'nobody-known' });
  const said = (await store.attestation.newest({ project: 'lab', limit: 50 }))
    .filter(({ class: kind }) => kind === 'S')
    .map(({ message, source }) => `${source}: ${message}`);
  expect(said).toEqual([
    'host hospital-a: No process runs this VM',
    `host hospital-a: Serial output: its VM got its key and unlocked its disk; it printed the measurement ${'ab'.repeat(8)}…`,
    'host hospital-a: One process runs this VM, its image is locked',
  ]);
  const claims = watcher.statuses()[0]?.claims.filter(({ class: kind }) => kind === 'S');
  expect(claims?.map(({ claim, counts }) => [claim, counts])).toEqual([
    ['No process runs this VM', true],
    [expect.stringContaining('Serial output'), true],
  ]);
  expect(watcher.statuses()[0]?.stages.find(({ name }) => name === 'launched')).toMatchObject({
    state: 'bad',
    class: 'S',
  });

  const kinds = () => watcher.alarms().map(({ kind }) => kind);
  watcher.tellFacts({ policyChangedBy: 'someone else', vaultSealed: true });
  expect(kinds()).toEqual(expect.arrayContaining(['policy_changed', 'vault_sealed']));
  watcher.tellFacts({ policyChangedBy: undefined });
  expect(kinds()).not.toContain('policy_changed');
  expect(kinds()).toContain('vault_sealed');
  watcher.tellFacts({ vaultSealed: false });
  expect(kinds()).not.toContain('vault_sealed');
  watcher.dispose();
});

test('after a sleep nothing from before counts, and everything is asked anew', async () => {
  const clients = [{ client_name: 'site-1', client_last_conn_time: Date.now() / 1000 }];
  const { watcher, asked } = await watch(2, () => later(50, new DeskError('unreachable', 'no')), {}, clients);
  await vi.advanceTimersByTimeAsync(15_000);
  const badge = () => watcher.statuses().find(({ site }) => site === 'site-1')?.badge;
  expect(badge()).toBe('connected');
  await vi.advanceTimersByTimeAsync(100);
  clients[0] = { client_name: 'site-1', client_last_conn_time: Date.now() / 1000 };
  watcher.slept();
  expect(badge()).toBe('stale');
  expect(watcher.statuses()[0]?.message).toContain('this computer slept');
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(asked.slice(before).map(({ site }) => site)).toEqual(['site-1', 'site-2']);
  expect(badge()).toBe('connected');
  watcher.dispose();
});

test('an answer that waited through a sleep does not count', async () => {
  let give: (answer: unknown) => void = () => undefined;
  const held = (): Promise<never> => new Promise((resolve) => (give = resolve as (answer: unknown) => void));
  const { watcher, asked } = await watch(1, held);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toHaveLength(1);
  // The clock goes on, the timers stand still.
  vi.setSystemTime(Date.now() + 3_600_000);
  give({ siteName: 'site-1', tokens: [] });
  await vi.advanceTimersByTimeAsync(100);
  expect(watcher.statuses()[0]?.claims.filter(({ class: kind }) => kind === 'H')).toEqual([]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked).toHaveLength(2);
  give({ siteName: 'site-1', tokens: [] });
  await vi.advanceTimersByTimeAsync(100);
  expect(watcher.statuses()[0]?.claims.filter(({ class: kind }) => kind === 'H')).toHaveLength(1);
  watcher.dispose();
});

test('a site that answers under another name is refused, whatever it sends', async () => {
  const { watcher } = await watch(
    1,
    () => Promise.resolve({ siteName: 'site-2', tokens: [] }) as unknown as Promise<never>,
  );
  await vi.advanceTimersByTimeAsync(100);
  const [status] = watcher.statuses();
  expect(status?.badge).toBe('failing');
  const [said] = status?.claims.filter(({ class: kind }) => kind === 'H') ?? [];
  expect(JSON.stringify(said)).toContain('under the name \\"site-2\\"');
  watcher.dispose();
});

test.each(['x-mock', 'x-snp'])(
  'a mock token under %s is known as one, and nothing is green',
  async (namespace) => {
    const mock = [
      JSON.stringify({ alg: 'HS256', typ: 'JWT' }),
      JSON.stringify({ nonce: 'n', iss: 'mock' }),
      'signature',
    ]
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
    const { watcher } = await watch(
      1,
      () =>
        Promise.resolve({
          siteName: 'site-1',
          tokens: [{ namespace, token: mock }],
        }) as unknown as Promise<never>,
    );
    await vi.advanceTimersByTimeAsync(100);
    expect(watcher.statuses()[0]?.badge).toBe('mock');
    watcher.dispose();
  },
);

/** A watch whose server answers `status` questions as told. */
async function watchServer(execute: (line: string) => Promise<ReturnType<typeof reply>>) {
  const listeners = new Set<(state: 'reconnecting') => void>();
  let state: 'connected' | 'reconnecting' = 'connected';
  const session = fakeSession((line) => reply(line, []), {
    execute,
    onState: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    confidentialSites: () => Promise.resolve([]),
    freshEvidence: () => later(50, new DeskError('remote_failed', 'no')),
  });
  Object.defineProperty(session, 'state', { get: () => state });
  const watcher = await watcherOf([{ name: 'site-1', fqcn: 'site-1', configured: 'real' }], session);
  const drop = (): void => {
    state = 'reconnecting';
    for (const listener of listeners) listener('reconnecting');
  };
  return { watcher, drop };
}
const stoppedWithin = async (watcher: { report(): unknown }, limitMs: number): Promise<number> => {
  for (let waited = 0; waited <= limitMs; waited += 500) {
    if (watcher.report() !== undefined) return waited;
    await vi.advanceTimersByTimeAsync(500);
  }
  return Number.POSITIVE_INFINITY;
};

test('a broken connection is a stop within seconds, even while a question is still open', async () => {
  let hangs = false;
  const { watcher, drop } = await watchServer((line) =>
    hangs ? new Promise(() => undefined) : Promise.resolve(reply(line, [])),
  );
  await vi.advanceTimersByTimeAsync(15_000);
  expect(watcher.federation().server?.up).toBe(true);
  hangs = true;
  await vi.advanceTimersByTimeAsync(10_000);
  drop();
  expect(await stoppedWithin(watcher, 60_000)).toBeLessThanOrEqual(8_000);
  expect(watcher.alarms().map(({ kind }) => kind)).toEqual(['federation_stopped']);
  watcher.dispose();
});

test('a server that answers nothing over an open connection is a stop within a minute', async () => {
  let answers = true;
  const { watcher } = await watchServer((line) =>
    answers
      ? Promise.resolve(reply(line, []))
      : later(12_000, new DeskError('timeout', 'no')).then(() => reply(line, [])),
  );
  await vi.advanceTimersByTimeAsync(15_000);
  answers = false;
  expect(await stoppedWithin(watcher, 60_000)).toBeLessThanOrEqual(45_000);
  answers = true;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(watcher.report()).toBeUndefined();
  expect(watcher.federation().server?.up).toBe(true);
  watcher.dispose();
});
