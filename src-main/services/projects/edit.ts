import { stat } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { DeskError } from '../../contract/errors.ts';
import type { TextEdit } from '../../domain/project/edit.ts';
import { realPathOf, readTextFile } from './text-file.ts';

/**
 * Changes a project or desk file on disk: read, edit, and replace in one step. Comments, order and everything not meant stay.
 * A file that does not parse is never overwritten. `path` is absolute; a link is followed, its target is changed.
 * Throws `not_found`, `invalid_input` (the file does not read cleanly), `conflict` (the place cannot be changed, or somebody
 * else changed the file meanwhile), `denied`.
 */
export async function editFile(path: string, edit: TextEdit): Promise<void> {
  const real = (await realPathOf(path)) ?? path;
  const before = await textOf(real, path);
  const after = edit(before, path);
  if (after === before) return;
  const { mode } = await stat(real);
  if ((await textOf(real, path)) !== before) {
    throw new DeskError('conflict', `${path} was changed by somebody else just now.`, {
      hint: 'Try again.',
      retryable: true,
    });
  }
  await replaceFile(real, after, mode & 0o777);
}

async function textOf(real: string, shown: string): Promise<string> {
  const file = await readTextFile(real);
  if (file.ok) return file.text;
  const code =
    file.code === 'file_missing' ? 'not_found' : file.code === 'file_unreadable' ? 'denied' : 'invalid_input';
  throw new DeskError(code, `${shown} ${file.message}`, { hint: file.hint });
}

/** Temporary name, fsync, rename. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFileAtomic(path, text, { mode, fsync: true });
  } catch (error) {
    throw writeError(path, error);
  }
}

export function writeError(path: string, error: unknown): DeskError {
  const { code } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    EACCES: 'this user may not write there',
    EPERM: 'this user may not write there',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    ENOTDIR: 'part of its path is a file',
    EEXIST: 'it is there already',
  };
  const isForbidden = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  return new DeskError(
    code === 'EEXIST' ? 'conflict' : 'denied',
    `${path} cannot be written: ${reasons[code ?? ''] ?? code ?? 'unknown reason'}.`,
    {
      cause: error,
      ...(isForbidden
        ? { hint: 'Give this user the right to write there, or copy the project to a folder of your own.' }
        : {}),
    },
  );
}
