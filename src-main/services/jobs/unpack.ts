import { createWriteStream } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import * as yauzl from 'yauzl';
import { DeskError } from '../../contract/errors.ts';
import type { ReportProgress } from '../../ports.ts';
import { foldedName, unsafeName } from './archive-names.ts';
import { cancelled, fileError, throwIfCancelled } from './cancel.ts';

export interface UnpackLimits {
  /** Files and folders. */
  maxEntries: number;
  /** All files together, bytes; the free space of the disk is a limit too. */
  maxBytes: number;
  /** Unpacked bytes per packed byte, once the archive unpacks to more than `freeRatioBytes`. */
  maxRatio: number;
  freeRatioBytes: number;
}

export const defaultUnpackLimits: UnpackLimits = {
  maxEntries: 200_000,
  maxBytes: 1024 ** 4,
  maxRatio: 200,
  freeRatioBytes: 256 * 1024 ** 2,
};

export interface UnpackOptions {
  limits?: UnpackLimits;
  signal?: AbortSignal;
  report?: ReportProgress;
}

/** What stays free on the disk, bytes. */
const reserve = 64 * 1024 ** 2;

/**
 * Unpacks a ZIP from elsewhere into a new folder. The whole directory of the archive is judged before the first byte
 * is written: names that leave the folder, links and other special entries, names that collide on a disk without case,
 * overlapping or encrypted entries, and sizes beyond the limits or the free space are refused. Then every file is held
 * against its declared size and checksum. On any error what was written so far is left for the caller to remove.
 *
 * @returns paths of the files written, relative to `into`
 * @throws DeskError `integrity` (naming the entry), `too_large`, `denied`, `cancelled`
 */
export async function unpackZip(file: string, into: string, options: UnpackOptions = {}): Promise<string[]> {
  const { signal, report, limits = defaultUnpackLimits } = options;
  const doing = 'Unpacking';
  throwIfCancelled(signal, doing);
  let zip: yauzl.ZipFile | undefined;
  try {
    zip = await openZip(file);
    const entries = await listEntries(zip, limits, signal);
    judge(entries, zip.fileSize, limits);
    await mkdir(into, { mode: 0o700 });
    const total = entries.reduce((sum, entry) => sum + entry.uncompressedSize, 0);
    await requireSpace(into, total);

    const written: string[] = [];
    let done = 0;
    for (const entry of entries) {
      throwIfCancelled(signal, doing);
      const target = join(into, entry.fileName);
      if (entry.fileName.endsWith('/')) {
        await mkdir(target, { recursive: true, mode: 0o700 });
        continue;
      }
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await extract(zip, entry, target, signal, (count) => {
        done += count;
        report?.({ step: 'unpack', done, total, unit: 'bytes' });
      });
      written.push(entry.fileName);
    }
    return written;
  } catch (error) {
    if (signal?.aborted) throw cancelled(doing);
    throw asArchiveError(error, file, into);
  } finally {
    zip?.close();
  }
}

/**
 * The text of one entry of an archive, at most `maxBytes` of it; undefined when there is no such entry.
 * @throws what yauzl throws for an archive that is not sound
 */
export async function readEntryText(
  file: string,
  name: string,
  maxBytes: number,
): Promise<string | undefined> {
  const zip = await openZip(file);
  try {
    const entry = (await listEntries(zip, defaultUnpackLimits)).find(({ fileName }) => fileName === name);
    if (!entry) return undefined;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= maxBytes) break;
    }
    return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
  } finally {
    zip.close();
  }
}

function openZip(file: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(file, { lazyEntries: true, autoClose: false, strictFileNames: true }, (error, zip) =>
      error ? reject(error) : resolve(zip),
    );
  });
}

function listEntries(zip: yauzl.ZipFile, limits: UnpackLimits, signal?: AbortSignal): Promise<yauzl.Entry[]> {
  if (zip.entryCount > limits.maxEntries) throw tooLarge(`more than ${limits.maxEntries} entries`);
  return new Promise((resolve, reject) => {
    const entries: yauzl.Entry[] = [];
    zip.on('error', reject);
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry: yauzl.Entry) => {
      if (signal?.aborted) return reject(cancelled('Unpacking'));
      entries.push(entry);
      if (entries.length > limits.maxEntries)
        return reject(tooLarge(`more than ${limits.maxEntries} entries`));
      zip.readEntry();
    });
    zip.readEntry();
  });
}

