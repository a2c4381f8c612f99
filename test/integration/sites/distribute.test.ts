/** Delivering kits to real hosts: whole or not at all, whatever happens on the way. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DeskError } from '../../../src-main/contract/errors.ts';
import { runSites } from '../../../src-main/services/sites/index.ts';
import { startProxy } from '../../lab/proxy.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { noSmallDisk, smallDisk } from '../../lab/small-disk.ts';
import { newFolder, readOnlyFolder, run, sshSettings, stepOf, targetOn } from './site-bench.ts';
import { makeStandInKit } from './stand-in-kit.ts';

const folder = newFolder('distribute');
let sshd: Sshd;
let ssh: ReturnType<typeof sshSettings>;
let far: string;
let kit: string;
let other: string;
let big: string;
const closing: (() => unknown)[] = [];
let counter = 0;

beforeAll(async () => {
  sshd = await startSshd({ folder: join(folder, 'sshd') });
  ssh = sshSettings(folder, sshd.user);
  kit = makeStandInKit(join(folder, 'kit'), { content: 'one' });
  other = makeStandInKit(join(folder, 'other'), { content: 'two' });
  big = makeStandInKit(join(folder, 'big'), { content: 'big' });
  writeFileSync(join(big, 'local', 'much'), randomBytes(6 * 1024 * 1024));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await sshd?.stop();
  rmSync(folder, { recursive: true, force: true });
});
/** A new directory on the host for each test; its name holds a blank and a quote. */
const directory = () => {
  far = join(folder, `far side's ${counter++}`);
  return far;
};
const base = () => join(far, 'site-1');
const current = () => readlinkSync(join(base(), 'current'));
const files = (at: string): string[] =>
  readdirSync(at, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name).slice(at.length + 1))
    .sort();

/** Nothing of an unfinished delivery is to be seen. */
function expectClean() {
  expect(files(base()).filter((name) => name.includes('incoming') || name.includes('.part'))).toEqual([]);
}
function expectWhole(source: string) {
  const there = join(base(), current());
  expect(files(there)).toEqual(files(source));
  for (const name of files(source)) {
    const stats = statSync(join(source, name));
    if (stats.isFile())
      expect(readFileSync(join(there, name)).equals(readFileSync(join(source, name)))).toBe(true);
  }
}

