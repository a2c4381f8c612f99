import { setTimeout as delay } from 'node:timers/promises';
import { DeskError } from '../../contract/errors.ts';

/** Throws `cancelled` once the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw cancelled(what);
}

export const cancelled = (what: string): DeskError => new DeskError('cancelled', `${what} was cancelled.`);

/** Waits, or throws `cancelled` at once when the signal is aborted. */
export async function pause(
  milliseconds: number,
  signal: AbortSignal | undefined,
  what: string,
): Promise<void> {
  try {
    await delay(milliseconds, undefined, signal ? { signal } : {});
  } catch {
    throw cancelled(what);
  }
}

/** The error a person can act on for a failed file operation; DeskErrors pass. */
export function fileError(error: unknown, path: string, doing: string): DeskError {
  if (error instanceof DeskError) return error;
  const { code, name } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return cancelled(doing);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new DeskError('not_found', `${doing}: ${path} does not exist.`);
    case 'EACCES':
    case 'EPERM':
      return new DeskError('denied', `${doing}: no permission for ${path}.`, {
        hint: 'Check the owner and mode of the file and its folders.',
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new DeskError('too_large', `${doing}: no space left on the disk that holds ${path}.`, {
        hint: 'Free some space, or choose a folder on another disk.',
        retryable: true,
      });
    case 'EROFS':
      return new DeskError('denied', `${doing}: ${path} is on a read-only file system.`);
    case 'ENAMETOOLONG':
      return new DeskError(
        'invalid_input',
        `${doing}: the name ${path.slice(0, 80)}… is too long for this disk.`,
      );
    case 'EEXIST':
      return new DeskError('conflict', `${doing}: ${path} exists already.`);
    default:
      return new DeskError('internal', `${doing}: ${path}: ${code ?? 'unexpected failure'}.`, {
        cause: error,
      });
  }
}