/** Throws unless every entry may be unpacked. */
function judge(entries: readonly yauzl.Entry[], archiveBytes: number, limits: UnpackLimits): void {
  const taken = new Map<string, { name: string; isFolder: boolean }>();
  let bytes = 0;
  for (const entry of entries) {
    const name = entry.fileName;
    const refuse = (why: string): never => {
      throw new DeskError(
        'integrity',
        `The archive holds an entry that must not be unpacked: ${JSON.stringify(name.slice(0, 200))}: ${why}.`,
      );
    };
    const unsafe = unsafeName(name);
    if (unsafe !== undefined) refuse(unsafe);
    const isFolder = name.endsWith('/');
    const special = specialKind(entry, isFolder);
    if (special !== undefined) refuse(`it is ${special}`);
    if (entry.isEncrypted()) refuse('it is encrypted');
    if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)
      refuse('its compression is not known');
    if (isFolder && entry.uncompressedSize > 0) refuse('it is a folder with content');

    const folded = foldedName(name);
    const other = taken.get(folded);
    if (other && (!isFolder || !other.isFolder || other.name !== name))
      refuse(`it collides with "${other.name}"`);
    taken.set(folded, { name, isFolder });
    for (let slash = folded.lastIndexOf('/'); slash > 0; slash = folded.lastIndexOf('/', slash - 1)) {
      const parent = folded.slice(0, slash);
      const known = taken.get(parent);
      const spelled = `${name.slice(0, parent.length)}/`;
      if (known && (!known.isFolder || known.name !== spelled)) refuse(`it collides with "${known.name}"`);
      if (known) break;
      taken.set(parent, { name: spelled, isFolder: true });
    }
    bytes += entry.uncompressedSize;
    if (bytes > limits.maxBytes) throw tooLarge(`it unpacks to more than ${limits.maxBytes} bytes`);
  }
  if (bytes > limits.freeRatioBytes && bytes > limits.maxRatio * archiveBytes) {
    throw tooLarge(`${archiveBytes} bytes unpack to ${bytes}, more than ${limits.maxRatio} times as much`);
  }
  refuseOverlap(entries);
}

function specialKind(entry: yauzl.Entry, isFolder: boolean): string | undefined {
  const isUnix = entry.versionMadeBy >>> 8 === 3;
  const type = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (type === 0o120000) return 'a symbolic link';
  if (!isUnix || type === 0) return undefined;
  if (type === 0o040000) return isFolder ? undefined : 'a folder by its mode and a file by its name';
  if (type === 0o100000) return isFolder ? 'a file by its mode and a folder by its name' : undefined;
  return 'a device, pipe or socket';
}

/** Entries that share their bytes are how a small archive unpacks to a huge one. */
function refuseOverlap(entries: readonly yauzl.Entry[]): void {
  const headerBytes = 30;
  const ordered = entries.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let end = 0;
  for (const entry of ordered) {
    if (entry.relativeOffsetOfLocalHeader < end) {
      throw new DeskError(
        'integrity',
        `The archive is forged: "${entry.fileName}" shares its bytes with another entry.`,
      );
    }
    end = entry.relativeOffsetOfLocalHeader + headerBytes + entry.compressedSize;
  }
}

async function requireSpace(folder: string, bytes: number): Promise<void> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize - reserve;
  if (bytes > free) {
    throw new DeskError(
      'too_large',
      `The result needs ${bytes} bytes; the disk of ${folder} has ${Math.max(0, free)} to give.`,
      {
        hint: 'Free some space, or choose a folder on another disk.',
        retryable: true,
      },
    );
  }
}

async function extract(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  target: string,
  signal: AbortSignal | undefined,
  onBytes: (count: number) => void,
): Promise<void> {
  const source = await zip.openReadStreamPromise(entry);
  let sum = 0;
  let size = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum = crc32(chunk, sum);
      size += chunk.length;
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  const sink = createWriteStream(target, { flags: 'wx', mode: 0o600, flush: true });
  await pipeline(source, meter, sink, signal ? { signal } : {});
  if (sum !== entry.crc32 || size !== entry.uncompressedSize) {
    throw new DeskError('integrity', `"${entry.fileName}" in the archive does not match its checksum.`, {
      hint: 'Download the result again.',
      retryable: true,
    });
  }
}

const tooLarge = (why: string): DeskError =>
  new DeskError('too_large', `The archive is refused: ${why}.`, {
    hint: 'If this result is meant to be so large, raise the limit; if not, ask who wrote the job.',
  });

/** yauzl tells what is wrong with an archive in plain errors without a code. */
function asArchiveError(error: unknown, file: string, into: string): DeskError {
  if (error instanceof DeskError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith('E')) return fileError(error, into, 'Unpacking');
  return new DeskError('integrity', `${file} is no sound archive: ${message}.`, {
    hint: 'Download the result again.',
    retryable: true,
  });
}