describe('a delivery', () => {
  test('arrives whole, closed to others, and again changes nothing', async () => {
    const target = targetOn(sshd, directory(), { kit });
    const first = await run('distribute', target, ssh);
    expect(first).toMatchObject({ state: 'delivered' });
    expect(first.steps.map((step) => step.name)).toEqual([
      'kit',
      'connect',
      'compare',
      'room',
      'upload',
      'unpack',
      'switch',
    ]);
    expect(current()).toMatch(/^kits\/prod_00-[0-9a-f]{12}$/);
    expectWhole(kit);
    expectClean();
    const there = join(base(), current());
    for (const name of files(there)) {
      const stats = lstatSync(join(there, name));
      const executable = name.endsWith('.sh');
      expect(stats.mode & 0o777, name).toBe(stats.isDirectory() || executable ? 0o700 : 0o600);
    }
    expect(lstatSync(base()).mode & 0o777).toBe(0o700);
    const before = execFileSync('find', [base(), '-printf', '%p %T@ %i\n'], { encoding: 'utf8' });
    const again = await run('distribute', target, ssh);
    expect(again).toMatchObject({ state: 'already_there' });
    expect(again.steps.map((step) => step.name)).toEqual(['kit', 'connect', 'compare']);
    expect(execFileSync('find', [base(), '-printf', '%p %T@ %i\n'], { encoding: 'utf8' })).toBe(before);
  });

  test('of a new kit keeps the old one; roll back and forth', async () => {
    const target = targetOn(sshd, directory(), { kit });
    await run('distribute', target, ssh);
    const old = current();
    expect(await run('rollback', target, ssh)).toMatchObject({
      state: 'failed',
      error: { code: 'not_found' },
    });
    expect(await run('distribute', { ...target, kit: other, prod: 'prod_01' }, ssh)).toMatchObject({
      state: 'delivered',
    });
    const renewed = current();
    expect(renewed).toContain('prod_01');
    expect(readlinkSync(join(base(), 'previous'))).toBe(old);
    expectWhole(other);
    expect(await run('rollback', target, ssh)).toMatchObject({ state: 'rolled_back' });
    expect(current()).toBe(old);
    expectWhole(kit);
    expect(await run('rollback', target, ssh)).toMatchObject({ state: 'rolled_back' });
    expect(current()).toBe(renewed);
    // A kit that is still there is switched to without a second upload.
    const back = await run('distribute', target, ssh);
    expect(back.state).toBe('delivered');
    expect(back.steps.map((step) => step.name)).toEqual(['kit', 'connect', 'compare', 'switch']);
    expect(current()).toBe(old);
  });

  test('finds what was changed on the host, replaces it and keeps it', async () => {
    const target = targetOn(sshd, directory(), { kit });
    await run('distribute', target, ssh);
    appendFileSync(join(base(), current(), 'startup', 'fed_client.json'), ' ');
    writeFileSync(join(base(), current(), 'log.txt'), 'a file the participant wrote is no change');
    const again = await run('distribute', target, ssh);
    expect(again.state).toBe('delivered');
    expect(stepOf(again, 'compare')).toMatchObject({
      state: 'warning',
      message: expect.stringContaining('startup/fed_client.json') as string,
    });
    expect(stepOf(again, 'compare')?.message).not.toContain('log.txt');
    expectWhole(kit);
    const kept = readdirSync(join(base(), 'kits')).filter((name) => name.includes('.changed-'));
    expect(kept).toHaveLength(1);
    expect(existsSync(join(base(), 'kits', kept[0] ?? '', 'log.txt'))).toBe(true);
    expect((await run('distribute', target, ssh)).state).toBe('already_there');
  });

  test('tells which files the site had added, as the new kit is without them', async () => {
    const target = targetOn(sshd, directory(), { kit });
    await run('distribute', target, ssh);
    writeFileSync(join(base(), current(), 'local', 'privacy.json'), '{}');
    const moved = await run('distribute', { ...target, kit: other }, ssh);
    expect(stepOf(moved, 'switch')).toMatchObject({
      state: 'warning',
      message: expect.stringContaining('had added local/privacy.json') as string,
    });
    expect(stepOf(moved, 'switch')?.message).not.toContain('with blank.txt');
  });

  test('into the home folder', async () => {
    const target = targetOn(sshd, '~/flare', { kit });
    expect(await run('distribute', target, ssh)).toMatchObject({ state: 'delivered' });
    expect(existsSync(join(sshd.home, 'flare', 'site-1', 'current', 'startup', 'start.sh'))).toBe(true);
  });

  test('through a host with one session at a time, a banner, and noise on both outputs', async () => {
    const noisy = await startSshd({
      folder: join(folder, 'noisy'),
      config: ['MaxSessions 1'],
      banner: 'Keep out\n',
      noise: 'echo "flaredesk welcome"; printf "no newline"; echo trouble >&2',
    });
    closing.push(() => noisy.stop());
    const target = targetOn(noisy, directory(), { kit: big });
    expect(await run('distribute', target, ssh)).toMatchObject({ state: 'delivered' });
    expectWhole(big);
    expect(await run('distribute', target, ssh)).toMatchObject({ state: 'already_there' });
  });

  const csh = spawnSync('csh', ['-c', 'true']).status === 0;
  if (csh)
    test('to an account whose login shell is csh', async () => {
      const config = ['ForceCommand csh -c "$SSH_ORIGINAL_COMMAND"'];
      const host = await startSshd({ folder: join(folder, 'csh'), config });
      closing.push(() => host.stop());
      const target = targetOn(host, directory(), { kit });
      expect(await run('distribute', target, ssh)).toMatchObject({ state: 'delivered' });
      expectWhole(kit);
      expect(await run('distribute', target, ssh)).toMatchObject({ state: 'already_there' });
    });

  const busybox = spawnSync('busybox', ['true']).status === 0;
  if (busybox)
    test('to a host whose tools are those of BusyBox', async () => {
      const bin = join(folder, 'busybox-bin');
      mkdirSync(bin);
      execFileSync('busybox', ['--install', '-s', bin]);
      symlinkSync('/bin/bash', join(bin, 'bash'));
      const host = await startSshd({ folder: join(folder, 'busybox'), env: { PATH: bin } });
      closing.push(() => host.stop());
      const target = targetOn(host, directory(), { kit });
      expect(await run('distribute', target, ssh)).toMatchObject({ state: 'delivered' });
      expectWhole(kit);
      expect(await run('distribute', target, ssh)).toMatchObject({ state: 'already_there' });
      expect(await run('distribute', { ...target, kit: other }, ssh)).toMatchObject({ state: 'delivered' });
      expect(await run('rollback', target, ssh)).toMatchObject({ state: 'rolled_back' });
      const checked = await run('check', target, ssh);
      for (const name of ['tools', 'directory', 'participant', 'clock'])
        expect(stepOf(checked, name)?.state).toBe('ok');
      expect(await run('start', target, ssh)).toMatchObject({ state: 'running' });
      expect(await run('status', target, ssh)).toMatchObject({ state: 'running' });
      expect(await run('stop', target, ssh)).toMatchObject({ state: 'stopped' });
      expectClean();
    });

  test('to a host with the barest tools', async () => {
    const bin = join(folder, 'bare-bin');
    mkdirSync(bin);
    for (const tool of 'sh cat tr cut grep mkdir rm mv ln readlink chmod tar find df sync openssl sort tail date dirname'.split(
      ' ',
    ))
      symlinkSync(
        execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(),
        join(bin, tool),
      );
    const bare = await startSshd({ folder: join(folder, 'bare'), env: { PATH: bin } });
    closing.push(() => bare.stop());
    const target = targetOn(bare, directory(), { kit });
    expect(await run('distribute', target, ssh)).toMatchObject({ state: 'delivered' });
    expectWhole(kit);
    expect(await run('status', target, ssh)).toMatchObject({ state: 'stopped' });
    const checked = await run('check', target, ssh);
    expect(stepOf(checked, 'tools')).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('bash') as string,
    });
    expect(stepOf(checked, 'python')).toMatchObject({ state: 'failed', message: 'no python3 on PATH' });
  });
});

