/** Starting, watching and stopping a participant on a real host, with a kit whose scripts act as the real ones do. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import type { SiteTarget } from '../../../src-main/services/sites/index.ts';
import * as delivery from '../../../src-main/services/sites/scripts/delivery.ts';
import * as hostFacts from '../../../src-main/services/sites/scripts/host-facts.ts';
import * as prelude from '../../../src-main/services/sites/scripts/prelude.ts';
import * as running from '../../../src-main/services/sites/scripts/running.ts';
import { freePort, isListening } from '../../lab/ports.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { newFolder, run, sshSettings, stepOf, targetOn } from './site-bench.ts';
import { makeStandInKit, type StandInOptions } from './stand-in-kit.ts';

const folder = newFolder('start-stop');
let sshd: Sshd;
let ssh: ReturnType<typeof sshSettings>;
let counter = 0;

beforeAll(async () => {
  sshd = await startSshd({ folder: join(folder, 'sshd'), noise: 'echo welcome' });
  ssh = sshSettings(folder, sshd.user);
});
afterAll(async () => {
  await sshd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Finish = TestContext['onTestFinished'];

/** A delivered stand-in kit, stopped again after the test. */
async function delivered(
  finished: Finish,
  options: StandInOptions = {},
  change: Partial<SiteTarget> = {},
): Promise<SiteTarget> {
  const number = counter++;
  const kit = makeStandInKit(join(folder, `kit-${number}`), options);
  const target = targetOn(sshd, join(folder, `far side ${number}`), {
    kit,
    type: options.kind ?? 'client',
    ...(options.port === undefined ? {} : { ports: [options.port] }),
    ...change,
  });
  expect(await run('distribute', target, ssh)).toMatchObject({ state: 'delivered' });
  finished(() => run('stop', target, ssh).then(() => undefined));
  return target;
}
const base = (target: SiteTarget) => join(target.directory, target.name);
const kitThere = (target: SiteTarget) => join(base(target), readlinkSync(join(base(target), 'current')));
const pidIn = (target: SiteTarget, name: string) =>
  Number(readFileSync(join(kitThere(target), name), 'utf8'));
/** Live processes that name this participant's folder. */
const processes = (target: SiteTarget) => {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      if (stat.slice(stat.lastIndexOf(')')).startsWith(') Z')) continue;
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (line.includes(`${base(target)}/`)) found.push(line.trim());
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
};

