import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { flareLineOf } from '../../domain/project/flare-line.ts';
import type { Finding } from '../../contract/finding.ts';
import { DeskError } from '../../contract/errors.ts';
import type { FlareLine, Project } from '../../domain/project/model.ts';
import { referencedFiles, validateProject } from '../../domain/project/validate.ts';
import type { AddedParticipant } from '../../domain/project/validate.ts';
import type { FileFact, FileLookup } from '../../domain/project/participant.ts';
import { readYamlFile } from './yaml-file.ts';

export interface LoadProjectOptions {
  /** `project.yml`; relative paths count from the current folder. */
  file: string;
  /** FLARE version; default: `flare` of desk.yml beside the project, else 2.8.1. */
  flare?: string;
  /** Files of one client each, as for `nvflare provision --add_client`. */
  addClients?: readonly string[];
  /** Files of one admin each, as for `nvflare provision --add_user`. */
  addUsers?: readonly string[];
  /** Folder that relative paths count from; default: the current one. */
  currentFolder?: string;
}

export interface LoadedProject {
  /** Missing when a finding is an error. */
  project?: Project;
  findings: Finding[];
  line: FlareLine;
}

const defaultLine: FlareLine = '2.8.1';

export async function loadProject(options: LoadProjectOptions): Promise<LoadedProject> {
  const currentFolder = options.currentFolder ?? process.cwd();
  const file = resolve(currentFolder, options.file);
  const line = options.flare === undefined ? defaultLine : flareLineOf(options.flare);
  const { root, findings } = await readYamlFile(file, line);
  const added = await readAdded(options, currentFolder, line, findings);
  if (!root) return { findings, line };
  const files = await lookUpFiles([root, ...added.map((one) => one.root)], dirname(file), currentFolder);
  const result = validateProject({ file, line, root, added, files });
  const all = [...findings, ...result.findings];
  const failed = all.some((one) => one.severity === 'error');
  return { project: failed ? undefined : result.project, findings: all, line };
}

/** A file of `--add-client` or `--add-user`: one mapping. Users come before clients, as in NVFlare. */
async function readAdded(
  options: LoadProjectOptions,
  currentFolder: string,
  line: FlareLine,
  findings: Finding[],
): Promise<AddedParticipant[]> {
  const added: AddedParticipant[] = [];
  for (const [type, names] of [
    ['admin', options.addUsers ?? []],
    ['client', options.addClients ?? []],
  ] as const) {
    for (const name of names) {
      const read = await readYamlFile(resolve(currentFolder, name), line);
      findings.push(...read.findings);
      if (read.root) added.push({ type, label: name, root: read.root });
    }
  }
  return added;
}

/**
 * NVFlare looks for relative paths in the current folder only. A project admin expects them beside `project.yml`,
 * which is the same when the tool runs in the project's folder; so the project's folder comes first, then the current one.
 */
async function lookUpFiles(
  roots: Parameters<typeof referencedFiles>[0],
  projectFolder: string,
  currentFolder: string,
): Promise<FileLookup> {
  const facts = new Map<string, FileFact>();
  for (const written of referencedFiles(roots)) {
    const beside: FileFact = await factOf(resolve(projectFolder, written), 'project');
    const near =
      beside.state === 'missing' ? await factOf(resolve(currentFolder, written), 'current_folder') : beside;
    facts.set(written, near.state === 'missing' ? beside : near);
  }
  return (written) => {
    const fact = facts.get(written);
    if (!fact) throw new DeskError('internal', `The file ${written} was not looked up.`);
    return fact;
  };
}

async function factOf(path: string, found: FileFact['found']): Promise<FileFact> {
  try {
    if (!(await stat(path)).isFile()) return { path, found, state: 'not_a_file' };
  } catch {
    return { path, found, state: 'missing' };
  }
  try {
    await access(path, constants.R_OK);
    return { path, found, state: 'file' };
  } catch {
    return { path, found, state: 'unreadable' };
  }
}
