/** Four sites and a server of a real federation, watched: each trouble shown with its cause, the stop explained. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createAnchors,
  openVcekStore,
  sampleLogs,
  type Watcher,
  watchFederation,
} from '../../../src-main/services/attestation/index.ts';
import { type AdminSession, openAdminKit, openSession } from '../../../src-main/services/flare/index.ts';
import { openStore, type Store } from '../../../src-main/services/store/index.ts';
import {
  type AttestingFederation,
  type SiteOrders,
  startAttestingFederation,
} from '../../lab/attestation/federation.ts';
import { testChain, testChip } from '../../lab/attestation/snp-chain.ts';
import { debugPolicy, type ReportContent, reportBody } from '../../lab/attestation/snp-report.ts';
import { type FlareVersion, newLabFolder } from '../../lab/nvflare.ts';
import { silentLogger } from '../../lab/silent-logger.ts';

const measurement = 'ab'.repeat(48);
/** Seconds between the checks of the peers. */
const interval = 20;
/** What is wrong must be shown so soon after the check that found it, and a stop after the stop. */
const shownWithinMs = 60_000;

export function watchScenario(version: FlareVersion): void {
  let folder: string;
  let federation: AttestingFederation;
  let store: Store;
  let watcher: Watcher;
  let session: AdminSession | undefined;
  const chain = testChain();
  const sites = ['site-1', 'site-2', 'site-3', 'site-4'];
  const ids = new Map(['localhost', ...sites].map((name, index) => [name, `${index}1`.repeat(32)]));
  let own: ReturnType<typeof testChip>;

  const orders = (site: string, content: ReportContent = {}, more: Partial<SiteOrders> = {}): SiteOrders => ({
    mode: 'pass',
    report: reportBody(own, { measurement, reportId: ids.get(site) ?? '', ...content }).toString('hex'),
    key: join(folder, 'key.pem'),
    ...more,
  });
  const badges = () => Object.fromEntries(watcher.statuses().map(({ site, badge }) => [site, badge]));

  beforeAll(async () => {
    folder = await newLabFolder('watch');
    own = testChip(chain);
    await writeFile(join(folder, 'key.pem'), own.keyPem);
    federation = await startAttestingFederation({
      version,
      interval,
      orders: Object.fromEntries(['localhost', ...sites].map((site) => [site, orders(site)])),
    });
    const anchors = createAnchors({ product: 'Milan', ark: chain.ark, ask: chain.ask });
    const vceks = openVcekStore(join(folder, 'vcek'), anchors, { now: () => Date.now() });
    await vceks.add(own.vcek, 'test chip');
    store = openStore(join(folder, 'state'));
    const kit = await openAdminKit(federation.adminKit());
    watcher = await watchFederation({
      project: 'lab',
      server: 'localhost',
      sites: ['localhost', ...sites].map((name) => ({
        name,
        fqcn: name === 'localhost' ? 'server' : name,
        configured: 'real' as const,
      })),
      verifyFrequency: interval,
      session: async (signal) => (session = await openSession(kit, { signal, timeouts: { stepMs: 2000 } })),
      expectations: () => ({
        measurement: {
          bundle: 'cvm_1',
          value: { computed: true, plain: measurement, withDebugSwap: 'cd'.repeat(48) },
        },
      }),
      anchors,
      store: vceks,
      timeline: store.attestation,
      clock: { now: () => Date.now() },
      logger: silentLogger,
      actor: 'test',
      pace: {
        periodMs: 300_000,
        statusMs: 2000,
        sitesMs: 5000,
        answerMs: 3000,
        downMs: 3000,
        silentMs: 10_000,
      },
      onChange: () => undefined,
    });
  });

  afterAll(async () => {
    watcher?.dispose();
    await session?.close();
    await federation?.stop();
    store?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('all are well, and simulated: never green by a test root', async () => {
    await expect.poll(() => watcher.federation().server?.up, { timeout: 20_000 }).toBe(true);
    await watcher.check(undefined);
    expect(badges()).toEqual(
      Object.fromEntries(['localhost', ...sites].map((name) => [name, 'simulated_attested'])),
    );
    expect(
      watcher
        .statuses()
        .every(({ colour, lastVerifiedAt }) => colour === 'striped' && lastVerifiedAt === undefined),
    ).toBe(true);
  });

  test('another measurement, debugging, a replay: each with its cause, while FLARE itself goes on and says so', async () => {
    const sampling = sampleLogs(session!, { seconds: interval + 4 });
    await federation.order('site-1', orders('site-1', { measurement: 'ef'.repeat(48) }));
    await federation.order('site-2', orders('site-2', { policy: debugPolicy }));
    await federation.order('site-3', orders('site-3', {}, { replay: true }));
    await watcher.check(['site-3']);
    const asked = Date.now();
    await watcher.check(undefined);
    expect(Date.now() - asked).toBeLessThan(shownWithinMs);
    const causes = new Map(
      watcher
        .statuses()
        .map(({ site }) => [site, watcher.statuses().find((one) => one.site === site)?.message ?? '']),
    );
    expect(badges()).toMatchObject({
      localhost: 'simulated_attested',
      'site-1': 'simulated_failing',
      'site-2': 'simulated_failing',
      'site-3': 'simulated_failing',
      'site-4': 'simulated_attested',
    });
    expect(causes.get('site-1')).toMatch(/measurement/);
    expect(causes.get('site-2')).toMatch(/debugging/);
    expect(causes.get('site-3')).toMatch(/replay/);
    const entries = await store.attestation.newest({ project: 'lab', site: 'site-3', limit: 5 });
    expect(entries[0]).toMatchObject({
      outcome: 'simulated refused',
      cause: 'replay',
      source: 'cell request by admin@nvidia.com',
    });
    expect(entries[0]?.evidence).toHaveLength(1184);
    for (const { claims } of watcher.statuses()) {
      expect(claims.every(({ source, at }) => source !== '' && Date.now() - at < 300_000)).toBe(true);
    }
    // FLARE’s own check sees nothing of it, and logging is put back.
    const { lines, restored } = await sampling;
    expect(restored).toBe(true);
    expect(new Set(lines.map(({ read }) => read.kind))).toEqual(new Set(['passed']));
  });

  test('one stops answering: no answer at once, the stop of the federation explained within a minute of it', async () => {
    await federation.order('site-4', orders('site-4', {}, { mode: 'slow', seconds: 14 }));
    const asked = Date.now();
    await watcher.check(['site-4']);
    expect(badges()['site-4']).toBe('no_answer');
    expect(Date.now() - asked).toBeLessThan(shownWithinMs);
    await expect.poll(() => federation.server.alive(), { timeout: 90_000, interval: 100 }).toBe(false);
    const stopped = Date.now();
    await expect.poll(() => watcher.report(), { timeout: shownWithinMs, interval: 100 }).toBeDefined();
    expect(Date.now() - stopped).toBeLessThan(shownWithinMs);
    const report = watcher.report();
    expect(report?.first).toMatchObject({ site: 'site-4', line: 'did not answer the request for evidence' });
    expect(report?.startOrder).toEqual(['localhost', 'site-1', 'site-2', 'site-3', 'site-4']);
    expect(report?.lastWords.length).toBeGreaterThan(4);
    expect(watcher.alarms().map(({ kind }) => kind)).toContain('federation_stopped');
    expect(new Set(Object.values(badges()))).toEqual(new Set(['federation_stopped']));
  });
}
