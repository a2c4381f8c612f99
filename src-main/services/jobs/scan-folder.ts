import { constants } from 'node:fs';
import { access, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BigIntStats } from 'node:fs';
import { DeskError } from '../../contract/errors.ts';
import type { EntryKind, JobEntry } from '../../domain/job/job-folder.ts';
import { fileError, throwIfCancelled } from './cancel.ts';

export interface ScannedEntry extends JobEntry {
  readable: boolean;
  /** Changes when the file does: inode, size and times. */
  fingerprint: string;
}

export interface ScanLimits {
  /** Files and folders. */
  maxEntries: number;
  /** All files together, bytes. */
  maxBytes: number;
}

/** A job is code and configuration, at times a model: far below this. The server sets no limit but its disk (§9.2). */
const defaultScanLimits: ScanLimits = { maxEntries: 100_000, maxBytes: 64 * 1024 ** 3 };

const maxDepth = 64;

/**
 * Lists everything below a folder without following links; entries in a stable order, a folder before what is in it.
 * @throws DeskError `not_found`, `denied`, `too_large`, `cancelled`
 */
export async function scanFolder(
  root: string,
  { signal, limits = defaultScanLimits }: { signal?: AbortSignal; limits?: ScanLimits } = {},
): Promise<ScannedEntry[]> {
  const doing = 'Reading the job folder';
  const found: ScannedEntry[] = [];
  let bytes = 0;

  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > maxDepth) {
      throw new DeskError('too_large', `${folder}: more than ${maxDepth} folders inside one another.`);
    }
    let names: string[];
    try {
      names = (await readdir(join(root, folder))).sort();
    } catch (error) {
      throw fileError(error, join(root, folder), doing);
    }
    for (const name of names) {
      throwIfCancelled(signal, doing);
      const path = folder === '' ? name : `${folder}/${name}`;
      const entry = await look(root, path);
      found.push(entry);
      bytes += entry.size;
      if (found.length > limits.maxEntries) {
        throw new DeskError('too_large', `${root}: more than ${limits.maxEntries} files and folders.`, {
          hint: 'A job folder holds apps; give the sites their data in another way.',
        });
      }
      if (bytes > limits.maxBytes) {
        throw new DeskError('too_large', `${root}: more than ${gibibytes(limits.maxBytes)} GiB.`, {
          hint: 'A job folder holds apps; give the sites their data in another way.',
        });
      }
      if (entry.kind === 'folder') await walk(path, depth + 1);
    }
  };
  await walk('', 0);
  return found;
}

const gibibytes = (bytes: number): string => (bytes / 1024 ** 3).toFixed(bytes < 1024 ** 3 ? 3 : 0);

async function look(root: string, path: string): Promise<ScannedEntry> {
  const full = join(root, path);
  let stats: BigIntStats;
  try {
    stats = await lstat(full, { bigint: true });
  } catch (error) {
    // A name that is no UTF-8 comes with replacement characters, and so is not found again.
    if (path.includes('\ufffd')) return { path, kind: 'file', size: 0, readable: false, fingerprint: '' };
    throw fileError(error, full, 'Reading the job folder');
  }
  const kind = kindOf(stats);
  const readable = kind === 'file' ? await canRead(full) : true;
  return {
    path,
    kind,
    size: kind === 'file' ? Number(stats.size) : 0,
    readable,
    fingerprint: fingerprintOf(stats),
  };
}

export function fingerprintOf(stats: BigIntStats): string {
  // A folder's own size and times tell nothing that its list of names does not.
  if (!stats.isFile()) return `${stats.ino}`;
  return `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

function kindOf(stats: BigIntStats): EntryKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isSocket()) return 'socket';
  return stats.isFIFO() ? 'fifo' : 'device';
}

async function canRead(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