describe.concurrent('a start', () => {
  test('of a server is proved by its port, outlives the session, and leaves the kit as it was', async ({
    onTestFinished,
  }) => {
    const port = await freePort();
    const target = await delivered(onTestFinished, { kind: 'server', port }, { path: ['/opt/nvflare/bin'] });
    const result = await run('start', target, ssh);
    expect(result).toMatchObject({ state: 'running' });
    expect(stepOf(result, 'launch')?.message).toContain('run/start.log');
    // The SSH session and connection are gone by now.
    expect(await isListening(port)).toBe(true);
    const log = readFileSync(join(base(target), 'run', 'start.log'), 'utf8');
    expect(log).toContain(`program begins ${port} /opt/nvflare/bin`);
    const status = await run('status', target, ssh);
    expect(status).toMatchObject({
      state: 'running',
      status: {
        process: 'running',
        pid: pidIn(target, 'daemon_pid.fl'),
        runningKit: readlinkSync(join(base(target), 'current')).slice('kits/'.length),
        logTail: [expect.stringContaining('program begins') as string],
      },
    });
    expect(status.status?.uptimeSeconds).toBeLessThan(60);
    expect(Math.abs(Date.parse(status.status?.since ?? '') - Date.now())).toBeLessThan(60_000);
    expect(await run('start', target, ssh)).toMatchObject({ state: 'already_running' });
    expect(processes(target).filter((line) => line.includes('program.mjs'))).toHaveLength(1);
    expect((await run('distribute', target, ssh)).state).toBe('already_there');

    const stopped = await run('stop', target, ssh);
    expect(stopped).toMatchObject({ state: 'stopped' });
    expect(await isListening(port)).toBe(false);
    expect(processes(target)).toEqual([]);
    expect(readdirSync(kitThere(target)).filter((name) => name.endsWith('.fl'))).toEqual([]);
    expect(await run('stop', target, ssh)).toMatchObject({ state: 'already_stopped' });
    expect(await run('status', target, ssh)).toMatchObject({
      state: 'stopped',
      status: { process: 'stopped' },
    });
    // And once more from the start.
    expect(await run('start', target, ssh)).toMatchObject({ state: 'running' });
    expect(existsSync(join(base(target), 'run', 'start.log.1'))).toBe(true);
  });

  test('of a client is proved by a process that stays', async ({ onTestFinished }) => {
    const target = await delivered(onTestFinished);
    expect(await run('start', target, ssh)).toMatchObject({ state: 'running' });
    expect(processes(target).some((line) => line.includes('program.mjs'))).toBe(true);
  });

  test('on a slow host is waited for', async ({ onTestFinished }) => {
    const target = await delivered(onTestFinished, { behaviour: 'slow' });
    expect(await run('start', target, ssh)).toMatchObject({ state: 'running' });
  });

  test('that fails tells the last log lines and leaves no process', async ({ onTestFinished }) => {
    const target = await delivered(onTestFinished, { behaviour: 'fail' });
    const failed = await run('start', target, ssh);
    expect(failed).toMatchObject({
      state: 'failed',
      error: {
        code: 'remote_failed',
        message: expect.stringContaining('the signature of fed_client.json is wrong') as string,
      },
    });
    expect(failed.error?.hint).toContain('run/start.log');
    expect(processes(target)).toEqual([]);
    expect(await run('status', target, ssh)).toMatchObject({ state: 'stopped' });
  });

  test('that never opens its port is a timeout and leaves no process', async ({ onTestFinished }) => {
    const port = await freePort();
    const target = await delivered(onTestFinished, { kind: 'server' }, { ports: [port] });
    const failed = await run('start', target, ssh, { startTimeoutMs: 2500 });
    expect(failed).toMatchObject({
      state: 'failed',
      error: { code: 'timeout', message: expect.stringContaining(`port ${port}`) as string },
    });
    expect(processes(target)).toEqual([]);
  });

  test('of a client that has not opened its port yet is a warning', async ({ onTestFinished }) => {
    const port = await freePort();
    const target = await delivered(onTestFinished, {}, { ports: [port] });
    const result = await run('start', target, ssh);
    expect(result.state).toBe('running');
    expect(stepOf(result, 'proof')).toMatchObject({
      state: 'warning',
      message: expect.stringContaining(`${port}`) as string,
    });
  });

  test('on a port in use is refused before anything runs', async ({ onTestFinished }) => {
    const port = await freePort();
    const owner = net.createServer();
    await new Promise<void>((resolve) => owner.listen(port, '127.0.0.1', resolve));
    try {
      const target = await delivered(onTestFinished, { kind: 'server', port });
      expect(await run('start', target, ssh)).toMatchObject({
        state: 'failed',
        error: { code: 'conflict', message: expect.stringContaining(`${port}`) as string },
      });
      expect(processes(target)).toEqual([]);
      expect(stepOf(await run('check', target, ssh), 'ports')).toMatchObject({ state: 'failed' });
    } finally {
      owner.close();
    }
  });

  test('without a kit, and of an admin', async () => {
    const target = targetOn(sshd, join(folder, 'empty'));
    expect(await run('status', target, ssh)).toMatchObject({ state: 'not_delivered' });
    expect(await run('start', target, ssh)).toMatchObject({
      error: { code: 'not_found', hint: expect.stringContaining('distribute') as string },
    });
    expect(await run('stop', target, ssh)).toMatchObject({ state: 'already_stopped' });
    expect(await run('start', { ...target, type: 'admin' }, ssh)).toMatchObject({
      error: { code: 'unsupported' },
    });
  });

  test('cancelled while waiting for the proof: at once, and nothing stays', async ({ onTestFinished }) => {
    const port = await freePort();
    const target = await delivered(onTestFinished, { kind: 'server' }, { ports: [port] });
    const cancel = new AbortController();
    let observed = 0;
    const result = await run(
      'start',
      target,
      ssh,
      {},
      {
        signal: cancel.signal,
        report: ({ step, message }) => {
          if (step !== 'proof') return;
          if (message === undefined) setTimeout(() => cancel.abort(), 700);
          else observed = performance.now();
        },
      },
    );
    expect(result.state).toBe('cancelled');
    expect(observed).toBeGreaterThan(0);
    expect(processes(target)).toEqual([]);
  });
});

