/** What a person set for this machine, in one JSON file of the state folder. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { DeskError } from '../../contract/errors.ts';
import { settingsSchema, type Settings } from '../../contract/settings.ts';

export interface SettingsFile {
  /** The settings, defaults filled in. Throws `invalid_input` naming file and field when they do not parse. */
  read(): Promise<Settings>;
  /** Changes the given ones. A file that does not parse is never overwritten: throws `invalid_input`. */
  change(part: Partial<Settings>): Promise<Settings>;
}

const hint = 'Correct the file, or move it away to begin with the defaults.';

/** The settings file `settings.json` in `folder`; a missing one means the defaults. */
export function openSettings(folder: string): SettingsFile {
  const file = join(folder, 'settings.json');

  const read = async (): Promise<Settings> => {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return settingsSchema.parse({});
      throw new DeskError('denied', `${file} cannot be read: ${(error as Error).message}.`, { cause: error });
    }
    let data: unknown;
    try {
      data = JSON.parse(text);
    } catch (error) {
      throw new DeskError('invalid_input', `${file} is not JSON: ${(error as Error).message}.`, {
        hint,
        cause: error,
      });
    }
    const parsed = settingsSchema.safeParse(data);
    if (parsed.success) return parsed.data;
    throw new DeskError('invalid_input', `${file} holds settings this program does not understand.`, {
      hint,
      fields: parsed.error.issues.map((issue) => ({
        file,
        path: issue.path.join('.'),
        message: issue.message,
      })),
    });
  };

  return {
    read,
    async change(part) {
      const next = settingsSchema.parse({ ...(await read()), ...part });
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(file, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 });
      return next;
    },
  };
}
