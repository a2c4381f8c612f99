/** Image builds over real SSH, with the test builder (its README says what it does not prove). */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BuilderHost, BuildLogLine, BuildRecord } from '../../../src-main/services/cvm/build/index.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import type { Sshd } from '../../lab/sshd.ts';
import { type Bench, newBench, startBuilder } from './bench.ts';

let folder: string;
const hosts: BuilderHost[] = [];
const sshds: Sshd[] = [];

beforeAll(async () => {
  folder = await newLabFolder('builders');
  for (const name of ['builder-1', 'builder-2']) {
    const { host, sshd } = await startBuilder(name, folder);
    hosts.push(host);
    sshds.push(sshd);
  }
});
afterAll(async () => {
  await Promise.all(sshds.map((sshd) => sshd.stop()));
});

const first = () => hosts.slice(0, 1);
const jobsOf = (index: number): string[] => {
  const jobs = join(sshds[index]?.home ?? '', 'builds/jobs');
  return existsSync(jobs) ? readdirSync(jobs) : [];
};
const temporary = (index: number) => readdirSync(join(folder, `builder-${index + 1}`, 'tmp'));
const lockOf = (index: number) => join(folder, `builder-${index + 1}`, 'lock');

/** Nothing of ours is left on the host. */
function expectClean(index = 0): void {
  expect(jobsOf(index)).toEqual([]);
  expect(temporary(index).filter((name) => name.endsWith('.yaml'))).toEqual([]);
  expect(existsSync(lockOf(index))).toBe(false);
}

async function linesOf(bench: Bench, record: BuildRecord): Promise<BuildLogLine[]> {
  await bench.logs.flushed();
  const lines: BuildLogLine[] = [];
  const stop = await bench.logs.follow(record.id, (more) => {
    for (const line of more) lines.push(line);
  });
  stop();
  return lines;
}

test('a kit goes to the host, a bundle comes back and takes its place', async () => {
  const bench = await newBench();
  const states: string[] = [];
  const record = await bench.queue.add(bench.request('site-1', first()), {
    onProgress: ({ state }) => void (states.at(-1) === state || states.push(state)),
  });
  expect(record.error).toBeUndefined();
  expect(states).toEqual(['queued', 'checking', 'sending', 'building', 'fetching', 'verifying', 'built']);
  const place = join(bench.prod, 'site-1');
  expect(readdirSync(place)).toEqual(['site-1.tgz']);
  expect(statSync(join(place, 'site-1.tgz')).mode & 0o777).toBe(0o600);
  expect(readdirSync(bench.prod)).toEqual(['site-1']);
  const names = execFileSync('tar', ['-tzf', join(place, 'site-1.tgz')], { encoding: 'utf8' });
  expect(names).toMatch(/^cvm_[0-9a-f]{12}\/launch_vm\.sh$/m);
  expect(record.stage).toBe('pack');
  const lines = await linesOf(bench, record);
  expect(lines.map(({ text }) => text)).toContain('[1/5] Creating root drive');
  expectClean();
});

test('every way a builder fails is told in its words, the kit stays, the host is clean', async () => {
  const bench = await newBench();
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ fail: 3 }, /ended with status 3.*told to/],
    [{ line: 'missing' }, /without the line "CVM Bundle <path> is ready"/],
    [{ line: 'stderr' }, /without the line/],
    [{ result: 'none' }, /is not there/],
    [{ result: 'folder' }, /is a folder, not an archive/],
  ];
  for (const [index, [wishes, words]] of cases.entries()) {
    const site = `site-${index}`;
    const record = await bench.queue.add(bench.request(site, first(), { test_builder: wishes }), {});
    expect(record.state, site).toBe('failed');
    expect(record.error?.message, site).toMatch(words);
    expect(record.error?.retryable).toBe(true);
    expect(readdirSync(join(bench.prod, site)).sort()).toEqual([
      'local',
      'signature.json',
      'startup',
      'transfer',
    ]);
  }
  expectClean();
  // A retry of the same participant begins anew.
  const again = await bench.queue.add(bench.request('site-0', first()), {});
  expect(again.state).toBe('built');
});

test('the first of two success lines counts, also amid other words', async () => {
  const bench = await newBench();
  for (const line of ['twice', 'prefix']) {
    const record = await bench.queue.add(bench.request(line, first(), { test_builder: { line } }), {});
    expect(record.error).toBeUndefined();
    expect(record.state).toBe('built');
  }
});

