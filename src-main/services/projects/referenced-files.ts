import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { FileFact, FileLookup } from '../../domain/project/file-reference.ts';
import type { TextOverlay } from './text-file.ts';

/**
 * Looks for the files a project names. NVFlare looks for relative paths in the current folder only. A project admin expects them beside
 * `project.yml`, which is the same when the tool runs in the project's folder; so the project's folder comes first, then the current one.
 */
export async function lookUpFiles(
  written: Iterable<string>,
  projectFolder: string,
  currentFolder: string,
  overlay?: TextOverlay,
  consulted?: Set<string>,
): Promise<FileLookup> {
  const facts = new Map<string, FileFact>();
  for (const path of written) {
    const drafted = resolve(projectFolder, path);
    consulted?.add(drafted);
    const beside: FileFact = overlay?.has(drafted)
      ? { path: drafted, found: 'project', state: 'file' }
      : await factOf(drafted, 'project');
    const near =
      beside.state === 'missing' ? await factOf(resolve(currentFolder, path), 'current_folder') : beside;
    if (near !== beside) consulted?.add(near.path);
    facts.set(path, near.state === 'missing' ? beside : near);
  }
  return (path) => {
    const fact = facts.get(path);
    if (!fact) throw new DeskError('internal', `The file ${path} was not looked up.`);
    return fact;
  };
}

async function factOf(path: string, found: FileFact['found']): Promise<FileFact> {
  try {
    if (!(await stat(path)).isFile()) return { path, found, state: 'not_a_file' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { path, found, state: code === 'EACCES' ? 'unreadable' : 'missing' };
  }
  try {
    await access(path, constants.R_OK);
    return { path, found, state: 'file' };
  } catch {
    return { path, found, state: 'unreadable' };
  }
}
