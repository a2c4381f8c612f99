/** CVM bundles: the launch measurement, and a bundle of the size of a real one hashed in one pass beside `sha256sum`. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { bundleFiles } from '../src-main/domain/cc/bundle.ts';
import { launchDigest } from '../src-main/services/cvm/bundle/index.ts';
import { behaviourOf } from '../test/lab/cvm-builder/behaviour.ts';
import { BundleMaker } from '../test/lab/cvm-builder/bundle.ts';
import { measure, median } from './measure.ts';
import type { Row } from './table.ts';

const gigabyte = 1e9;
const chunk = 16 * 1024 ** 2;
/** At least 0.8 of the speed of sha256sum, so at most 1.25 of its time. */
const maxRatio = 1 / 0.8;

async function digestRow(): Promise<Row> {
  const tail = await readFile(
    join(import.meta.dirname, '../test/fixtures/vectors/snp/ovmf_AmdSev_suffix.bin'),
  );
  const firmware = Buffer.concat([randomBytes(4 * 1024 ** 2 - tail.length), tail]);
  const times: number[] = [];
  for (let turn = 0; turn < 7; turn += 1) {
    const begin = performance.now();
    launchDigest({
      firmware,
      kernel: { kernel: randomBytes(32), initrd: randomBytes(32), append: 'console=ttyS0' },
      cores: 32,
      cpuSignature: 0x800f12,
      features: 1,
    });
    times.push(performance.now() - begin);
  }
  // The first one counts: nobody computes it twice.
  return {
    what: 'launch measurement, 4 MiB firmware, 32 vCPU, first time',
    ours: times[0] ?? Number.NaN,
    unit: 'ms',
    maxOurs: 50,
  };
}

/** The bundle's encrypted root grows to `bytes`: noise, as LUKS is. */
async function grow(file: string, bytes: number): Promise<void> {
  const handle = await open(file, 'a');
  try {
    const noise = randomBytes(chunk);
    for (let done = 0; done < bytes; done += chunk) {
      noise.writeDoubleLE(done, 0);
      await handle.write(noise, 0, Math.min(chunk, bytes - done));
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Stored, not compressed: what gzip makes of noise anyway. */
async function archive(folder: string, into: string): Promise<void> {
  const tar = pack();
  const flow = pipeline(tar, createGzip({ level: 0 }), createWriteStream(into));
  const root = 'crypt_root.qcow2';
  for (const name of [root, ...bundleFiles.filter((file) => file !== root)]) {
    const file = join(folder, name);
    const handle = await open(file);
    const { size } = await handle.stat();
    await handle.close();
    await pipeline(
      createReadStream(file, { highWaterMark: 1024 ** 2 }),
      tar.entry({ name: `${basename(folder)}/${name}`, size }),
    );
  }
  tar.finalize();
  await flow;
}

async function row(what: string, place: string, files: readonly string[], folder: string): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  const peaks: number[] = [];
  const script = join(import.meta.dirname, 'inspect-once.ts');
  for (let turn = 0; turn < 3; turn += 1) {
    theirs.push((await measure('sha256sum', [...files], folder)).seconds);
    const { stdout, peak } = await measure(process.execPath, [script, place, folder], folder);
    ours.push((JSON.parse(stdout) as { seconds: number }).seconds);
    peaks.push(peak);
  }
  return {
    what,
    ours: median(ours),
    beside: 'sha256sum',
    theirs: median(theirs),
    maxRatio,
    peakOurs: Math.max(...peaks),
  };
}

/** @param gigabytes size of the bundle */
export async function benchBundles(folder: string, gigabytes: number): Promise<Row[]> {
  const place = join(folder, 'bundles');
  await mkdir(place, { recursive: true });
  const rows = [await digestRow()];
  const maker = new BundleMaker(place);
  const config = { compute_env: 'onprem_cvm', user_config: {} };
  maker.root(config);
  maker.userConfig({ config, keys: [], kit: '', site: 'site-1', mode: 0o600 });
  maker.scripts(config, behaviourOf({}));
  const root = join(maker.folder, 'crypt_root.qcow2');
  await grow(root, gigabytes * gigabyte);
  rows.push(
    await row(
      `inspect an unpacked bundle of ${gigabytes} GB that does not compress`,
      maker.folder,
      bundleFiles.map((name) => join(maker.folder, name)),
      place,
    ),
  );
  const file = join(place, 'site-1.tgz');
  await archive(maker.folder, file);
  await rm(root);
  rows.push(
    await row(`inspect an archive of ${gigabytes} GB that does not compress, one pass`, file, [file], place),
  );
  await rm(place, { recursive: true, force: true });
  return rows;
}