test('10 MB to either pipe does not stall, and more than is kept ends with its tail', async () => {
  const bench = await newBench();
  const began = Date.now();
  const record = await bench.queue.add(
    bench.request('loud', first(), { test_builder: { stdout: 10_000_000, stderr: 10_000_000 } }),
    {},
  );
  expect(record.error).toBeUndefined();
  expect(Date.now() - began).toBeLessThan(15_000);
  const lines = await linesOf(bench, record);
  expect(lines.filter(({ from, text }) => from === 'stdout' && /^\.{99}$/.test(text))).toHaveLength(100_000);
  const louder = await bench.queue.add(
    bench.request('louder', first(), { test_builder: { stdout: 40_000_000 } }),
    {},
  );
  expect(louder.error).toBeUndefined();
  const kept = await linesOf(bench, louder);
  expect(
    kept.some(({ from, text }) => from === 'desk' && text.startsWith('More was written to stdout')),
  ).toBe(true);
  expect(kept.some(({ text }) => text.startsWith('[5/5]'))).toBe(true);
});

test('the host is checked before anything is sent', async () => {
  const bench = await newBench();
  const [host] = hosts as [BuilderHost];
  const refusal = async (changed: Partial<BuilderHost>, config: Record<string, unknown> = {}) => {
    const record = await bench.queue.add(bench.request('site-1', [{ ...host, ...changed }], config), {});
    expect(record.state).toBe('failed');
    return `${record.error?.message} ${record.error?.hint}`;
  };
  const home = sshds[0]?.home ?? '';
  writeFileSync(join(home, 'plain'), '#!/bin/sh\n', { mode: 0o644 });
  mkdirSync(join(home, 'folder'));
  expect(await refusal({ command: '~/none' })).toMatch(/the image builder .*\/none is not there/);
  expect(await refusal({ command: '~/plain' })).toMatch(/plain is not executable.*chmod \+x/);
  expect(await refusal({ command: '~/folder' })).toMatch(/folder is a folder/);
  expect(await refusal({}, { docker_archive: '/nowhere/app.tar.gz' })).toMatch(
    /docker_archive \/nowhere\/app\.tar\.gz is not there/,
  );
  expect(await refusal({}, { docker_archive: 'app.tar.gz' })).toMatch(/not absolute/);
  expect(await refusal({}, { user_config: ['a'] })).toMatch(/user_config must be a mapping/);
  expectClean();
});

test('a host that cannot build leaves the build to the other one', async () => {
  const bench = await newBench();
  const [one, two] = hosts as [BuilderHost, BuilderHost];
  const gone = { ...one, name: 'gone', ssh: { ...one.ssh, host: '127.0.0.1', port: 1 } };
  const records = await Promise.all(
    ['a', 'b', 'c'].map((site) => bench.queue.add(bench.request(site, [gone, two]), {})),
  );
  expect(records.map(({ state, host }) => `${state} ${host}`)).toEqual(Array(3).fill('built builder-2'));
});

test('somebody else’s lock is respected and named; ours of a dead process is taken over', async () => {
  const bench = await newBench();
  mkdirSync(lockOf(0));
  const lock = (owner: string) =>
    writeFileSync(
      join(lockOf(0), 'owner'),
      `owner ${owner}\nprocess 1\nbuild x\ndir /x\nwho eve@else\nsince 1\n`,
    );
  lock('other');
  const notes: (string | undefined)[] = [];
  const building = bench.queue.add(bench.request('site-1', first()), {
    onProgress: ({ note }) => void notes.push(note),
  });
  await sleep(1500);
  expect(notes.some((note) => note?.includes('builder-1 is taken by eve@else since 1970'))).toBe(true);
  expect(readdirSync(join(sshds[0]?.home ?? '', 'builds/jobs'))).toEqual([]);
  lock('bench');
  expect((await building).state).toBe('built');
  expectClean();
});

