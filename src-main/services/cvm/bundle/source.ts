/** The files of a bundle, read once from end to end: out of an archive or a folder, hashed on the way. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { lstat, readdir, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { once } from 'node:events';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { DeskError } from '../../../contract/errors.ts';
import type { BundleFileFacts } from '../../../domain/cc/bundle-facts.ts';
import type { ReportProgress } from '../../../ports.ts';
import { qcow2HeadBytes } from '../qcow2.ts';
import { sideHash } from './side-hash.ts';

export interface SourceFile extends BundleFileFacts {
  /** The first bytes. */
  head: Buffer;
  /** The whole, of files that are read and small enough. */
  content?: Buffer;
  /** Where it lies on this disk: of a folder, and what was spooled. */
  path?: string;
}

export interface BundleSource {
  source: 'archive' | 'folder';
  /** Name of the bundle's folder. */
  bundle: string;
  archive?: BundleFileFacts & { modified: string };
  files: SourceFile[];
  /** Paths beside the bundle's folder. */
  others: string[];
}

export interface SourceOptions {
  /** An empty folder of mode 700 for drives of an archive that are looked into; without it they are only hashed. */
  spool?: string;
  signal?: AbortSignal;
  report?: ReportProgress;
}

/** Whole content is kept up to this size. */
const keptBytes: Readonly<Record<string, number>> = {
  'launch_vm.sh': 1024 ** 2,
  'README.txt': 256 * 1024,
  'OVMF.amdsev.fd': 64 * 1024 ** 2,
};
const spooledFile = 'user_config.qcow2';
const maxSpooledBytes = 8 * 1024 ** 3;
/** Other drives are spooled to be checked while they are this small, and leave this much room. */
const maxCheckedBytes = 1024 ** 3;
const keptFreeBytes = 1024 ** 3;
const maxEntries = 1000;
const chunkBytes = 1024 ** 2;

interface RawFile extends SourceFile {
  folder: string;
}

/** Takes the bytes of one file. */
class Taker {
  readonly #name: string;
  readonly #hash = createHash('sha256');
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  readonly #content: Buffer[] | undefined;
  #size = 0;
  readonly #sink: WriteStream | undefined;
  readonly #path: string | undefined;

  /** `copy`: a file that is written on the way; `path`: where it lies already. */
  constructor(name: string, size: number, { copy, path }: { copy?: string | undefined; path?: string }) {
    this.#name = name;
    this.#content = size <= (keptBytes[name] ?? -1) ? [] : undefined;
    this.#path = copy ?? path;
    if (copy !== undefined) this.#sink = createWriteStream(copy, { flags: 'wx', mode: 0o600 });
  }

