/** What a place is: a project, a workspace that a provisioning run made, or one admin kit. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';

export type OpenedPlace =
  | { kind: 'project'; file: string }
  /** `folder` holds `prod_NN`. */
  | { kind: 'workspace'; folder: string }
  | { kind: 'kit'; folder: string };

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
const isProd = (name: string): boolean => /^prod_\d+$/.test(name);

/** Throws `not_found` for a place that is not there, `invalid_input` for one that is none of the three. */
export async function recognisePlace(path: string): Promise<OpenedPlace> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts) throw new DeskError('not_found', `${path} does not exist.`);
  if (facts.isFile()) {
    if (/\.ya?ml$/.test(path) && basename(path) !== 'desk.yml') return { kind: 'project', file: path };
    if (basename(path) === 'desk.yml') return recognisePlace(dirname(path));
    throw new DeskError('invalid_input', `${path} is not a project file.`, {
      hint: 'Choose project.yml or its folder.',
    });
  }
  if (await isFile(join(path, 'project.yml'))) return { kind: 'project', file: join(path, 'project.yml') };
  if (await isFile(join(path, 'startup/fed_admin.json'))) return { kind: 'kit', folder: path };
  if (await isFile(join(path, 'fed_admin.json'))) return { kind: 'kit', folder: dirname(path) };
  const names = await readdir(path);
  if (names.some(isProd)) return { kind: 'workspace', folder: path };
  for (const name of names) {
    const inside = await readdir(join(path, name)).catch(() => [] as string[]);
    if (inside.some(isProd)) return { kind: 'workspace', folder: join(path, name) };
  }
  throw new DeskError('invalid_input', `${path} holds no project.yml, no prod_NN folder and no admin kit.`, {
    hint: 'Choose the folder of a project, the workspace of a provisioning run, or the folder of an admin kit.',
  });
}
