import { execFile } from 'node:child_process';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import PQueue from 'p-queue';
import { DeskError } from '../../contract/errors.ts';

/**
 * Brings a folder's content to the disk before it is given its name. One `sync -f` for thousands of small files takes
 * a moment where an fsync for each would take minutes on a slow disk; without that command each file is synced.
 */
export async function flushFolder(folder: string, signal?: AbortSignal): Promise<void> {
  try {
    await promisify(execFile)('sync', ['-f', folder], { signal });
  } catch {
    if (signal?.aborted === true)
      throw new DeskError('cancelled', 'Cancelled while writing the kits to disk.');
    await syncEach(folder, signal);
  }
}

async function syncEach(folder: string, signal?: AbortSignal): Promise<void> {
  const queue = new PQueue({ concurrency: 8 });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  await Promise.all(
    files.map((entry) =>
      queue.add(async () => {
        signal?.throwIfAborted();
        const handle = await open(join(entry.parentPath, entry.name), 'r');
        try {
          await handle.sync();
        } finally {
          await handle.close();
        }
      }),
    ),
  );
}