describe('several sites', () => {
  test('one failure is its own; the order is that of the targets; a second run does what is missing', async () => {
    const at = directory();
    const good = (name: string) => targetOn(sshd, at, { name, kit });
    const targets = [
      { ...good('site-1') },
      { ...good('site-2'), ssh: { ...good('site-2').ssh, port: 1 } },
      { ...good('site-3'), ssh: { ...good('site-3').ssh, hostKey: `SHA256:${'A'.repeat(43)}` } },
      { ...good('site-4'), kit: join(folder, 'nowhere') },
      { ...good('site-5') },
    ];
    const reports: unknown[] = [];
    const first = await runSites(
      { step: 'distribute', targets, ssh, parallel: 2 },
      { report: (report) => reports.push(report) },
    );
    expect(first.sites.map((site) => [site.name, site.state, site.error?.code])).toEqual([
      ['site-1', 'delivered', undefined],
      ['site-2', 'failed', 'unreachable'],
      ['site-3', 'failed', 'host_key_changed'],
      ['site-4', 'failed', 'not_found'],
      ['site-5', 'delivered', undefined],
    ]);
    expect(reports).toContainEqual({ step: 'distribute', done: 5, total: 5, unit: 'sites' });
    const second = await runSites({
      step: 'distribute',
      targets: ['1', '2', '3', '4', '5'].map((n) => good(`site-${n}`)),
      ssh,
    });
    expect(second.sites.map((site) => site.state)).toEqual([
      'already_there',
      'delivered',
      'delivered',
      'delivered',
      'already_there',
    ]);
  });

  test('questions come one at a time, and a host is asked for once', async () => {
    let open = 0;
    let most = 0;
    const asked: number[] = [];
    const asking = {
      ...ssh,
      hostKeys: {
        ...ssh.hostKeys,
        ownFile: join(folder, 'asked_known_hosts'),
        ask: async (question: { port: number }) => {
          most = Math.max(most, ++open);
          await sleep(100);
          open--;
          asked.push(question.port);
          return true;
        },
      },
    };
    const at = directory();
    const second = await startSshd({ folder: join(folder, 'second') });
    closing.push(() => second.stop());
    const targets = [sshd, second].map((host, index) => {
      const target = targetOn(host, at, { name: `site-${index}`, kit });
      return { ...target, ssh: { host: host.host, port: host.port, identity: host.identity } };
    });
    const result = await runSites({ step: 'distribute', targets, ssh: asking });
    expect(result.sites.map((site) => site.state)).toEqual(['delivered', 'delivered']);
    expect(most).toBe(1);
    expect(asked.sort()).toEqual([sshd.port, second.port].sort());
  });
});

