import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { DeskError } from '../../../contract/errors.ts';
import { type AppImageChoices, renderAppImage } from '../../../domain/cc/app-image.ts';

/**
 * Writes Dockerfile and requirements.txt into a folder, made when missing. Files that are there are kept unless `replace`.
 * Answers the absolute paths. Throws `conflict` (a file is there), `denied`.
 */
export async function writeAppImage(
  folder: string,
  choices: AppImageChoices,
  options: { replace?: boolean } = {},
): Promise<string[]> {
  const isThere = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );
  const code = choices.code ?? (await isThere(join(folder, 'code')));
  const files = renderAppImage({ ...choices, code });
  try {
    await mkdir(folder, { recursive: true });
    for (const { name } of files)
      if (options.replace !== true && (await isThere(join(folder, name))))
        throw new DeskError('conflict', `${join(folder, name)} is there already.`, {
          hint: 'Replace it on purpose, or choose another folder.',
        });
    for (const { name, text } of files) await writeFileAtomic(join(folder, name), text, { mode: 0o644 });
  } catch (error) {
    if (error instanceof DeskError) throw error;
    throw new DeskError('denied', `${folder} cannot be written (${(error as NodeJS.ErrnoException).code}).`, {
      hint: 'Choose a folder that you may write to.',
      cause: error,
    });
  }
  return files.map(({ name }) => join(folder, name));
}