  async take(chunk: Buffer): Promise<void> {
    this.#size += chunk.length;
    this.#hash.update(chunk);
    if (this.#headBytes < qcow2HeadBytes) {
      this.#head.push(chunk.subarray(0, qcow2HeadBytes));
      this.#headBytes += chunk.length;
    }
    this.#content?.push(chunk);
    if (this.#sink && !this.#sink.write(chunk)) await once(this.#sink, 'drain');
  }

  async end(): Promise<SourceFile> {
    if (this.#sink) {
      this.#sink.end();
      await once(this.#sink, 'close');
    }
    return {
      name: this.#name,
      size: this.#size,
      sha256: this.#hash.digest('hex'),
      head: Buffer.concat(this.#head).subarray(0, qcow2HeadBytes),
      ...(this.#content ? { content: Buffer.concat(this.#content) } : {}),
      ...(this.#path === undefined ? {} : { path: this.#path }),
    };
  }
}

/** Whether a file of an archive is copied to be looked into: the kit's drive always, others while there is room. */
async function isSpooled(name: string, size: number, spool: string): Promise<boolean> {
  if (name === spooledFile) return size <= maxSpooledBytes;
  if (!name.endsWith('.qcow2') || size > maxCheckedBytes) return false;
  const { bavail, bsize } = await statfs(spool);
  return bavail * bsize > size + keptFreeBytes;
}

const refused = (archive: string, why: string): DeskError =>
  new DeskError('integrity', `${archive} is refused: ${why}.`, {
    hint: 'A bundle holds folders and plain files only. Ask where this archive comes from.',
  });

/** The path of an entry in parts; throws for one that could leave the folder it is unpacked to. */
function safeParts(archive: string, name: string): string[] {
  const shown = JSON.stringify(name.slice(0, 120));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(name))
    throw refused(archive, `the name ${shown} holds a control character or backslash`);
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name))
    throw refused(archive, `the path ${shown} is absolute`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refused(archive, `the path ${shown} leaves the archive`);
  return parts;
}

function entryParts(
  archive: string,
  { name, type }: Header,
  seen: Map<string, string>,
): string[] | undefined {
  const parts = safeParts(archive, name);
  const shown = JSON.stringify(name.slice(0, 120));
  if (type === 'symlink' || type === 'link') throw refused(archive, `${shown} is a link`);
  if (type !== 'directory' && type !== 'file' && type !== 'contiguous-file') {
    throw refused(archive, `${shown} is neither a folder nor a plain file`);
  }
  const path = parts.join('/').normalize('NFC').toLowerCase();
  const before = seen.get(path);
  if (before !== undefined && !(type === 'directory' && before === 'directory')) {
    throw refused(archive, `${shown} is in it twice`);
  }
  seen.set(path, type);
  if (seen.size > maxEntries) throw refused(archive, `it holds more than ${maxEntries} entries`);
  if (type === 'directory') return undefined;
  if (parts.length === 0) throw refused(archive, 'a file in it has no name');
  return parts;
}

async function readArchive(
  archive: string,
  size: number,
  modified: Date,
  options: SourceOptions,
): Promise<BundleSource> {
  const { spool, signal, report } = options;
  // What is packed is hashed beside what comes out of it.
  const whole = sideHash(size);
  let done = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      done += chunk.length;
      report?.({ step: 'hash', done, total: size, unit: 'bytes' });
      const full = whole.update(chunk);
      if (full === undefined) next(null, chunk);
      else
        full.then(
          () => next(null, chunk),
          (error: unknown) => next(error as Error),
        );
    },
  });
  const tar = extract();
  const seen = new Map<string, string>();
  const files: RawFile[] = [];
  const reading = (async () => {
    for await (const entry of tar) {
      const parts = entryParts(archive, entry.header, seen);
      if (!parts) {
        entry.resume();
        continue;
      }
      const name = parts.at(-1) as string;
      const size = entry.header.size ?? 0;
      const isCopied = spool !== undefined && (await isSpooled(name, size, spool));
      // Names may be there twice, in two folders.
      const copy = isCopied ? join(spool, `${files.length}-${name}`) : undefined;
      const taker = new Taker(name, size, { copy });
      for await (const chunk of entry) await taker.take(chunk as Buffer);
      files.push({ ...(await taker.end()), folder: parts.slice(0, -1).join('/') });
    }
  })();
  const source = createReadStream(archive, { highWaterMark: chunkBytes });
  const flow = pipeline(
    source,
    meter,
    createGunzip({ chunkSize: chunkBytes }),
    tar,
    signal ? { signal } : {},
  );
  const [flowed, read] = await Promise.allSettled([
    flow,
    reading.catch((error: unknown) => {
      source.destroy();
      throw error;
    }),
  ]);
  const failure = [read, flowed].find(({ status }) => status === 'rejected') as
    | PromiseRejectedResult
    | undefined;
  const isCancelled = signal?.aborted === true;
  if (isCancelled || failure) whole.stop();
  if (isCancelled) throw new DeskError('cancelled', `Reading ${archive} was cancelled.`);
  if (failure) {
    const reasons = [read, flowed].flatMap((one) =>
      one.status === 'rejected' ? [one.reason as NodeJS.ErrnoException] : [],
    );
    const ours = reasons.find((reason) => reason instanceof DeskError);
    if (ours) throw ours;
    const zlib = reasons.find(({ code }) => code?.startsWith('Z_'));
    const system = reasons.find(({ code }) => code?.startsWith('E') && !code.startsWith('ERR_'));
    if (system) throw fileError(system, archive);
    throw new DeskError(
      'integrity',
      `${archive} is cut short or damaged: ${(zlib ?? reasons[0])?.message ?? 'unreadable'}.`,
      {
        hint: 'Fetch it again from where it was built, and compare its SHA-256.',
        retryable: true,
      },
    );
  }
  const sha256 = await whole.digest().finally(() => whole.stop());
  return grouped(archive, 'archive', files, {
    name: basename(archive),
    size: done,
    sha256,
    modified: modified.toISOString(),
  });
}