describe('refused before anything is sent', () => {
  const attempts = () => sshd.log().split('Connection from').length;

  test('a kit the verifier refuses, no kit, not a kit, links inside', async () => {
    const before = attempts();
    const target = targetOn(sshd, directory(), { kit });
    const refuse = () =>
      Promise.reject(new DeskError('integrity', 'startup/start.sh has a wrong signature.'));
    expect(await run('distribute', target, ssh, { verifyKit: refuse })).toMatchObject({
      state: 'failed',
      error: { code: 'integrity' },
    });
    const without = targetOn(sshd, far);
    expect(await run('distribute', without, ssh)).toMatchObject({ error: { code: 'not_found' } });
    mkdirSync(join(folder, 'no-kit'));
    expect(await run('distribute', { ...target, kit: join(folder, 'no-kit') }, ssh)).toMatchObject({
      error: { code: 'invalid_input' },
    });
    const linked = makeStandInKit(join(folder, 'linked'));
    symlinkSync('/etc/passwd', join(linked, 'local', 'link'));
    expect(await run('distribute', { ...target, kit: linked }, ssh)).toMatchObject({
      error: { code: 'invalid_input', message: expect.stringContaining('local/link') as string },
    });
    expect(attempts()).toBe(before);
  });

  test.each([
    [{ name: '../evil' }, /cannot be the name/],
    [{ name: '.' }, /cannot be the name/],
    [{ directory: 'relative/path' }, /absolute/],
    [{ directory: '/a\nb' }, /absolute/],
    [{ path: ['relative'] }, /absolute/],
    [{ path: ['/a:/b'] }, /absolute/],
    [{ ports: [0] }, /65535/],
  ])('%j', async (change, message) => {
    await expect(
      run('distribute', { ...targetOn(sshd, '/x', { kit }), ...change }, ssh),
    ).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('when the host says no', () => {
  test('a read-only folder', async () => {
    const at = directory();
    mkdirSync(at);
    closing.push(readOnlyFolder(at));
    const failed = await run('distribute', targetOn(sshd, at, { kit }), ssh);
    expect(failed).toMatchObject({
      state: 'failed',
      error: { code: 'denied', message: expect.stringContaining(at) as string },
    });
    const checked = await run('check', targetOn(sshd, at), ssh);
    expect(stepOf(checked, 'directory')).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('cannot write') as string,
    });
  });

  test('a directory that is a file, a participant’s folder that is a file, a current that is not ours', async () => {
    const at = directory();
    writeFileSync(at, '');
    expect(await run('distribute', targetOn(sshd, at, { kit }), ssh)).toMatchObject({
      error: { code: 'remote_failed', message: expect.stringContaining('is not a folder') as string },
    });
    mkdirSync(directory());
    writeFileSync(base(), '');
    expect(await run('distribute', targetOn(sshd, far, { kit }), ssh)).toMatchObject({
      error: { message: expect.stringContaining('is not a folder') as string },
    });
    mkdirSync(directory());
    mkdirSync(join(base(), 'current'), { recursive: true });
    writeFileSync(join(base(), 'current', 'precious'), '');
    expect(await run('distribute', targetOn(sshd, far, { kit }), ssh)).toMatchObject({
      error: { message: expect.stringContaining('used by something else') as string },
    });
    expect(files(base())).toEqual(['current', 'current/precious']);
  });

  test('too little room is seen before the upload; the kit before stays', async ({ skip }) => {
    const at = directory();
    const disk = smallDisk(at, 'size=4m');
    if (!disk) return skip(noSmallDisk);
    closing.push(() => disk.unmount());
    expect(await run('distribute', targetOn(sshd, at, { kit }), ssh)).toMatchObject({ state: 'delivered' });
    const failed = await run('distribute', targetOn(sshd, at, { kit: big }), ssh);
    expect(failed).toMatchObject({
      state: 'failed',
      error: { code: 'remote_failed', message: expect.stringMatching(/bytes free, the kit needs/) as string },
    });
    expect(stepOf(failed, 'upload')).toBeUndefined();
    expectClean();
    expectWhole(kit);
  });

  test('a disk that fills up while unpacking (no inodes left)', async ({ skip }) => {
    const at = directory();
    const disk = smallDisk(at, 'size=64m,nr_inodes=24');
    if (!disk) return skip(noSmallDisk);
    closing.push(() => disk.unmount());
    expect(await run('distribute', targetOn(sshd, at, { kit }), ssh)).toMatchObject({ state: 'delivered' });
    const failed = await run('distribute', targetOn(sshd, at, { kit: other }), ssh);
    expect(failed).toMatchObject({
      state: 'failed',
      error: { code: 'remote_failed', message: expect.stringMatching(/No space left/) as string },
    });
    expect(stepOf(failed, 'unpack')?.state).toBe('failed');
    expectClean();
    expectWhole(kit);
    expect((await run('distribute', targetOn(sshd, at, { kit }), ssh)).state).toBe('already_there');
  });

  test('a limit on the size of files', async () => {
    const limited = await startSshd({ folder: join(folder, 'ulimit'), noise: 'ulimit -f 2000' });
    closing.push(() => limited.stop());
    const failed = await run('distribute', targetOn(limited, directory(), { kit: big }), ssh);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'remote_failed' } });
    expect(stepOf(failed, 'upload')?.state).toBe('failed');
    expectClean();
  });

  test('an account for files only', async () => {
    const limited = await startSshd({
      folder: join(folder, 'sftp-only'),
      config: ['ForceCommand internal-sftp'],
    });
    closing.push(() => limited.stop());
    expect(await run('distribute', targetOn(limited, directory(), { kit }), ssh)).toMatchObject({
      error: { code: 'remote_failed', message: expect.stringContaining('did not run a command') as string },
    });
  });
});