describe.concurrent('a new kit while the old one runs', () => {
  test('is delivered, used after stop and start, and told', async ({ onTestFinished }) => {
    const target = await delivered(onTestFinished, { content: 'old' });
    await run('start', target, ssh);
    const old = readlinkSync(join(base(target), 'current'));
    const next = {
      ...target,
      kit: makeStandInKit(join(folder, 'next'), { content: 'new' }),
      prod: 'prod_01',
    };
    const moved = await run('distribute', next, ssh);
    expect(moved.state).toBe('delivered');
    expect(stepOf(moved, 'switch')).toMatchObject({
      state: 'warning',
      message: expect.stringContaining('until it is stopped and started') as string,
    });
    const status = await run('status', next, ssh);
    expect(status.status?.runningKit).toBe(old.slice('kits/'.length));
    expect(status.status?.currentKit).toContain('prod_01');
    expect(await run('start', next, ssh)).toMatchObject({ state: 'already_running' });
    await run('stop', next, ssh);
    expect(processes(target)).toEqual([]);
    await run('start', next, ssh);
    expect((await run('status', next, ssh)).status?.runningKit).toContain('prod_01');
  });

  test('a kit changed on the host is not replaced while it runs', async ({ onTestFinished }) => {
    const target = await delivered(onTestFinished);
    await run('start', target, ssh);
    writeFileSync(join(kitThere(target), 'startup', 'fed_client.json'), '{}');
    expect(await run('distribute', target, ssh)).toMatchObject({
      state: 'failed',
      error: { code: 'conflict' },
    });
  });
});

describe.concurrent('what others did', () => {
  test('a participant started by hand is seen and can be stopped', async ({ onTestFinished }) => {
    const target = await delivered(onTestFinished);
    const byHand = spawn('bash', [join(base(target), 'current', 'startup', 'start.sh')], {
      stdio: 'ignore',
      detached: true,
    });
    await new Promise((resolve) => byHand.once('exit', resolve));
    while (!existsSync(join(kitThere(target), 'pid.fl'))) await sleep(50);
    expect(await run('status', target, ssh)).toMatchObject({
      state: 'running',
      status: { pid: pidIn(target, 'daemon_pid.fl') },
    });
    expect(await run('start', target, ssh)).toMatchObject({ state: 'already_running' });
    expect(await run('stop', target, ssh)).toMatchObject({ state: 'stopped' });
    expect(processes(target)).toEqual([]);
  });

  test('pid files of a dead participant are stale, whoever has the number now', async ({
    onTestFinished,
  }) => {
    const target = await delivered(onTestFinished);
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      for (const name of ['daemon_pid.fl', 'pid.fl'])
        writeFileSync(join(kitThere(target), name), `${stranger.pid}\n`);
      expect(await run('status', target, ssh)).toMatchObject({ state: 'stale' });
      expect(await run('stop', target, ssh)).toMatchObject({ state: 'stopped' });
      expect(stranger.exitCode).toBeNull();
      expect(stranger.signalCode).toBeNull();
      for (const name of ['daemon_pid.fl', 'pid.fl'])
        writeFileSync(join(kitThere(target), name), `${stranger.pid}\n`);
      expect(await run('start', target, ssh)).toMatchObject({ state: 'running' });
      expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    } finally {
      stranger.kill();
    }
  });

  test('a program whose script was killed is left over: start refuses, stop ends it', async ({
    onTestFinished,
  }) => {
    const target = await delivered(onTestFinished, { behaviour: 'stubborn' });
    await run('start', target, ssh);
    process.kill(pidIn(target, 'daemon_pid.fl'), 'SIGKILL');
    for (const name of ['daemon_pid.fl', 'pid.fl']) rmSync(join(kitThere(target), name));
    expect(await run('status', target, ssh)).toMatchObject({ state: 'stale' });
    expect(await run('start', target, ssh)).toMatchObject({ state: 'failed', error: { code: 'conflict' } });
    expect(await run('stop', target, ssh)).toMatchObject({ state: 'stopped' });
    expect(processes(target)).toEqual([]);
  });

  test('a program that does not heed TERM is ended all the same', async ({ onTestFinished }) => {
    const target = await delivered(onTestFinished, { behaviour: 'stubborn' });
    await run('start', target, ssh);
    const stopped = await run('stop', target, ssh);
    expect(stopped).toMatchObject({ state: 'stopped' });
    expect(processes(target)).toEqual([]);
  });

  test('one participant’s stop does not touch another of the same beginning', async ({ onTestFinished }) => {
    const one = await delivered(onTestFinished, {}, { name: 'site-1' });
    const kit = one.kit ?? '';
    const ten = { ...one, name: 'site-10', kit };
    await run('distribute', ten, ssh);
    onTestFinished(() => run('stop', ten, ssh).then(() => undefined));
    await run('start', one, ssh);
    await run('start', ten, ssh);
    await run('stop', one, ssh);
    expect(processes(one)).toEqual([]);
    expect(await run('status', ten, ssh)).toMatchObject({ state: 'running' });
  });
});

test('the scripts of the host are plain POSIX sh', () => {
  // dash refuses what is not; its parser alone is asked.
  const scripts = Object.values({ ...delivery, ...hostFacts, ...prelude, ...running });
  expect(scripts.length).toBeGreaterThan(10);
  for (const script of scripts) execFileSync('sh', ['-n'], { input: script });
});
