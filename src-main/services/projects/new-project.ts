import { lstat, mkdir, open, rm, rmdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { Finding } from '../../contract/finding.ts';
import { packagerExample, withConfidentialSites } from '../../domain/cc/enable.ts';
import { flareLineOf } from '../../domain/project/flare-line.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import { projectNameFor, starterDesk, starterProject } from '../../domain/project/starter.ts';
import { deskFileName } from './desk.ts';
import { writeError } from './edit.ts';
import { loadProject } from './load.ts';
import { readTextFile } from './text-file.ts';

export interface NewProjectOptions {
  /** An existing `project.yml` to start from; it is checked first. */
  from?: string;
  /** FLARE version written into desk.yml; default 2.8.1. */
  flare?: string;
  /** Also a commented confidential-computing file for the server and each client. */
  confidential?: boolean;
}

/**
 * Begins a project: writes `project.yml` and `desk.yml` (and the confidential-computing files asked for) into a folder, which is made when missing. Nothing is overwritten.
 * Answers the absolute paths of the new files.
 * Throws `conflict` (one of the files is there), `invalid_input` (`from` has errors, or names files the new place does not have),
 * `not_found`, `denied`, `unsupported` (FLARE version).
 */
export async function newProject(
  directory: string,
  options: NewProjectOptions = {},
): Promise<{ files: string[] }> {
  const folder = resolve(directory);
  const line = flareLineOf(options.flare ?? '2.8.1');
  const projectFile = join(folder, 'project.yml');
  const deskFile = join(folder, deskFileName);
  for (const file of [projectFile, deskFile]) await refuseExisting(file);
  const plain =
    options.from === undefined ? freshProject(folder) : await copiedProject(resolve(options.from), line);
  const start = options.confidential ? confidentialStart(plain, projectFile) : { ...plain, cc: [] };
  for (const [name] of start.cc) await refuseExisting(join(folder, name));
  const written: string[] = [];
  let isNewFolder = false;
  try {
    isNewFolder = (await mkdir(folder, { recursive: true })) !== undefined;
    for (const [file, text] of [
      ...start.cc.map(([name, text]) => [join(folder, name), text] as const),
      [projectFile, start.text],
      [deskFile, starterDesk(line, start.sites)],
    ] as const) {
      await createFile(file, text);
      written.push(file);
    }
    if (options.from !== undefined) await checkCopy(projectFile, options.from, line);
  } catch (error) {
    for (const file of written) await rm(file, { force: true });
    // Only when nobody else has put anything there.
    if (isNewFolder) await rmdir(folder).catch(() => undefined);
    throw error instanceof DeskError ? error : writeError(folder, error);
  }
  return { files: written };
}

async function refuseExisting(file: string): Promise<void> {
  try {
    await lstat(file);
  } catch {
    return;
  }
  throw new DeskError('conflict', `${file} is there already and is not overwritten.`, {
    hint: 'Name another folder, or move the file away.',
  });
}

interface Start {
  text: string;
  sites: string[];
}

function freshProject(folder: string): Start {
  return {
    text: starterProject(projectNameFor(basename(folder))),
    sites: ['server1.example.org', 'site-1', 'site-2'],
  };
}

function confidentialStart(start: Start, projectFile: string): Start & { cc: [string, string][] } {
  const { text, files } = withConfidentialSites(start.text, projectFile);
  return { ...start, text: `${text.trimEnd()}\n${packagerExample}`, cc: [...files] };
}

async function copiedProject(from: string, line: FlareLine): Promise<Start> {
  const file = await readTextFile(from);
  if (!file.ok) {
    const code =
      file.code === 'file_missing'
        ? 'not_found'
        : file.code === 'file_unreadable'
          ? 'denied'
          : 'invalid_input';
    throw new DeskError(code, `${from} ${file.message}`, { hint: file.hint });
  }
  const { project, findings } = await loadProject({ file: from, flare: line });
  if (!project) throw refusal(`${from} is not taken over, because it has errors`, findings);
  return {
    text: file.text,
    sites: project.participants.filter((one) => one.type !== 'admin').map((one) => one.name),
  };
}

/** A project that names other files by relative paths does not work in another folder without them. */
async function checkCopy(file: string, from: string, line: FlareLine): Promise<void> {
  const { project, findings } = await loadProject({ file, flare: line });
  if (!project) throw refusal(`${from} needs files that the new folder does not have`, findings);
}

function refusal(message: string, findings: readonly Finding[]): DeskError {
  const errors = findings.filter((one) => one.severity === 'error');
  return new DeskError('invalid_input', `${message}: ${errors[0]?.message ?? ''}`, {
    hint: errors[0]?.hint,
    fields: errors.map(({ file, line, column, path, message: what, hint }) => ({
      file,
      line,
      column,
      path,
      message: what,
      hint,
    })),
  });
}

/** Fails when the file has come into being meanwhile. */
async function createFile(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
