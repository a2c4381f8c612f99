/** The next build of a host is made ready while the present one runs. What a crash leaves of it: `crash.test.ts`. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BuilderHost, BuildRecord } from '../../../src-main/services/cvm/build/index.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import type { Sshd } from '../../lab/sshd.ts';
import { type Bench, newBench, startBuilder } from './bench.ts';

const hosts: BuilderHost[] = [];
const sshds: Sshd[] = [];
let folder: string;

beforeAll(async () => {
  folder = await newLabFolder('builders-ahead');
  for (const name of ['builder-1', 'builder-2']) {
    const { host, sshd } = await startBuilder(name, folder);
    hosts.push(host);
    sshds.push(sshd);
  }
});
afterAll(() => Promise.all(sshds.map((sshd) => sshd.stop())));

const first = () => hosts.slice(0, 1);
const jobs = (index: number) => join(sshds[index]?.home ?? '', 'builds/jobs');
const lockOf = (index: number) => join(folder, `builder-${index + 1}`, 'lock');

/** Queues an image whose build takes so long; the states it goes through are kept. */
function build(bench: Bench, site: string, on: BuilderHost[], seconds: number, signal?: AbortSignal) {
  const states: string[] = [];
  const ended = bench.queue.add(bench.request(site, on, { test_builder: { seconds } }), {
    ...(signal ? { signal } : {}),
    onProgress: ({ state }) => void (states.at(-1) === state || states.push(state)),
  });
  const record = (): BuildRecord | undefined => bench.store.records.get(`${bench.prod} ${site}`);
  return { ended, states, record };
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('waited in vain');
    await sleep(20);
  }
}
const liesReady = (record: BuildRecord | undefined): boolean =>
  record?.note === `Kit and config lie ready on ${record?.host}.`;

test('lies ready, readable by its account only, and begins without being checked or sent once more', async () => {
  const bench = await newBench();
  const one = build(bench, 'site-1', first(), 4);
  const two = build(bench, 'site-2', first(), 0);
  const three = build(bench, 'site-3', first(), 0);
  await until(() => liesReady(two.record()));
  expect(one.record()?.state).toBe('building');
  expect(two.record()).toMatchObject({ state: 'queued', host: 'builder-1' });
  // One at a time: the third is still here only.
  expect(three.record()?.host).toBeUndefined();
  const job = join(jobs(0), two.record()?.id ?? '');
  expect(readdirSync(job).sort()).toEqual(['builder.yaml', 'request', 'site-2']);
  for (const place of ['.', 'site-2', 'site-2/startup'])
    expect(statSync(join(job, place)).mode & 0o777, place).toBe(0o700);
  for (const file of ['builder.yaml', 'request', 'site-2/startup/client.key'])
    expect(statSync(join(job, file)).mode & 0o777, file).toBe(0o600);
  expect(readFileSync(join(lockOf(0), 'owner'), 'utf8')).toContain(`build ${one.record()?.id}\n`);
  for (const { ended } of [one, two, three]) expect((await ended).state).toBe('built');
  expect(two.states).toEqual(['queued', 'building', 'fetching', 'verifying', 'built']);
  await until(() => !existsSync(lockOf(0)));
  expect(readdirSync(jobs(0))).toEqual([]);
});

test('cancelled while it lies ready: nothing of it stays on the host, the next one is made ready', async () => {
  const bench = await newBench();
  const stop = new AbortController();
  const one = build(bench, 'site-1', first(), 5);
  const two = build(bench, 'site-2', first(), 0, stop.signal);
  const three = build(bench, 'site-3', first(), 0);
  await until(() => liesReady(two.record()));
  stop.abort();
  expect((await two.ended).state).toBe('cancelled');
  expect(existsSync(join(jobs(0), two.record()?.id ?? ''))).toBe(false);
  expect(two.record()?.host).toBeUndefined();
  await until(() => liesReady(three.record()));
  expect(one.record()?.state).toBe('building');
  expect((await one.ended).state).toBe('built');
  expect((await three.ended).state).toBe('built');
  const called = readFileSync(join(folder, 'builder-1/calls'), 'utf8');
  expect(called).toContain(three.record()?.id);
  expect(called).not.toContain(two.record()?.id);
});

test('the program ends while it lies ready: no kit stays on the host for a build that was not begun', async () => {
  const bench = await newBench();
  const one = build(bench, 'site-1', first(), 3);
  const two = build(bench, 'site-2', first(), 0);
  await until(() => liesReady(two.record()));
  await bench.queue.close();
  expect([(await one.ended).state, (await two.ended).state]).toEqual(['interrupted', 'interrupted']);
  expect(readdirSync(jobs(0))).toEqual([one.record()?.id]);
  const next = await newBench({ store: bench.store });
  const again = (site: string) => next.queue.add({ ...bench.request(site, first()), prod: bench.prod }, {});
  const ended = await Promise.all(['site-1', 'site-2'].map(again));
  expect(ended.map(({ state }) => state)).toEqual(['built', 'built']);
  expect(ended[0]?.id).toBe(one.record()?.id);
  expect(readdirSync(jobs(0))).toEqual([]);
});

test('a host that is free first builds it, wherever it lies ready', async () => {
  const bench = await newBench();
  const stop = new AbortController();
  const long = build(bench, 'site-1', first(), 60, stop.signal);
  const short = build(bench, 'site-2', hosts.slice(1), 5);
  await until(() => [long, short].every(({ record }) => record()?.stage !== undefined));
  const two = build(bench, 'site-3', hosts, 0);
  await until(() => liesReady(two.record()));
  expect(two.record()?.host).toBe('builder-1');
  expect((await short.ended).state).toBe('built');
  expect(await two.ended).toMatchObject({ state: 'built', host: 'builder-2' });
  expect(readdirSync(jobs(0))).toEqual([long.record()?.id]);
  stop.abort();
  expect((await long.ended).state).toBe('cancelled');
});
