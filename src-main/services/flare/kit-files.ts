/** Reads the files of a kit, with errors that name them. */
import { open } from 'node:fs/promises';
import { DeskError } from '../../contract/errors.ts';
import { limits } from './limits.ts';

/** Throws `invalid_input` when the bytes are not JSON. `name` is the file as a person knows it. */
export function parseJson(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new DeskError(
      'invalid_input',
      `${name} is not JSON: ${error instanceof Error ? error.message : ''}`,
      {
        hint: 'It may be cut short or damaged. Take the file from the original kit again.',
      },
    );
  }
}

/** Undefined when there is no such file. */
export async function readOptional(path: string): Promise<Buffer | undefined> {
  try {
    return await readBounded(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Throws `not_found`, `denied`, `too_large` or `invalid_input`. */
export async function readKitFile(path: string, kitFolder: string): Promise<Buffer> {
  try {
    return await readBounded(path);
  } catch (error) {
    if (error instanceof DeskError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new DeskError('not_found', `${kitFolder} is not an admin kit: ${path} is missing.`, {
        hint: 'Name the folder that holds "startup", as provisioning made it for an admin.',
      });
    }
    throw new DeskError(
      code === 'EACCES' ? 'denied' : 'invalid_input',
      `${path} cannot be read (${code || 'error'}).`,
      {
        hint: 'Check owner and mode of the file.',
      },
    );
  }
}

async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > limits.kitFileBytes) {
      throw new DeskError('too_large', `${path} has ${size} bytes; no file of a kit is that large.`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}
