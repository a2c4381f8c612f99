/** A local kit as something to send: its manifest, its name on the host, and its bytes as a tar stream. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { DeskError } from '../../contract/errors.ts';
import { throwIfCancelled } from './cancel.ts';

export interface KitEntry {
  /** Relative, `/` between names. */
  path: string;
  kind: 'file' | 'folder';
  /** On the host: owner only; executable stays executable. */
  mode: number;
  size: number;
  sha256: string;
  modified: Date;
}

export interface PackedKit {
  folder: string;
  entries: KitEntry[];
  /** `prod_00-1a2b3c4d5e6f`: the generation and the start of the manifest's hash. */
  id: string;
  /** Lines `sha256 mode path` (folders: `folder mode path`), sorted by path. */
  manifest: string;
  /** Bytes of all files. */
  bytes: number;
}

/** Control characters and blanks at the ends would not survive line-based tools on the host. */
const awkwardName = /[\p{Cc}\\]|^\s|\s$/u;

/**
 * Reads and hashes a kit folder. Errors: `not_found` (no such folder), `invalid_input` (not a kit, links or special
 * files inside, names with control characters), `cancelled`.
 */
export async function readKit(folder: string, prod: string, signal?: AbortSignal): Promise<PackedKit> {
  const entries: KitEntry[] = [];
  await walk(folder, '', entries, signal);
  if (!entries.some((entry) => /^startup\/fed_(server|client|relay|admin)\.json$/.test(entry.path)))
    throw new DeskError('invalid_input', `${folder} is not a startup kit: it has no startup/fed_*.json.`, {
      hint: 'Name the folder of one participant below prod_NN.',
    });
  entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const manifest = entries
    .map(
      (entry) =>
        `${entry.kind === 'file' ? entry.sha256 : 'folder'} ${entry.mode.toString(8)} ${entry.path}\n`,
    )
    .join('');
  const hash = createHash('sha256').update(manifest).digest('hex');
  return {
    folder,
    entries,
    id: `${prod}-${hash.slice(0, 12)}`,
    manifest,
    bytes: entries.reduce((sum, entry) => sum + entry.size, 0),
  };
}

async function walk(root: string, below: string, entries: KitEntry[], signal?: AbortSignal): Promise<void> {
  throwIfCancelled(signal);
  let names: string[];
  try {
    names = await readdir(join(root, below));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new DeskError(
      code === 'ENOENT' || code === 'ENOTDIR' ? 'not_found' : 'denied',
      `The kit folder ${join(root, below)} cannot be read (${code ?? 'unknown reason'}).`,
      { hint: 'Provision the project first, or name another generation with --prod.', cause: error },
    );
  }
  for (const name of names) {
    const path = below === '' ? name : `${below}/${name}`;
    if (awkwardName.test(name))
      throw new DeskError(
        'invalid_input',
        `The kit holds a file whose name cannot be sent: ${JSON.stringify(path)}.`,
      );
    const stats = await lstat(join(root, path));
    if (stats.isDirectory()) {
      entries.push({ path, kind: 'folder', mode: 0o700, size: 0, sha256: '', modified: stats.mtime });
      await walk(root, path, entries, signal);
    } else if (stats.isFile()) {
      const mode = (stats.mode & 0o100) !== 0 ? 0o700 : 0o600;
      const sha256 = await hashFile(join(root, path));
      entries.push({ path, kind: 'file', mode, size: stats.size, sha256, modified: stats.mtime });
    } else {
      throw new DeskError('invalid_input', `The kit holds a link or special file: ${join(root, path)}.`, {
        hint: 'A kit consists of files and folders only. Provision again.',
      });
    }
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** The kit as tar bytes, in the order of its entries. `sent` hears how many bytes of files have gone out. */
export function tarOf(kit: PackedKit, sent: (bytes: number) => void): Pack {
  const tar = pack();
  const fill = async () => {
    let done = 0;
    for (const entry of kit.entries) {
      const header = { name: entry.path, mode: entry.mode, mtime: entry.modified };
      if (entry.kind === 'folder') {
        tar.entry({ ...header, type: 'directory' });
        continue;
      }
      await pipeline(
        createReadStream(join(kit.folder, entry.path)),
        tar.entry({ ...header, size: entry.size }),
      );
      done += entry.size;
      sent(done);
    }
    tar.finalize();
  };
  fill().catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error('unreadable kit')));
  return tar;
}
