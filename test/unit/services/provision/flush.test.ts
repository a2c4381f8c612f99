import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { flushFolder } from '../../../../src-main/services/provision/flush.ts';

const folders: string[] = [];
const syncPath = process.env['PATH'];
afterEach(async () => {
  process.env['PATH'] = syncPath;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function folderWithFiles(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flush-'));
  folders.push(folder);
  for (const name of ['a', 'b']) await writeFile(join(folder, name), name);
  return folder;
}

describe('bringing a folder to the disk', () => {
  it.each(['with the sync command', 'without it'])('works %s', async (how) => {
    const folder = await folderWithFiles();
    if (how === 'without it') process.env['PATH'] = folder;
    await expect(flushFolder(folder)).resolves.toBeUndefined();
  });

  it('fails for a folder that is not there', async () => {
    await expect(flushFolder('/nonexistent/folder')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is given up on a cancel', async () => {
    const folder = await folderWithFiles();
    await expect(flushFolder(folder, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});
