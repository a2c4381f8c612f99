/** Reads a text file for people: every way it can be wrong is said in plain words. */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';

/** Above any project a person writes; keeps a wrongly named file from filling memory. */
const largestFile = 16 * 1024 * 1024;

export type TextFile =
  | { ok: true; text: string }
  | { ok: false; code: string; message: string; hint?: string; line?: number; column?: number };

function refused(error: unknown): TextFile {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return { ok: false, code: 'file_missing', message: 'does not exist.' };
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      ok: false,
      code: 'file_unreadable',
      message: 'may not be read by this user.',
      hint: 'Check its permissions.',
    };
  }
  if (code === 'ELOOP')
    return { ok: false, code: 'file_unreadable', message: 'is a link that leads to itself.' };
  if (code === 'ENAMETOOLONG')
    return { ok: false, code: 'file_missing', message: 'has a path that is too long.' };
  if (code === 'ERR_INVALID_ARG_VALUE')
    return { ok: false, code: 'file_missing', message: 'has a path with a zero character.' };
  return { ok: false, code: 'file_unreadable', message: `cannot be read (${code ?? 'unknown reason'}).` };
}

/** Texts that stand for the files at these absolute paths: a draft that is not on disk yet. */
export type TextOverlay = ReadonlyMap<string, string>;

/** Reads UTF-8 text. The message of a refusal completes a sentence that starts with the file's name. */
export async function readTextFile(path: string, overlay?: TextOverlay): Promise<TextFile> {
  const drafted = overlay?.get(path);
  if (drafted !== undefined) return { ok: true, text: drafted };
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  try {
    // Non-blocking, so that a named pipe does not hold the run.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await handle.stat();
    if (facts.isDirectory())
      return { ok: false, code: 'file_unreadable', message: 'is a folder.', hint: 'Name the file in it.' };
    if (!facts.isFile()) return { ok: false, code: 'file_unreadable', message: 'is not a regular file.' };
    if (facts.size > largestFile) {
      return {
        ok: false,
        code: 'yaml_too_large',
        message: `has ${facts.size} bytes; the limit is ${largestFile}.`,
        hint: 'A project file of 1000 sites has about 100 kB; check that this is the right file.',
      };
    }
    return decode(await handle.readFile());
  } catch (error) {
    return refused(error);
  } finally {
    await handle?.close();
  }
}

function decode(bytes: Uint8Array): TextFile {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return {
      ok: false,
      code: 'yaml_encoding',
      message: 'is UTF-16 text.',
      hint: 'Save it as UTF-8.',
      line: 1,
      column: 1,
    };
  }
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const at = firstBadByte(bytes);
    const before = new TextDecoder('utf-8').decode(bytes.subarray(0, at));
    const line = before.split('\n').length;
    const column = before.length - before.lastIndexOf('\n');
    const isBinary = bytes.includes(0);
    return {
      ok: false,
      code: isBinary ? 'yaml_binary' : 'yaml_encoding',
      message: isBinary ? 'is a binary file, not YAML text.' : 'is not UTF-8 text.',
      hint: isBinary ? 'Check that this is the right file.' : 'Save it as UTF-8.',
      line,
      column,
    };
  }
}

/** Length of the longest valid UTF-8 beginning, by halving. */
function firstBadByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  return good;
}

/** The real path, or undefined when there is no such file. */
export async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}