describe('cancel', () => {
  test('ends the builder and its children at once and tells what is left over', async () => {
    const bench = await newBench();
    const stop = new AbortController();
    const building = bench.queue.add(
      bench.request('site-1', first(), { test_builder: { seconds: 60, leave_qemu: true } }),
      { signal: stop.signal },
    );
    // The fourth stage leaves a QEMU behind; shorten the way there.
    await until(() => bench.store.records.get(`${bench.prod} site-1`)?.state === 'building');
    await sleep(500);
    const began = Date.now();
    stop.abort();
    const record = await building;
    expect(record.state).toBe('cancelled');
    expect(Date.now() - began).toBeLessThan(4000);
    expect(processesOf(sshds[0])).toEqual([]);
    expect(existsSync(join(bench.prod, 'site-1/startup'))).toBe(true);
    expectClean();
  });

  test('a QEMU that left the session without our mark is reported with the command that ends it, and lives', async () => {
    const bench = await newBench();
    const record = await bench.queue.add(
      bench.request('site-1', first(), { test_builder: { leave_qemu: true, fail: 2, fail_at: 'pack' } }),
      {},
    );
    const home = sshds[0]?.home ?? '';
    const left = record.leftOvers?.find(({ name }) =>
      readFileSync(`/proc/${name}/cmdline`, 'latin1').startsWith(join(home, '.cvm-builder/qemu')),
    );
    expect(left).toMatchObject({ kind: 'process', command: `kill ${left?.name}`, certain: false });
    process.kill(Number(left?.name), 0);
    // Now it stands in the way of the next build: those builders end every QEMU of their host.
    const careful = { ...bench.request('site-2', first()), allowRunningVms: false };
    const next = await bench.queue.add(careful, {});
    expect(next.error?.message).toMatch(
      new RegExp(`virtual machines? runs? there .*process ${left?.name}\\b`),
    );
    expect((await bench.queue.add(bench.request('site-2', first()), {})).state).toBe('built');
    process.kill(Number(left?.name), 'SIGKILL');
    await sleep(100);
    expectClean();
  });

  test('a build that waits is taken out of the queue', async () => {
    const bench = await newBench();
    const stop = new AbortController();
    const running = bench.queue.add(bench.request('a', first(), { test_builder: { seconds: 2 } }), {});
    const waiting = bench.queue.add(bench.request('b', first()), { signal: stop.signal });
    await sleep(300);
    stop.abort();
    expect((await waiting).state).toBe('cancelled');
    expect((await running).state).toBe('built');
  });
});

test('a silent builder is ended by the watchdog after a warning', async () => {
  const bench = await newBench({ watchdog: { silentSeconds: 2, longestSeconds: 60 } });
  const notes: (string | undefined)[] = [];
  const record = await bench.queue.add(bench.request('site-1', first(), { test_builder: { hang: true } }), {
    onProgress: ({ note }) => void notes.push(note),
  });
  expect(record.error).toMatchObject({ code: 'timeout' });
  expect(record.error?.message).toMatch(/has written nothing for [23] s/);
  expect(notes.some((note) => note?.startsWith('Nothing written for 1 s'))).toBe(true);
  expectClean();
});

test('the log follows in less than a second', async () => {
  const bench = await newBench();
  const lags: number[] = [];
  let follow: (() => void) | undefined;
  const record = await bench.queue.add(bench.request('site-1', first(), { test_builder: { seconds: 3 } }), {
    onProgress: ({ id, state }) => {
      if (state !== 'building' || follow) return;
      follow = () => undefined;
      void bench.logs.follow(id, (lines) => {
        for (const { at } of lines.filter(({ text }) => /^\[\d\/5\]/.test(text))) lags.push(at);
      });
    },
  });
  expect(record.state).toBe('built');
  // The builder writes one line every 0.6 s; what is seen must keep that pace.
  const gaps = lags.slice(1).map((at, index) => at - (lags[index] ?? 0));
  expect(lags).toHaveLength(5);
  for (const gap of gaps) expect(Math.abs(gap - 600)).toBeLessThan(1000);
});

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('waited in vain');
    await sleep(50);
  }
}

/** Test builder processes below this host's home. */
function processesOf(sshd: Sshd | undefined): string[] {
  const all = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(`${sshd?.home}/builds/jobs/`));
}

test('output of builds is kept without keys', async () => {
  const bench = await newBench();
  bench.logs.add('b', [{ at: 1, from: 'stdout', text: `key ${'ab'.repeat(64)}` }]);
  await bench.logs.flushed();
  expect(readFileSync(join(bench.folder, 'logs/b.log'), 'utf8')).toBe('1 O key [redacted]\n');
});
