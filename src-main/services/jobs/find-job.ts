import { stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import { fileError } from './cancel.ts';

/** The part of an admin kit that says where its job folders lie. */
export interface TransferPlace {
  folder: string;
  uploadDir: string;
}

/**
 * Finds a job folder: a bare name is looked up in the kit's transfer folder first (docs/reference/admin-protocol.md
 * §1.2 `upload_dir`), everything else is a path.
 *
 * @returns the absolute path
 * @throws DeskError `not_found` with the places looked at, `invalid_input` when it is no folder, `denied`
 */
export async function findJobFolder(nameOrPath: string, kit?: TransferPlace): Promise<string> {
  const trimmed = nameOrPath.replace(/(?<=.)\/+$/, '');
  if (trimmed === '' || trimmed.includes('\0'))
    throw new DeskError('invalid_input', 'The job needs a name or a path.');
  const isName = !isAbsolute(trimmed) && basename(trimmed) === trimmed && trimmed !== '.' && trimmed !== '..';
  const places = [resolve(trimmed)];
  if (isName && kit) places.unshift(join(resolve(kit.folder, kit.uploadDir), trimmed));
  for (const place of places) {
    const kind = await kindOfPlace(place);
    if (kind === 'folder') return place;
    if (kind === 'other') {
      throw new DeskError('invalid_input', `${place} is not a folder.`, {
        hint: 'A job is a folder with meta.json and its apps, not an archive or a single file.',
      });
    }
  }
  throw new DeskError(
    'not_found',
    `There is no job folder "${nameOrPath}": looked at ${places.join(' and ')}.`,
    {
      hint: kit
        ? `Give a path, or a name in ${resolve(kit.folder, kit.uploadDir)}.`
        : 'Give the path of a folder.',
    },
  );
}

async function kindOfPlace(path: string): Promise<'folder' | 'other' | 'missing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    throw fileError(error, path, 'Looking for the job folder');
  }
}
