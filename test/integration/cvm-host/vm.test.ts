/** A confidential participant on a real sshd host: image delivered, VM started, looked at, stopped. QEMU is a stand-in. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { SiteImage, SiteTarget } from '../../../src-main/services/sites/index.ts';
import { makeImage } from '../../lab/cvm-host/image.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { freePort } from '../../lab/ports.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { run, sshSettings, stepOf, targetOn } from '../sites/site-bench.ts';

const bin = join(import.meta.dirname, '../../lab/cvm-host/bin');
const systemd = join(import.meta.dirname, '../../lab/cvm-host/systemd');

let folder: string;
let sshd: Sshd;
let image: SiteImage;
let port: number;
let ssh: ReturnType<typeof sshSettings>;
let site: SiteTarget;
let counter = 0;

beforeAll(async () => {
  folder = await newLabFolder('cvm-host');
  sshd = await startSshd({ folder: join(folder, 'sshd') });
  port = await freePort();
  image = makeImage(join(folder, 'out'), { site: 'site-1', ports: [port] });
  ssh = sshSettings(folder, sshd.user);
}, 60_000);
afterAll(() => sshd.stop());

/** A fresh directory on the host and the given behaviour of its QEMU. */
function fresh(behaviour: object = {}, change: Partial<SiteTarget> = {}): SiteTarget {
  const directory = join(folder, `flare-${++counter}`);
  writeFileSync(join(sshd.home, '.cvm-host.json'), JSON.stringify({ keyAfterMs: 50, ...behaviour }));
  site = targetOn(sshd, directory, { cvm: { image }, path: [bin], ...change });
  return site;
}
afterEach(async () => {
  rmSync(join(sshd.home, '.cvm-host-sudo'), { force: true });
  rmSync(join(sshd.home, '.cvm-host-systemd'), { force: true });
  await run('stop', site, ssh, { force: true });
});

const base = () => join(site.directory, 'site-1');
const only = (name: string) => join(base(), name, readdirSync(join(base(), name))[0] ?? '');

test('an image goes to its host, its VM runs, shows its measurement, and is stopped', async () => {
  fresh();
  const delivered = await run('distribute', site, ssh);
  expect(delivered.error).toBeUndefined();
  expect(delivered.state).toBe('delivered');
  expect(delivered.steps.map(({ name }) => name)).toEqual([
    'image',
    'connect',
    'compare',
    'room',
    'upload',
    'unpack',
    'switch',
  ]);
  expect(statSync(only('images')).mode & 0o777).toBe(0o700);
  expect(statSync(join(only('images'), 'user_config.qcow2')).mode & 0o777).toBe(0o600);
  expect(existsSync(join(base(), 'incoming-image'))).toBe(false);
  expect((await run('distribute', site, ssh)).state).toBe('already_there');

  const started = await run('start', site, ssh);
  expect(started.error).toBeUndefined();
  expect(started.state).toBe('running');
  expect(stepOf(started, 'launch')?.message).toContain('session of its own');
  const vm = await run('status', site, ssh);
  expect(vm.status).toMatchObject({
    process: 'running',
    vm: { lock: 'held', supervisor: 'setsid', vmId: image.launch.vmId },
  });
  expect(vm.status?.vm?.serial).toMatchObject({ stage: 'unlocked', vmId: image.launch.vmId });
  expect(vm.status?.uptimeSeconds).toBeLessThan(60);
  expect((await run('start', site, ssh)).state).toBe('already_running');

  const refused = await run('stop', site, ssh);
  expect(refused.error?.code).toBe('needs_confirmation');
  expect(refused.error?.message).toContain('stops the whole federation');
  expect((await run('status', site, ssh)).state).toBe('running');

  const left: string[] = [];
  const stopped = await run('stop', site, ssh, {
    leave: ({ name }) => {
      left.push(name);
      return Promise.resolve('left the federation');
    },
  });
  expect(stopped.state).toBe('stopped');
  expect(left).toEqual(['site-1']);
  expect(stopped.steps.map(({ name }) => name)).toEqual(['connect', 'status', 'leave', 'stop']);
  const after = await run('status', site, ssh);
  expect(after.status).toMatchObject({ process: 'stopped', vm: { lock: 'free' } });
  expect(after.status?.logTail?.join('\n')).toContain('launch_vm.sh ended with status 0');
  expect((await run('stop', site, ssh)).state).toBe('already_stopped');

  // Its VM wrote to its drives: that is no reason to send the image again.
  appendFileSync(join(only('images'), 'applog.qcow2'), 'log');
  const again = await run('distribute', site, ssh);
  expect(again.state).toBe('already_there');
  expect(stepOf(again, 'compare')?.message).toContain('applog.qcow2');
});

