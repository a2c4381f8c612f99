/** Application images: what is written, built by a stand-in docker (test/lab/docker), and read without Docker. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkAppImage } from '../../../src-main/domain/cc/app-image.ts';
import {
  type BuildLogLine,
  buildAppImage,
  inspectAppImage,
  localMachine,
  writeAppImage,
} from '../../../src-main/services/cvm/index.ts';
import { type Machine, remoteMachine } from '../../../src-main/services/cvm/build/machine.ts';
import { connect } from '../../../src-main/services/ssh/index.ts';
import {
  installed,
  saveArchive,
  type SavedImage,
  type SaveFormat,
  tarOf,
} from '../../lab/docker/save-archive.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';

let folder: string;
beforeAll(async () => {
  folder = await newLabFolder('app-image');
  mkdirSync(join(folder, 'bin'));
  symlinkSync(join(import.meta.dirname, '../../lab/docker/docker'), join(folder, 'bin/docker'));
});

const machine = () =>
  localMachine({ name: 'here', directory: join(folder, 'work'), path: [join(folder, 'bin')], command: '' });
const clock = { now: () => Date.now() };

async function build(name: string, packages: string[], signal = new AbortController().signal) {
  const context = join(folder, name);
  await writeAppImage(context, { line: '2.8.1', gpu: true, packages });
  const lines: BuildLogLine[] = [];
  const archive = join(folder, `${name}.tar.gz`);
  const building = buildAppImage({ folder: context, tag: `${name}-image`, archive }, machine(), {
    clock,
    signal,
    onLines: (more) => void lines.push(...more),
  });
  return { building, lines, archive };
}

test('is written, built, saved, and holds what was asked for', async () => {
  const { building, lines, archive } = await build('good', ['torch']);
  await building;
  expect(lines.some(({ text }) => text.includes('ENTRYPOINT'))).toBe(true);
  const facts = await inspectAppImage(archive);
  expect(facts).toMatchObject({
    format: 'docker',
    tags: ['good-image:latest'],
    nvflare: '2.8.1',
    gpuSdk: '1.0.0',
    python: '3.12',
    architecture: 'amd64',
    entrypoint: ['/user_config/nvflare/startup/sub_start.sh', '--verify'],
  });
  expect(facts.layers).toHaveLength(4);
  expect(checkAppImage(facts, { line: '2.8.1', gpu: true, rootDriveGigabytes: 45 })).toEqual([]);
});

test('files that are there are kept unless replaced on purpose', async () => {
  const there = join(folder, 'there');
  await writeAppImage(there, { line: '2.7.2', gpu: false });
  await expect(writeAppImage(there, { line: '2.8.1', gpu: false })).rejects.toMatchObject({
    code: 'conflict',
  });
  await writeAppImage(there, { line: '2.8.1', gpu: false }, { replace: true });
  expect(readFileSync(join(there, 'requirements.txt'), 'utf8')).toBe('nvflare==2.8.1\n');
});

test('a failing build is told with its last words and a way out; nothing is left', async () => {
  const { building, archive } = await build('bad', ['no-such-package']);
  await expect(building).rejects.toMatchObject({
    code: 'remote_failed',
    message: expect.stringContaining('no-such-package') as string,
    hint: expect.stringContaining('requirements.txt') as string,
  });
  await expect(inspectAppImage(archive)).rejects.toMatchObject({ code: 'not_found' });
});

test('cancel ends docker at once', async () => {
  const stop = new AbortController();
  const { building, lines } = await build('slow', ['slow-package'], stop.signal);
  const ended = expect(building).rejects.toMatchObject({ code: 'cancelled' });
  while (!lines.some(({ text }) => text.includes('pip install'))) await sleep(50);
  const began = Date.now();
  stop.abort();
  await ended;
  expect(Date.now() - began).toBeLessThan(3000);
});

async function machineOn(sshd: Sshd, path: string[]): Promise<Machine> {
  const target = { host: sshd.host, port: sshd.port, identity: sshd.identity, hostKey: sshd.fingerprint };
  const connection = await connect(target, {
    home: folder,
    hostKeys: { ownFile: join(folder, 'known_hosts'), readFiles: [] },
    auth: { defaultUser: sshd.user },
  });
  return remoteMachine(
    { name: 'builder-1', ssh: target, directory: '~/work', path, command: '' },
    connection,
  );
}

/** The programs of this machine but docker. */
function toolsWithoutDocker(): string {
  const tools = join(folder, 'tools');
  mkdirSync(tools);
  for (const place of ['/usr/bin', '/bin'])
    for (const name of readdirSync(place))
      if (name !== 'docker' && !existsSync(join(tools, name)))
        symlinkSync(join(place, name), join(tools, name));
  return tools;
}

