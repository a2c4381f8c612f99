import { dirname, join, resolve } from 'node:path';
import type { Finding } from '../../contract/finding.ts';
import { flareLineOf } from '../../domain/project/flare-line.ts';
import type { FlareLine, Project } from '../../domain/project/model.ts';
import { referencedFiles, sortFindings, validateProject } from '../../domain/project/validate.ts';
import type { AddedParticipant } from '../../domain/project/validate.ts';
import { checkCcFiles } from './cc-files.ts';
import { checkHosts, deskFileName, loadDesk } from './desk.ts';
import type { DeskFile } from './desk.ts';
import type { LookUpName } from './look-up-name.ts';
import { lookUpFiles } from './referenced-files.ts';
import type { TextOverlay } from './text-file.ts';
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
  /** Texts that stand for files of the project, by absolute path: a draft is checked before it is written. */
  overlay?: TextOverlay;
  /** Folder that relative paths count from; default: the current one. */
  currentFolder?: string;
  /** Home folder that `~` stands for in confidential-computing files; default: this user's. */
  home?: string;
  /** Looks up the names that confidential sites connect to; missing = they are not looked up. */
  lookUpName?: LookUpName;
}

export interface LoadedProject {
  /** Missing when a finding is an error. */
  project?: Project;
  /** Everything found, the project file first, line by line. */
  findings: Finding[];
  /** How many participants are written, sound or not. */
  participantCount: number;
  /** desk.yml beside the project, when it is there, sound, and speaks of this project. */
  desk?: DeskFile;
  line: FlareLine;
  /** Absolute paths of everything on this machine that was read or looked for: when one changes, the answer may. */
  consulted: ReadonlySet<string>;
}

const defaultLine: FlareLine = '2.8.1';

/**
 * Reads and checks a project with the files it names: `include`d files, `--add-client`/`--add-user` files, `cc_config` files and the
 * desk.yml beside it. Nothing is changed. All problems are found in one run (docs/reference/provisioning.md §2).
 * Throws `unsupported` for a FLARE version other than 2.7.x and 2.8.x; a bad file is never thrown, it is in the findings.
 */
export async function loadProject(options: LoadProjectOptions): Promise<LoadedProject> {
  const currentFolder = options.currentFolder ?? process.cwd();
  const file = resolve(currentFolder, options.file);
  const consulted = new Set([join(dirname(file), deskFileName)]);
  const { desk, findings } = await deskOf(file, options.overlay);
  const line = options.flare === undefined ? (desk?.flare ?? defaultLine) : flareLineOf(options.flare);
  const read = await readYamlFile(file, line, options.overlay, consulted);
  findings.push(...read.findings);
  const added = await readAdded(options, currentFolder, line, findings, consulted);
  if (!read.root)
    return { findings: sortFindings(findings, file), participantCount: 0, desk, line, consulted };
  const written = referencedFiles([read.root, ...added.map(({ root }) => root)]);
  const files = await lookUpFiles(written, dirname(file), currentFolder, options.overlay, consulted);
  const result = validateProject({ file, line, root: read.root, added, files });
  findings.push(...result.findings);
  if (read.root.kind === 'mapping') {
    const { overlay, home, lookUpName } = options;
    const input = { root: read.root, result, line, files, projectFolder: dirname(file), consulted };
    findings.push(...(await checkCcFiles({ ...input, desk, overlay, home, lookUpName })));
  }
  const failed = findings.some((one) => one.severity === 'error');
  const project = failed ? undefined : result.project;
  if (desk && project) findings.push(...checkHosts(desk, project));
  return {
    project,
    findings: sortFindings(findings, file),
    participantCount: result.participantCount,
    desk,
    line,
    consulted,
  };
}

/** desk.yml counts only for the project it names. */
async function deskOf(
  projectFile: string,
  overlay: TextOverlay | undefined,
): Promise<{ desk?: DeskFile; findings: Finding[] }> {
  const file = join(dirname(projectFile), deskFileName);
  const { desk, findings } = await loadDesk(file, overlay);
  if (!desk || desk.project === projectFile) return { desk, findings };
  findings.push({
    severity: 'info',
    code: 'desk_other_project',
    message: `${deskFileName} beside it belongs to ${desk.project} and is not used here.`,
    file,
  });
  return { findings };
}

/** A file of `--add-client` or `--add-user`: one mapping. Users come before clients, as in NVFlare. */
async function readAdded(
  options: LoadProjectOptions,
  currentFolder: string,
  line: FlareLine,
  findings: Finding[],
  consulted: Set<string>,
): Promise<AddedParticipant[]> {
  const added: AddedParticipant[] = [];
  const kinds = [
    ['admin', options.addUsers ?? []],
    ['client', options.addClients ?? []],
  ] as const;
  for (const [type, names] of kinds) {
    for (const name of names) {
      const read = await readYamlFile(resolve(currentFolder, name), line, undefined, consulted);
      findings.push(...read.findings);
      if (read.root) added.push({ type, label: name, root: read.root });
    }
  }
  return added;
}
