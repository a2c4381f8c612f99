/** What a host says of its VM reaches whoever watches the federation: during steps and probes, and asked by itself. QEMU is a stand-in. */
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StateValue } from '../../../src-main/contract/index.ts';
import type { CoreParts, WorkContext } from '../../../src-main/core/context.ts';
import { watchHosts } from '../../../src-main/core/attestation/host-watch.ts';
import { createHostNews } from '../../../src-main/core/host-news.ts';
import { handlers as hostHandlers } from '../../../src-main/core/hosts.ts';
import { handlers as siteHandlers } from '../../../src-main/core/sites.ts';
import { createStateCell } from '../../../src-main/core/state-cell.ts';
import type { SiteEvent } from '../../../src-main/domain/attestation/index.ts';
import { openStore, type Store } from '../../../src-main/services/store/index.ts';
import { makeImage } from '../../lab/cvm-host/image.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { deskHost, type Sshd, startSshd } from '../../lab/sshd.ts';
import { writeProjectFiles } from '../kbs/confidential-project.ts';
import { silentLogger } from '../../lab/silent-logger.ts';

const bin = join(import.meta.dirname, '../../lab/cvm-host/bin');

let sshd: Sshd;
let store: Store;
let file: string;
let core: CoreParts;
const told: SiteEvent[] = [];
const questions: string[] = [];
const board = createStateCell({ watching: false } as StateValue<'attestation.board'>);
let watched = 'study';
let end: () => void;

interface Loose {
  site: string;
  stage?: string;
  measurement?: string;
  count?: number;
  startedAt?: number;
  good?: boolean;
}
const last = (kind: SiteEvent['kind']) => told.findLast((event) => event.kind === kind) as Loose | undefined;

const child = { id: 'child', report: () => undefined, end: () => undefined };
const context = (): WorkContext => ({
  core,
  signal: new AbortController().signal,
  task: {
    id: 'task',
    signal: new AbortController().signal,
    report: () => undefined,
    child: () => child,
    waiting: (ask) => ask(),
  },
});
const step = (verb: 'distribute' | 'start' | 'stop') =>
  siteHandlers['sites.run'].run({ verb, file, only: ['site-1'], force: true }, context());

beforeAll(async () => {
  const folder = await newLabFolder('host-watch');
  sshd = await startSshd({ folder: join(folder, 'sshd') });
  const image = makeImage(join(folder, 'out'), { site: 'site-1' });
  const kit = join(folder, 'workspace/study/prod_00/site-1');
  mkdirSync(kit, { recursive: true });
  copyFileSync(image.archive, join(kit, 'site-1.tgz'));
  file = await writeProjectFiles(folder);
  writeFileSync(join(sshd.home, '.cvm-host.json'), JSON.stringify({ keyAfterMs: 50 }));
  const host = { ...deskHost(sshd), directory: join(folder, 'flare'), path: [bin] };
  writeFileSync(
    join(folder, 'desk.yml'),
    `version: 1\nflare: "2.8.1"\nhosts:\n  site-1: ${JSON.stringify(host)}\n`,
  );
  store = openStore(join(folder, 'state'));
  // What its inspection found: an image of the lab holds no kit and would not be delivered otherwise.
  const archive = join(kit, 'site-1.tgz');
  const { size, mtimeMs } = statSync(archive);
  await store.documents.write(`image:${archive}`, {
    stamp: `${size}:${Math.floor(mtimeMs)}`,
    image: { ...image, archive },
  });
  core = {
    stateFolder: join(folder, 'state'),
    clock: { now: () => Date.now() },
    environment: { home: folder, user: 'ada' },
    logger: silentLogger,
    prompts: {
      ask: (name: string) => {
        questions.push(name);
        return Promise.reject(new Error('nobody is here'));
      },
    },
    hostNews: createHostNews(),
    store: () => Promise.resolve(store),
    workspace: () => Promise.resolve({ opened: () => ({ kind: 'project', file }) }),
  } as unknown as CoreParts;
  end = watchHosts(
    core,
    { state: board, project: () => watched, tell: (event) => told.push(event) },
    { usualMs: 300, bootingMs: 100, awayMs: 500 },
  );
}, 60_000);
afterAll(async () => {
  end();
  await step('stop');
  store.close();
  await sshd.stop();
});

test('delivery and start are told with the host as source; another project’s are not', {
  timeout: 60_000,
}, async () => {
  watched = 'another';
  await step('distribute');
  expect(told).toEqual([]);
  watched = 'study';
  await step('distribute');
  expect(last('delivered')).toMatchObject({
    site: 'site-1',
    class: 'S',
    good: true,
    source: `host ${sshd.host}`,
  });
  const began = Date.now();
  await step('start');
  expect(last('process')).toMatchObject({ class: 'S', count: 1, locked: true });
  expect(Math.abs((last('process')?.startedAt ?? 0) - began)).toBeLessThan(15_000);
});

test('a watch asks by itself: serial output, then that the VM is gone; it asks no person', {
  timeout: 60_000,
}, async () => {
  told.length = 0;
  board.set({ watching: true } as StateValue<'attestation.board'>);
  await expect.poll(() => last('serial')?.stage, { timeout: 15_000 }).toBe('unlocked');
  expect(last('serial')?.measurement).toMatch(/^[0-9a-f]{96}$/);
  await step('stop');
  await expect.poll(() => last('process')?.count, { timeout: 15_000 }).toBe(0);
  board.set({ watching: false } as StateValue<'attestation.board'>);
  expect(questions).toEqual([]);
});

test('the probes tell readiness, process and drives', { timeout: 60_000 }, async () => {
  told.length = 0;
  await step('start');
  const probes = ['snp-kvm', 'vm-process', 'image-lock', 'boot-log'];
  await hostHandlers['hosts.check'].run({ file, only: ['site-1'], probes }, context());
  // These machines are no SEV-SNP hosts, and are not told to be ready.
  expect(last('host_ready')?.good ?? false).toBe(false);
  expect(last('process')).toMatchObject({ count: 1, locked: true, source: `host ${sshd.host}` });
  expect(last('serial')).toMatchObject({ stage: 'unlocked' });
});
