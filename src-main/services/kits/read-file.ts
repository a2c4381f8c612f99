import { constants, type Dirent } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { DeskError } from '../../contract/errors.ts';
import { isRecord } from '../../domain/record.ts';

/** The largest file of a kit that is looked at. Real ones are below 100 kB. */
const maxFileBytes = 64 * 1024 * 1024;

/** Reads a regular file. Throws `not_found`, `denied`, `too_large` or `invalid_input`, each naming the file. */
export async function readFileBytes(path: string, maxBytes = maxFileBytes): Promise<Buffer> {
  try {
    // A pipe in place of the file would wait for a writer for ever.
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const { size, isFile } = await file.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
    if (!isFile) throw new DeskError('invalid_input', `${path} is not a regular file.`);
    if (size > maxBytes) {
      throw new DeskError('too_large', `${path} has ${size} bytes; no such file of a kit is that large.`);
    }
    return await file.readFile();
  } catch (error) {
    throw asDeskError(error, path);
  }
}

/** Reads a file that holds one JSON object. Adds `invalid_input` for anything else. */
export async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  const bytes = await readFileBytes(path);
  const refuse = (reason: string): never => {
    throw new DeskError('invalid_input', `${path} ${reason}.`, {
      hint: 'It may be cut short or damaged. Take the file from the original kit again.',
    });
  };
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    refuse('holds bytes that are no text');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    refuse(text.trim() === '' ? 'is empty' : 'is not valid JSON');
  }
  return isRecord(value) ? value : refuse('does not hold a JSON object');
}

/** What is in a folder. Throws `not_found`, `denied` or `invalid_input`, naming it. */
export async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    throw asDeskError(error, path);
  }
}

/** Says what the file system said, in the house's codes. */
export function asDeskError(error: unknown, path: string): DeskError {
  if (error instanceof DeskError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return new DeskError('not_found', `${path} does not exist.`);
  if (code === 'EACCES' || code === 'EPERM') {
    return new DeskError('denied', `${path} cannot be read: permission denied.`, {
      hint: 'Change its owner or permissions, or run as the user it belongs to.',
    });
  }
  return new DeskError('invalid_input', `${path} cannot be read (${code === '' ? 'unknown reason' : code}).`);
}