test('a broken delivery is continued, a wrong beginning is found and thrown away', async () => {
  fresh();
  const part = join(base(), 'incoming-image', `${image.sha256}.part`);
  mkdirSync(join(base(), 'incoming-image'), { recursive: true });
  writeFileSync(join(base(), 'incoming-image', 'of-another.part'), 'old');
  const half = Math.floor(image.bytes / 2);
  writeFileSync(part, readFileSync(image.archive).subarray(0, half));
  const continued = await run('distribute', site, ssh);
  expect(continued.state).toBe('delivered');
  expect(stepOf(continued, 'upload')?.message).toContain(`continued at ${half} of ${image.bytes}`);

  fresh();
  mkdirSync(join(base(), 'incoming-image'), { recursive: true });
  writeFileSync(join(base(), 'incoming-image', `${image.sha256}.part`), 'x'.repeat(half));
  const wrong = await run('distribute', site, ssh);
  expect(wrong.error?.code).toBe('integrity');
  expect(existsSync(join(base(), 'images'))).toBe(true);
  expect(readdirSync(join(base(), 'images'))).toEqual([]);
  expect((await run('distribute', site, ssh)).state).toBe('delivered');
});

test('a cancel removes what arrived; the archive below a folder of the site is unpacked, too', async () => {
  fresh({}, { cvm: { image: makeImage(join(folder, 'below'), { site: 'site-1', siteFolder: true }) } });
  const cancel = new AbortController();
  const cancelled = await run(
    'distribute',
    site,
    ssh,
    {},
    {
      signal: cancel.signal,
      report: ({ step }) => {
        if (step === 'unpack') cancel.abort();
      },
    },
  );
  expect(cancelled.state).toBe('cancelled');
  expect(existsSync(join(base(), 'incoming-image'))).toBe(false);
  expect((await run('distribute', site, ssh)).state).toBe('delivered');
});

test('an image with a byte changed, or a file more, is not taken', async () => {
  const flip = (at: number): SiteImage => ({
    ...image,
    files: image.files.map((one, index) =>
      index === at ? { ...one, sha256: one.sha256.replace(/^./, (c) => (c === '0' ? '1' : '0')) } : one,
    ),
  });
  for (let at = 0; at < image.files.length; at += 4) {
    fresh({}, { cvm: { image: flip(at) } });
    const answer = await run('distribute', site, ssh);
    expect(answer.error?.message).toContain(`${image.files[at]?.name} is not what was built`);
  }
  fresh({}, { cvm: { image: { ...image, files: image.files.slice(1) } } });
  expect((await run('distribute', site, ssh)).error?.message).toContain(
    `${image.files[0]?.name}, which the record does not name`,
  );
});

test('what was changed on the host is not started, and is replaced', async () => {
  fresh();
  await run('distribute', site, ssh);
  appendFileSync(join(only('images'), 'vmlinuz'), 'x');
  const refused = await run('start', site, ssh);
  expect(refused.error?.code).toBe('integrity');
  expect(refused.error?.message).toContain('vmlinuz');
  const replaced = await run('distribute', site, ssh);
  expect(replaced.state).toBe('delivered');
  expect(stepOf(replaced, 'unpack')?.message).toContain('.changed-');
  expect((await run('start', site, ssh)).state).toBe('running');
});

test('a VM that QEMU refuses fails with what QEMU said', async () => {
  fresh({ cbit: 47 });
  await run('distribute', site, ssh);
  const failed = await run('start', site, ssh);
  expect(failed.error?.message).toContain("cbitpos check failed, host '47' requested '51'");
});

test('without a password-less sudo nothing is started', async () => {
  fresh();
  await run('distribute', site, ssh);
  writeFileSync(join(sshd.home, '.cvm-host-sudo'), 'password');
  const { error } = await run('start', site, ssh);
  // Root is not asked by sudo, so only the script itself finds out that this one asks everybody.
  expect(error?.code).toBe(process.getuid?.() === 0 ? 'remote_failed' : 'denied');
  expect(error?.message).toContain('sudo');
});