describe('on a builder host over SSH', () => {
  let sshd: Sshd;
  let host: Machine;
  beforeAll(async () => {
    sshd = await startSshd({ folder: join(folder, 'sshd') });
    host = await machineOn(sshd, [join(folder, 'bin')]);
  });
  afterAll(async () => {
    host.close();
    await sshd.stop();
  });

  async function there(name: string, packages: string[], signal = new AbortController().signal) {
    const context = join(folder, `there-${name}`);
    await writeAppImage(context, { line: '2.8.1', gpu: false, packages });
    writeFileSync(join(context, 'extra file.txt'), 'odd name\n');
    const lines: BuildLogLine[] = [];
    const archive = join(sshd.home, 'images', `${name}.tar.gz`);
    const building = buildAppImage({ folder: context, tag: `${name}-image`, archive }, host, {
      clock,
      signal,
      onLines: (more) => void lines.push(...more),
    });
    return { building, lines, archive };
  }
  /** Nothing of the work is left there. */
  const jobs = () => readdirSync(join(sshd.home, 'work/jobs'));

  test('the folder goes there, docker runs there, the archive stays there for the image builds', async () => {
    const { building, lines, archive } = await there('good', ['torch']);
    expect(await building).toEqual({ archive });
    expect(lines.some(({ text }) => text.includes('ENTRYPOINT'))).toBe(true);
    expect(statSync(archive).mode & 0o777).toBe(0o600);
    expect(await inspectAppImage(archive)).toMatchObject({
      tags: ['good-image:latest'],
      nvflare: '2.8.1',
      entrypoint: ['/user_config/nvflare/startup/sub_start.sh', '--verify'],
    });
    expect(jobs()).toEqual([]);
  });

  test('its failure is told with the host’s name and last words; nothing is left', async () => {
    const { building, archive } = await there('bad', ['no-such-package']);
    await expect(building).rejects.toMatchObject({
      code: 'remote_failed',
      message: expect.stringMatching(/not built on builder-1: .*no-such-package/) as string,
    });
    expect(existsSync(archive)).toBe(false);
    expect(jobs()).toEqual([]);
  });

  test('cancel ends docker there', async () => {
    const stop = new AbortController();
    const { building, lines, archive } = await there('slow', ['slow-package'], stop.signal);
    const ended = expect(building).rejects.toMatchObject({ code: 'cancelled' });
    while (!lines.some(({ text }) => text.includes('pip install'))) await sleep(50);
    stop.abort();
    await ended;
    const all = execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' });
    expect(all).not.toContain('slow-image');
    expect(existsSync(archive)).toBe(false);
    expect(jobs()).toEqual([]);
  });

  test('without docker there, it says so and what to do', async () => {
    const context = join(folder, 'no-docker');
    await writeAppImage(context, { line: '2.8.1', gpu: false });
    const bare = await startSshd({ folder: join(folder, 'bare'), env: { PATH: toolsWithoutDocker() } });
    const machine = await machineOn(bare, []);
    try {
      await expect(
        buildAppImage({ folder: context, tag: 'x', archive: join(bare.home, 'x.tar.gz') }, machine, {
          clock,
          signal: new AbortController().signal,
          onLines: () => undefined,
        }),
      ).rejects.toMatchObject({ hint: expect.stringContaining('Install Docker') as string });
    } finally {
      machine.close();
      await bare.stop();
    }
  });
});

const image: SavedImage = {
  tag: 'app:1',
  entrypoint: ['/user_config/nvflare/startup/sub_start.sh'],
  layers: [
    installed('nvflare', '2.7.2'),
    {
      'usr/local/lib/python3.12/site-packages/.wh.nvflare-2.7.2.dist-info': '',
      ...installed('nvflare', '2.8.1'),
    },
  ],
};
const put = (name: string, bytes: Buffer): string => {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
};

test.each<SaveFormat>(['docker', 'classic', 'oci'])('reads the %s layout, packed and not', async (format) => {
  const bytes = await saveArchive(image, format);
  for (const [name, content] of [
    ['plain', bytes],
    ['packed', gzipSync(bytes)],
  ] as const) {
    const facts = await inspectAppImage(put(`${format}-${name}`, content));
    expect(facts).toMatchObject({
      format: format === 'oci' ? 'oci' : 'docker',
      tags: ['app:1'],
      nvflare: '2.8.1',
    });
    expect(checkAppImage(facts, { line: '2.7.2', gpu: true }).map(({ message }) => message)).toEqual([
      'It has NVFlare 2.8.1, the project is for 2.7.2.',
      'Its entry point starts the kit without --verify: a changed kit would run.',
      'nv-attestation-sdk was not found, but a GPU issuer is set.',
    ]);
  }
});

describe('bad archives are refused in words', () => {
  const refused = async (name: string, bytes: Buffer, code: string, words: RegExp) => {
    await expect(inspectAppImage(put(name, bytes))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words) as string,
    });
  };
  test('cut short anywhere', async () => {
    const bytes = await saveArchive(image);
    const packed = gzipSync(bytes);
    for (const share of [0.1, 0.5, 0.9])
      await refused(
        'cut',
        packed.subarray(0, Math.floor(packed.length * share)),
        'integrity',
        /cut short or damaged/,
      );
    await refused('cut', bytes.subarray(0, 3000), 'integrity', /cut short|damaged/);
  });
  test('with links, ways out of it, no image', async () => {
    const manifest = { name: 'manifest.json', content: '[]' };
    await refused(
      'link',
      await tarOf([{ name: 'a', type: 'symlink', link: '/etc/passwd' }]),
      'integrity',
      /a is a link/,
    );
    await refused('out', await tarOf([{ name: '../a', content: 'x' }]), 'integrity', /leads out of it/);
    await refused('absolute', await tarOf([{ name: '/a', content: 'x' }]), 'integrity', /leads out of it/);
    await refused('empty', await tarOf([manifest]), 'invalid_input', /no saved image/);
    await refused('text', Buffer.from('hello'), 'integrity', /cut short or damaged/);
  });
  test('whose parts are missing or changed', async () => {
    const lacking = JSON.stringify([{ Config: 'c.json', Layers: ['l/layer.tar'] }]);
    await refused(
      'lacking',
      await tarOf([{ name: 'manifest.json', content: lacking }]),
      'integrity',
      /configuration c\.json is missing/,
    );
    const bytes = await saveArchive(image, 'classic');
    const changed = Buffer.from(bytes.toString('latin1').replace('"linux"', '"Linux"'), 'latin1');
    await refused('changed', changed, 'integrity', /configuration was changed/);
  });
});