async function readFolder(folder: string, options: SourceOptions): Promise<BundleSource> {
  const { signal, report } = options;
  const place = await bundleFolder(folder);
  const names = (await readdir(place, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const sizes = await Promise.all(
    names.map(({ name }) => lstat(join(place, name)).then((stats) => (stats.isFile() ? stats.size : 0))),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const files: RawFile[] = [];
  const others: string[] = [];
  let done = 0;
  for (const [index, entry] of names.entries()) {
    const path = join(place, entry.name);
    if (entry.isDirectory()) {
      others.push(`${entry.name}/`);
      continue;
    }
    if (!entry.isFile()) throw refused(place, `${entry.name} is a link or a special file`);
    const taker = new Taker(entry.name, sizes[index] ?? 0, { path });
    try {
      for await (const chunk of createReadStream(path, {
        highWaterMark: chunkBytes,
        ...(signal ? { signal } : {}),
      })) {
        await taker.take(chunk as Buffer);
        done += (chunk as Buffer).length;
        report?.({ step: 'hash', done, total, unit: 'bytes' });
      }
    } catch (error) {
      if (signal?.aborted) throw new DeskError('cancelled', `Reading ${place} was cancelled.`);
      throw fileError(error, path);
    }
    files.push({ ...(await taker.end()), folder: basename(place) });
  }
  const source = grouped(place, 'folder', files);
  return { ...source, others: [...source.others, ...others] };
}

/** The folder with `launch_vm.sh`: the one given or one up to two levels below (docs/reference/confidential-computing.md §3.1). */
async function bundleFolder(folder: string, depth = 0): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  if (entries.some(({ name }) => name === 'launch_vm.sh')) return folder;
  if (depth < 2) {
    const found: string[] = [];
    for (const entry of entries.filter((one) => one.isDirectory())) {
      const below = await bundleFolder(join(folder, entry.name), depth + 1).catch(() => undefined);
      if (below !== undefined) found.push(below);
    }
    if (found.length > 1) {
      throw new DeskError('invalid_input', `${folder} holds more than one bundle.`, {
        hint: `Name one of them: ${found.map((one) => basename(one)).join(', ')}.`,
      });
    }
    if (found[0] !== undefined) return found[0];
  }
  throw notABundle(folder);
}

const notABundle = (path: string): DeskError =>
  new DeskError('invalid_input', `${path} is no CVM bundle: it holds no launch_vm.sh.`, {
    hint: 'Name the archive <site>.tgz that the image builder made, or the folder cvm_… unpacked from it.',
  });

function grouped(
  path: string,
  source: BundleSource['source'],
  files: RawFile[],
  archive?: BundleSource['archive'],
): BundleSource {
  const [script, ...more] = files.filter(({ name }) => name === 'launch_vm.sh');
  if (!script) throw notABundle(path);
  if (more.length > 0) throw refused(path, 'it holds more than one bundle');
  const own = files.filter(({ folder }) => folder === script.folder);
  return {
    source,
    bundle: basename(script.folder) || basename(dirname(path)),
    ...(archive ? { archive } : {}),
    files: own.map(({ folder: _folder, ...file }) => file),
    others: files
      .filter((file) => !own.includes(file))
      .map(({ folder, name }) => (folder === '' ? name : `${folder}/${name}`)),
  };
}

export function fileError(error: unknown, path: string): DeskError {
  if (error instanceof DeskError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new DeskError('not_found', `${path} does not exist.`);
  if (code === 'EACCES' || code === 'EPERM') {
    return new DeskError('denied', `${path} cannot be read: permission denied.`, {
      hint: 'Bundles hold private keys and are of mode 600: use the account that owns it.',
    });
  }
  if (code === 'ENOSPC')
    return new DeskError('too_large', 'The disk for temporary files is full.', {
      retryable: true,
      hint: 'Free some space and try again.',
    });
  return new DeskError('denied', `${path} cannot be read: ${message}.`);
}

/**
 * Reads a bundle once.
 * @param path `<site>.tgz`, a bundle folder, or a folder above it
 * @throws DeskError `not_found`, `denied`, `invalid_input` (no bundle), `integrity` (cut short, damaged, links, paths that
 *   leave it, duplicates, devices), `too_large` (no room for temporary files), `cancelled`
 */
export async function readBundleSource(path: string, options: SourceOptions = {}): Promise<BundleSource> {
  if (options.signal?.aborted) throw new DeskError('cancelled', `Reading ${path} was cancelled.`);
  const stats = await stat(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  if (stats.isDirectory()) return readFolder(path, options);
  if (!stats.isFile()) throw new DeskError('invalid_input', `${path} is neither an archive nor a folder.`);
  return readArchive(path, stats.size, stats.mtime, options);
}