test('keys never leave the host, a chatty console fills nothing', async () => {
  fresh({ printKey: true, chatter: 5_000_000 });
  await run('distribute', site, ssh);
  await run('start', site, ssh);
  await expect
    .poll(async () => (await run('status', site, ssh)).status?.logTail?.join('\n') ?? '', { timeout: 15_000 })
    .toContain('container started');
  const kept = readFileSync(join(base(), 'run/serial.log'), 'utf8');
  expect(kept).toMatch(/Retrieved key: [0-9a-f]{128}/);
  const answer = JSON.stringify(await run('status', site, ssh, { logLines: 100_000 }));
  expect(answer).not.toMatch(/[0-9a-f]{100}/);
  expect(answer).toContain('unlocked');
  const bytes = ['serial.log', 'serial.recent', 'serial.next']
    .map((name) => join(base(), 'run', name))
    .reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size : 0), 0);
  expect(bytes).toBeLessThanOrEqual(3 * 1024 * 1024);
});

test('the console tells why a boot came to nothing', async () => {
  fresh({ boot: 'denied' });
  await run('distribute', site, ssh);
  await run('start', site, ssh);
  expect((await run('status', site, ssh)).status?.vm?.serial).toMatchObject({ stage: 'failed' });
});

test('systemd keeps the VM where it runs; where it refuses, a session of its own does', async () => {
  fresh({}, { path: [bin, systemd] });
  await run('distribute', site, ssh);
  const started = await run('start', site, ssh);
  expect(started.error).toBeUndefined();
  expect(stepOf(started, 'launch')?.message).toMatch(/as unit nvflare-cvm-site-1-[0-9a-f]{8}/);
  expect((await run('status', site, ssh)).status?.vm).toMatchObject({ supervisor: 'systemd' });
  await run('stop', site, ssh, { force: true });
  writeFileSync(join(sshd.home, '.cvm-host-systemd'), 'refuse');
  const again = await run('start', site, ssh);
  expect(stepOf(again, 'launch')).toMatchObject({ state: 'warning' });
  expect(stepOf(again, 'launch')?.message).toContain('Access denied');
  expect(again.state).toBe('running');
});

test('another VM of the host is never touched; one of the image before stands in the way', async () => {
  fresh();
  await run('distribute', site, ssh);
  await run('start', site, ssh);
  const neighbour: SiteTarget = {
    ...site,
    name: 'site-2',
    cvm: { image: makeImage(join(folder, 'next'), { site: 'site-2' }) },
  };
  await run('distribute', neighbour, ssh);
  expect((await run('start', neighbour, ssh)).state).toBe('running');
  const both = await run('stop', neighbour, ssh, { force: true });
  expect(both.state).toBe('stopped');
  expect((await run('status', site, ssh)).state).toBe('running');

  const rebuilt: SiteTarget = {
    ...site,
    cvm: { image: makeImage(join(folder, 'rebuilt'), { site: 'site-1', ports: [port] }) },
  };
  const delivered = await run('distribute', rebuilt, ssh);
  expect(stepOf(delivered, 'switch')).toMatchObject({ state: 'warning' });
  const refused = await run('start', rebuilt, ssh);
  expect(refused.error?.code).toBe('conflict');
  expect(refused.error?.message).toContain('still runs');
  expect((await run('stop', rebuilt, ssh, { force: true })).state).toBe('stopped');
  expect((await run('start', rebuilt, ssh)).state).toBe('running');
  expect((await run('stop', rebuilt, ssh, { force: true })).state).toBe('stopped');
  expect((await run('rollback', rebuilt, ssh)).state).toBe('rolled_back');
  expect((await run('status', site, ssh)).status?.currentKit).toContain(image.bundle);
});

test('two VMs of one image are refused: on two sites, and where somebody else holds the drives', async () => {
  fresh();
  const clone: SiteTarget = { ...site, name: 'site-2' };
  const { runSites } = await import('../../../src-main/services/sites/index.ts');
  const { sites } = await runSites({ step: 'start', targets: [site, clone], ssh });
  expect(sites.map(({ error }) => error?.code)).toEqual(['conflict', 'conflict']);

  await run('distribute', site, ssh);
  const drive = join(only('images'), 'user_data.qcow2');
  const held = execFileSync(
    'sh',
    ['-c', `(sleep 20 | qemu-io -f qcow2 "$1" >/dev/null 2>&1 & echo $!) `, 'hold', drive],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await expect.poll(async () => (await run('status', site, ssh)).state, { timeout: 5_000 }).toBe('stale');
  expect((await run('start', site, ssh)).error?.code).toBe('conflict');
  process.kill(Number(held.trim()));
});

test('without an image there is nothing to deliver', async () => {
  fresh({}, { cvm: { reason: 'No image of site-1 was built in prod_00.' } });
  const answer = await run('distribute', site, ssh);
  expect(answer.error).toMatchObject({
    code: 'not_found',
    message: 'No image of site-1 was built in prod_00.',
  });
});
