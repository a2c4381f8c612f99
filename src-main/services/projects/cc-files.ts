/** Reads and checks the `cc_config` files of a project, with everything they name. */
import { access, constants, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Finding } from '../../contract/finding.ts';
import type { CcPlace, NameAnswer } from '../../domain/cc/cc-file.ts';
import { placesNamedIn } from '../../domain/cc/check-drives.ts';
import { checkCcFile } from '../../domain/cc/check-file.ts';
import { namesToLookUp } from '../../domain/cc/check-network.ts';
import { type BuildCommand, checkCcProject, type ReadCcFile } from '../../domain/cc/check-project.ts';
import { ccUserOf } from '../../domain/cc/users.ts';
import { defaultKbsPort } from '../../domain/project/desk-services.ts';
import type { FileLookup } from '../../domain/project/file-reference.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import type { PlacedParticipant } from '../../domain/project/participant.ts';
import type { ProjectResult } from '../../domain/project/validate.ts';
import { child, textOf } from '../../domain/project/yaml/node.ts';
import type { YamlMapping, YamlNode } from '../../domain/project/yaml/node.ts';
import type { DeskFile } from './desk.ts';
import { readArchiveHead } from './docker-archive.ts';
import type { LookUpName } from './look-up-name.ts';
import type { TextOverlay } from './text-file.ts';
import { readYamlFile } from './yaml-file.ts';

export interface CcFilesInput {
  /** project.yml as read. */
  root: YamlMapping;
  result: ProjectResult;
  line: FlareLine;
  files: FileLookup;
  /** Absolute path. */
  projectFolder: string;
  desk?: DeskFile;
  overlay?: TextOverlay;
  /** Home folder that `~` stands for. */
  home?: string;
  /** Missing = names are not looked up. */
  lookUpName?: LookUpName;
  /** Takes the path of everything that is read or looked for. */
  consulted: Set<string>;
}

/** Every finding of the files and between them. Never throws for a bad file. */
export async function checkCcFiles(input: CcFilesInput): Promise<Finding[]> {
  const { result, line } = input;
  const findings: Finding[] = [];
  const groups = new Map<string, PlacedParticipant[]>();
  for (const one of result.placed) {
    const written = textOf(child(one.node, 'cc_config'));
    const fact = written ? input.files(written) : undefined;
    if (fact?.state !== 'file') continue;
    groups.set(fact.path, [...(groups.get(fact.path) ?? []), one]);
  }
  const participants = result.placed.map(({ participant }) => participant);
  const places = new Places(input);
  const read = new Map<string, ReadCcFile>();
  for (const [path, users] of groups) {
    const file = await readYamlFile(path, line, input.overlay, input.consulted);
    findings.push(...file.findings);
    if (!file.root) continue;
    const ccUsers = users.map(({ participant }) => ccUserOf(participant, participants));
    const reached = new Set(ccUsers.flatMap(({ reaches }) => reaches?.host ?? []));
    const { config, findings: own } = checkCcFile(file.root, {
      line,
      users: ccUsers,
      kbsPort: input.desk?.kbs?.port ?? defaultKbsPort,
      ...(buildsHere(input.desk) ? { places: await places.of(file.root) } : {}),
      names: await namesOf(namesToLookUp(file.root, [...reached]), input.lookUpName),
    });
    findings.push(...own);
    for (const { participant } of users)
      read.set(participant.name, { root: file.root, ...(config ? { config } : {}) });
  }
  const command = await commandOf(input);
  const builders = [...(input.desk?.builders.values() ?? [])];
  findings.push(
    ...checkCcProject({
      root: input.root,
      line,
      placed: result.placed,
      ...(result.packager ? { packager: result.packager } : {}),
      files: read,
      hasBuilderCommands: builders.length > 0 && builders.every((one) => one.command !== undefined),
      ...(command ? { command } : {}),
    }),
  );
  return findings;
}

/** Images are built on this machine when desk.yml says so, or says nothing about builders. */
function buildsHere(desk: DeskFile | undefined): boolean {
  const builders = [...(desk?.builders.values() ?? [])];
  return builders.length === 0 || builders.some((one) => one.ssh === undefined);
}

/**
 * A path of project.yml's `build_image_cmd` or of a `cc_config` file, as an absolute path on this machine: `~` written out,
 * relative to the folder of project.yml (docs/reference/provisioning.md §8.3).
 */
function resolveBuildPath(written: string, projectFolder: string, home = homedir()): string {
  const whole = written === '~' || written.startsWith('~/') ? join(home, written.slice(1)) : written;
  return resolve(projectFolder, whole);
}

class Places {
  readonly #input: CcFilesInput;
  readonly #known = new Map<string, Promise<CcPlace>>();

  constructor(input: CcFilesInput) {
    this.#input = input;
  }

  async of(root: YamlNode): Promise<Map<string, CcPlace>> {
    const { archive, others } = placesNamedIn(root);
    const found = new Map<string, CcPlace>();
    for (const written of others) found.set(written, await this.#look(written, false));
    if (archive !== undefined) found.set(archive, await this.#look(archive, true));
    return found;
  }

  #look(written: string, isArchive: boolean): Promise<CcPlace> {
    const { projectFolder, home, consulted } = this.#input;
    const path = resolveBuildPath(written, projectFolder, home);
    consulted.add(path);
    const key = `${isArchive ? 'archive' : 'path'}:${path}`;
    const known = this.#known.get(key) ?? lookAt(path, isArchive);
    this.#known.set(key, known);
    return known;
  }
}

async function lookAt(path: string, isArchive: boolean): Promise<CcPlace> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) return { path, state: 'folder' };
    if (!isArchive || !facts.isFile()) return { path, state: 'file', size: facts.size };
    return { path, state: 'file', size: facts.size, archive: await readArchiveHead(path) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { path, state: code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'unreadable' };
  }
}

async function namesOf(
  names: readonly string[],
  lookUpName: LookUpName | undefined,
): Promise<Map<string, NameAnswer>> {
  if (!lookUpName) return new Map();
  return new Map(await Promise.all(names.map(async (name) => [name, await lookUpName(name)] as const)));
}

async function commandOf(input: CcFilesInput): Promise<BuildCommand | undefined> {
  const written = input.result.packager?.args['build_image_cmd'];
  if (typeof written !== 'string' || written === '' || !buildsHere(input.desk)) return undefined;
  const local = [...(input.desk?.builders.values() ?? [])].find((one) => one.ssh === undefined);
  if (local?.command !== undefined) return undefined;
  const path = resolveBuildPath(written, input.projectFolder, input.home);
  input.consulted.add(path);
  try {
    if (!(await stat(path)).isFile()) return { path, state: 'not_a_file' };
  } catch {
    return { path, state: 'missing' };
  }
  return access(path, constants.X_OK).then(
    () => ({ path, state: 'ready' }),
    () => ({ path, state: 'not_executable' }),
  );
}
