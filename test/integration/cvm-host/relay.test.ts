/** An image whose archive is on its builder alone: from there to the site's host, two real sshd, through this process. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SiteImage, SiteTarget } from '../../../src-main/services/sites/index.ts';
import { makeCcProject } from '../../lab/cc-project.ts';
import { makeImage } from '../../lab/cvm-host/image.ts';
import { flaredesk, mustFlaredesk } from '../../lab/flaredesk.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { startProxy } from '../../lab/proxy.ts';
import { deskHost, type Sshd, startSshd } from '../../lab/sshd.ts';
import { startBuilder } from '../cvm-build/bench.ts';
import { run, sshSettings, stepOf, targetOn } from '../sites/site-bench.ts';

let folder: string;
let builder: Sshd;
let host: Sshd;
let image: SiteImage;
let onBuilder: string;
let ssh: ReturnType<typeof sshSettings>;
let counter = 0;

beforeAll(async () => {
  folder = await newLabFolder('relay');
  [builder, host] = await Promise.all([
    startSshd({ folder: join(folder, 'builder') }),
    startSshd({ folder: join(folder, 'host') }),
  ]);
  const made = makeImage(join(folder, 'out'), { site: 'site-1', noise: 24_000_000 });
  onBuilder = join(builder.home, 'site-1.tgz');
  cpSync(made.archive, onBuilder);
  rmSync(made.archive);
  image = made;
  ssh = sshSettings(folder, host.user);
}, 60_000);
afterAll(async () => {
  await Promise.all([builder.stop(), host.stop()]);
});

/** A fresh directory on the host; the image's archive is asked from the builder. */
function target(change: { port?: number; path?: string } = {}): SiteTarget {
  const relay = {
    name: 'builder-1',
    ssh: {
      host: builder.host,
      port: change.port ?? builder.port,
      identity: builder.identity,
      hostKey: builder.fingerprint,
    },
    path: change.path ?? onBuilder,
  };
  return targetOn(host, join(folder, `flare-${++counter}`), { cvm: { image: { ...image, relay } } });
}
const partOf = ({ directory }: SiteTarget) =>
  join(directory, 'site-1/incoming-image', `${image.sha256}.part`);

test('it passes through, verified at the far end, and no copy of it is here', async () => {
  const site = target();
  const done = await run('distribute', site, ssh);
  expect(done.error).toBeUndefined();
  expect(done.state).toBe('delivered');
  expect(stepOf(done, 'image')?.message).toContain('on builder-1');
  expect(stepOf(done, 'upload')?.message).toMatch(/bytes from builder-1, SHA-256 [0-9a-f]{12}… as recorded/);
  expect(existsSync(image.archive)).toBe(false);
  expect((await run('distribute', site, ssh)).state).toBe('already_there');
});

test('when the builder’s line breaks, the next run continues where it stopped', async () => {
  const proxy = await startProxy({ targetPort: builder.port });
  try {
    const site = target({ port: proxy.port });
    const delivering = run('distribute', site, ssh);
    while (!existsSync(partOf(site)) || statSync(partOf(site)).size < 1_000_000) await sleep(2);
    proxy.cut();
    const first = await delivering;
    expect(first.error).toMatchObject({ code: 'unreachable', retryable: true });
    const arrived = statSync(partOf(site)).size;
    expect(arrived).toBeGreaterThan(0);
    expect(arrived).toBeLessThan(image.bytes);
    const second = await run('distribute', site, ssh);
    expect(second.state).toBe('delivered');
    expect(stepOf(second, 'upload')?.message).toMatch(/^continued at \d+ of \d+ bytes from builder-1/);
  } finally {
    await proxy.stop();
  }
});

test('another file than the one that was built is found out, before or after it is sent', async () => {
  const changed = join(builder.home, 'changed.tgz');
  const bytes = readFileSync(onBuilder);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(changed, bytes);
  const site = target({ path: changed });
  const sent = await run('distribute', site, ssh);
  expect(sent.error).toMatchObject({ code: 'integrity' });
  expect(sent.error?.message).toContain('arrived changed');
  expect(existsSync(partOf(site))).toBe(false);

  writeFileSync(changed, bytes.subarray(1));
  const other = await run('distribute', target({ path: changed }), ssh);
  expect(other.error?.message).toContain(`has ${image.bytes - 1} bytes; ${image.bytes} were recorded`);
  const gone = await run('distribute', target({ path: '/nowhere/site-1.tgz' }), ssh);
  expect(gone.error).toMatchObject({ code: 'not_found' });
  expect(gone.error?.message).toContain('/nowhere/site-1.tgz: no such file');
});

test('a cancel ends both sides and removes what arrived', async () => {
  const site = target();
  const stop = new AbortController();
  const done = await run(
    'distribute',
    site,
    ssh,
    {},
    {
      signal: stop.signal,
      report: ({ step, done: bytes = 0 }) => {
        if (step === 'upload' && bytes > 0) stop.abort();
      },
    },
  );
  expect(done.state).toBe('cancelled');
  expect(existsSync(join(site.directory, 'site-1/incoming-image'))).toBe(false);
});

test('the command brings an image from its builder once its archive is gone from here', async () => {
  const place = join(folder, 'command');
  mkdirSync(place);
  const cc = await makeCcProject(place);
  const { host: made, sshd } = await startBuilder('builder-1', place);
  try {
    const { directory, command } = made;
    const words = JSON.stringify({ ...deskHost(sshd), directory, command });
    const desk = join(cc.project, '../desk.yml');
    writeFileSync(desk, `${readFileSync(desk, 'utf8')}builders:\n  builder-1: ${words}\n`);
    for (const name of ['cc_server1.yml', 'cc_site-1.yml']) {
      const file = join(cc.project, '..', name);
      const text = readFileSync(file, 'utf8').replace('~/nvflare', `${cc.home}/nvflare`);
      writeFileSync(file, text);
    }
    const options = { env: cc.env, cwd: join(cc.project, '..') };
    await mustFlaredesk(['provision', '-p', cc.project, '--no-images'], options);
    await mustFlaredesk(
      ['cvm', 'build', '-p', cc.project, '--only', 'site-1', '--allow-running-vms'],
      options,
    );
    const archive = join(cc.project, '../workspace/example_project/prod_00/site-1/site-1.tgz');
    rmSync(archive);
    interface Site {
      state: string;
      steps: { name: string; message: string }[];
      error?: { message: string };
    }
    const distribute = ['sites', 'distribute', '-p', cc.project, '--only', 'site-1'];
    const { sites } = await mustFlaredesk<{ sites: Site[] }>(distribute, options);
    expect(sites[0]).toMatchObject({ state: 'delivered' });
    expect(sites[0]?.steps.find(({ name }) => name === 'upload')?.message).toContain('from builder-1');
    expect(existsSync(archive)).toBe(false);

    // A builder that desk.yml does not name any more is not asked.
    writeFileSync(desk, readFileSync(desk, 'utf8').replace('  builder-1:', '  builder-2:'));
    const without = await flaredesk<{ sites: Site[] }>(distribute, options);
    if (!without.ok) throw new Error(without.error.message);
    expect(without.value.sites[0]?.error?.message).toContain('No image of site-1 was built in prod_00');
  } finally {
    await Promise.all([cc.stop(), sshd.stop()]);
  }
});