describe('cut short', () => {
  test('the connection breaks in the middle: nothing is switched, the next run completes', async () => {
    const proxy = await startProxy({ targetPort: sshd.port, cutAfterBytes: 2 * 1024 * 1024 });
    closing.push(() => proxy.stop());
    const at = directory();
    await run('distribute', targetOn(sshd, at, { kit }), ssh);
    const old = current();
    const target = targetOn(sshd, at, { kit: big, port: proxy.port });
    const failed = await run('distribute', target, ssh);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'unreachable', retryable: true } });
    expect(stepOf(failed, 'upload')?.state).toBe('failed');
    expect(current()).toBe(old);
    expect(existsSync(join(base(), 'incoming'))).toBe(true);
    proxy.cutAfterBytes = undefined;
    expect(await run('distribute', target, ssh)).toMatchObject({ state: 'delivered' });
    expectWhole(big);
    expectClean();
  });

  test('a cancel in the middle ends within a second and leaves nothing', async () => {
    const proxy = await startProxy({ targetPort: sshd.port, delay: 5 });
    closing.push(() => proxy.stop());
    const target = targetOn(sshd, directory(), { kit: big, port: proxy.port });
    const cancel = new AbortController();
    let cancelledAt = 0;
    const result = await run(
      'distribute',
      target,
      ssh,
      {},
      {
        signal: cancel.signal,
        report: ({ step }) => {
          if (step !== 'upload' || cancelledAt > 0) return;
          cancelledAt = performance.now();
          cancel.abort();
        },
      },
    );
    expect(performance.now() - cancelledAt).toBeLessThan(1000);
    expect(result).toMatchObject({ state: 'cancelled', error: { code: 'cancelled' } });
    expectClean();
    expect(existsSync(join(base(), 'current'))).toBe(false);
  });

  test('a cancel before the turn of a site comes', async () => {
    const cancel = new AbortController();
    cancel.abort();
    expect(
      await run('distribute', targetOn(sshd, directory(), { kit }), ssh, {}, { signal: cancel.signal }),
    ).toMatchObject({ state: 'cancelled' });
  });

  test('kill -9 of the delivering process: the next run completes', async () => {
    const proxy = await startProxy({ targetPort: sshd.port });
    closing.push(() => proxy.stop());
    const target = targetOn(sshd, directory(), { kit: big, port: proxy.port });
    const program = join(folder, 'deliver.ts');
    writeFileSync(
      program,
      `import { runSites } from ${JSON.stringify(join(process.cwd(), 'src-main/services/sites/index.ts'))};
await runSites(${JSON.stringify({ step: 'distribute', targets: [target], ssh })});
`,
    );
    const before = proxy.counts.toTarget;
    const child = spawn(process.execPath, [program], {
      stdio: 'inherit',
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    while (proxy.counts.toTarget - before < 1024 * 1024 && child.exitCode === null) await sleep(1);
    proxy.freeze(true);
    child.kill('SIGKILL');
    await ended;
    proxy.freeze(false);
    expect(existsSync(join(base(), 'current'))).toBe(false);
    expect(await run('distribute', target, ssh)).toMatchObject({ state: 'delivered' });
    expectWhole(big);
    expectClean();
  });
});
