import { DeskError, type ErrorCode } from '../../contract/errors.ts';

const meanings: Record<string, { code: ErrorCode; reason: string; hint: string }> = {
  EACCES: {
    code: 'denied',
    reason: 'no permission',
    hint: 'Give this user write access to the folder, or choose another workspace.',
  },
  EPERM: {
    code: 'denied',
    reason: 'not permitted',
    hint: 'Give this user write access to the folder, or choose another workspace.',
  },
  EROFS: {
    code: 'denied',
    reason: 'the file system is read-only',
    hint: 'Choose a workspace folder that can be written.',
  },
  ENOSPC: {
    code: 'too_large',
    reason: 'the disk is full',
    hint: 'A kit needs about 60 kB on disk. Free some space, then run again.',
  },
  EDQUOT: {
    code: 'too_large',
    reason: 'the disk quota is used up',
    hint: 'Free some space, then run again.',
  },
  EFBIG: {
    code: 'too_large',
    reason: 'the file would be larger than allowed here',
    hint: 'Raise the file size limit, then run again.',
  },
  EMFILE: {
    code: 'too_large',
    reason: 'too many open files',
    hint: 'Raise the limit of open files (ulimit -n), then run again.',
  },
  ENOENT: { code: 'not_found', reason: 'there is no such file or folder', hint: 'Check the path.' },
  ENOTDIR: {
    code: 'conflict',
    reason: 'a file stands where a folder is needed',
    hint: 'Move that file away, or choose another workspace.',
  },
  EEXIST: {
    code: 'conflict',
    reason: 'something of that name is there already',
    hint: 'On a file system that takes upper and lower case as one, names must differ in more than case.',
  },
  EISDIR: {
    code: 'conflict',
    reason: 'a folder stands where a file is needed',
    hint: 'Move that folder away.',
  },
  ENAMETOOLONG: {
    code: 'invalid_input',
    reason: 'the path is too long',
    hint: 'Choose a workspace with a shorter path.',
  },
};

/**
 * The error a person can act on for what the file system said; every other error is passed through.
 * `what` names the work, `path` is used when the error has none.
 */
export function asFileError(error: unknown, what: string, path: string): unknown {
  if (error instanceof DeskError || !(error instanceof Error)) return error;
  const { code, path: found } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const meaning = meanings[code] ?? {
    code: 'internal' as const,
    reason: `the file system says ${code}`,
    hint: 'Check the disk of the workspace, then run again.',
  };
  return new DeskError(meaning.code, `${what}: ${found ?? path}: ${meaning.reason}.`, {
    hint: meaning.hint,
    retryable: meaning.code === 'too_large',
    cause: error,
  });
}
