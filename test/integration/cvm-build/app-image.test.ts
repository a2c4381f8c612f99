/** Application images: what is written, built by a stand-in docker (test/lab/docker), and read without Docker. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkAppImage } from '../../../src-main/domain/cc/app-image.ts';
import {
  type BuildLogLine,
  buildAppImage,
  inspectAppImage,
  localMachine,
  writeAppImage,
} from '../../../src-main/services/cvm/index.ts';
import {
  installed,
  saveArchive,
  type SavedImage,
  type SaveFormat,
  tarOf,
} from '../../lab/docker/save-archive.ts';
import { newLabFolder } from '../../lab/keeper.ts';

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
