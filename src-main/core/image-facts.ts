/** What a host must know of an image before it is given one, read once from its archive. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { readLaunchScript } from '../domain/cc/launch-script.ts';
import type { SiteImage } from '../services/sites/index.ts';

const scriptLimit = 256 * 1024;
const known = new Map<string, { stamp: string; facts: Promise<SiteImage> }>();

/** Facts of `<site>.tgz`, kept while its size and time stay. Throws what reading throws. */
export async function imageFactsOf(archive: string, signal?: AbortSignal): Promise<SiteImage> {
  const { size, mtimeMs } = await stat(archive);
  const stamp = `${size}:${mtimeMs}`;
  const before = known.get(archive);
  if (before?.stamp === stamp) return before.facts;
  const facts = read(archive, size, signal);
  known.set(archive, { stamp, facts });
  facts.catch(() => known.delete(archive));
  return facts;
}

async function read(archive: string, bytes: number, signal: AbortSignal | undefined): Promise<SiteImage> {
  const whole = createHash('sha256');
  const tee = new PassThrough();
  tee.on('data', (chunk: Buffer) => whole.update(chunk));
  const tar = extract();
  const files: { path: string; size: number; sha256: string }[] = [];
  let script = '';
  tar.on('entry', (header, stream, next) => {
    const hash = createHash('sha256');
    const kept: Buffer[] = [];
    stream.on('data', (data) => {
      const chunk = data as Buffer;
      hash.update(chunk);
      if (basename(header.name) === 'launch_vm.sh' && (header.size ?? 0) <= scriptLimit) kept.push(chunk);
    });
    stream.on('end', () => {
      if (header.type === 'file')
        files.push({ path: header.name, size: header.size ?? 0, sha256: hash.digest('hex') });
      if (kept.length > 0) script = Buffer.concat(kept).toString('utf8');
      next();
    });
  });
  await pipeline(createReadStream(archive), tee, createGunzip(), tar, signal ? { signal } : {});
  const folder = dirname(files.find(({ path }) => basename(path) === 'launch_vm.sh')?.path ?? '');
  return {
    archive,
    bytes,
    sha256: whole.digest('hex'),
    bundle: basename(folder),
    files: files.map(({ path, size, sha256 }) => ({ name: basename(path), size, sha256 })),
    launch: readLaunchScript(script).facts,
  };
}
