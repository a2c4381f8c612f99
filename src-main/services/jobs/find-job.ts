import { stat } from 'node:fs/promises';
import { isAbsolute, resolve, sep } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import { fileError } from './cancel.ts';

/** The part of an admin kit that says where its job folders lie. */
export interface TransferPlace {
  folder: string;
  uploadDir: string;
}

/**
 * Finds a job folder: an absolute path, or a name in the kit's transfer folder (docs/reference/admin-protocol.md §1.2
 * `upload_dir`). A name never leads out of that folder, and the folder this process runs in plays no part: what a name
 * means must not depend on where the program was started.
 *
 * @returns the absolute path
 * @throws DeskError `not_found` with the place looked at, `invalid_input` when it is no folder or a name leads out of
 *   the transfer folder, `denied`
 */
export async function findJobFolder(nameOrPath: string, kit?: TransferPlace): Promise<string> {
  const trimmed = nameOrPath.replace(/(?<=.)\/+$/, '');
  if (trimmed === '' || trimmed.includes('\0'))
    throw new DeskError('invalid_input', 'The job needs a name or a path.');
  const place = isAbsolute(trimmed) ? resolve(trimmed) : placeInTransfer(trimmed, kit);
  const kind = await kindOfPlace(place);
  if (kind === 'folder') return place;
  if (kind === 'other') {
    throw new DeskError('invalid_input', `${place} is not a folder.`, {
      hint: 'A job is a folder with meta.json and its apps, not an archive or a single file.',
    });
  }
  throw new DeskError('not_found', `There is no job folder "${nameOrPath}": looked at ${place}.`, {
    hint: kit ? `Give a path, or a name in ${transferOf(kit)}.` : 'Give the path of a folder.',
  });
}

const transferOf = (kit: TransferPlace): string => resolve(kit.folder, kit.uploadDir);

function placeInTransfer(name: string, kit: TransferPlace | undefined): string {
  if (!kit) {
    throw new DeskError('invalid_input', `"${name}" is no absolute path.`, {
      hint: 'Give the path of a folder.',
    });
  }
  const transfer = transferOf(kit);
  const place = resolve(transfer, name);
  if (place.startsWith(transfer + sep)) return place;
  throw new DeskError('invalid_input', `"${name}" leads out of the transfer folder ${transfer}.`, {
    hint: 'Give an absolute path, or a name in the transfer folder.',
  });
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
