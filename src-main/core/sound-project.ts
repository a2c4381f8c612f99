/** A project that passed every check, or an error that carries all findings. */
import { DeskError } from '../contract/errors.ts';
import type { Finding } from '../contract/finding.ts';
import type { Project } from '../domain/project/model.ts';
import type { DeskFile, LookUpName } from '../services/projects/index.ts';

export interface ProjectInput {
  file: string;
  flare?: string | undefined;
  add_clients?: string[] | undefined;
  add_users?: string[] | undefined;
  /** Texts of a draft that stand for the files. */
  overlay?: ReadonlyMap<string, string>;
  /** Where kits are written; what desk.yml says, or beside the project, when missing. */
  workspace?: string | undefined;
  /** Looks up the names confidential sites connect to; missing = they are not looked up. */
  lookUpName?: LookUpName | undefined;
}

export async function loadFor(input: ProjectInput) {
  const { loadProject } = await import('../services/projects/index.ts');
  return loadProject({
    file: input.file,
    ...(input.flare === undefined ? {} : { flare: input.flare }),
    ...(input.add_clients === undefined ? {} : { addClients: input.add_clients }),
    ...(input.add_users === undefined ? {} : { addUsers: input.add_users }),
    ...(input.lookUpName === undefined ? {} : { lookUpName: input.lookUpName }),
    ...(input.overlay === undefined ? {} : { overlay: input.overlay }),
  });
}

export function refusal(file: string, findings: Finding[]): DeskError {
  const errors = findings.filter((finding) => finding.severity === 'error');
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new DeskError('invalid_input', `${first?.message ?? `${file} is not a sound project.`}${more}`, {
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
    fields: errors.map(({ file: named, line, column, path, message, hint }) => ({
      file: named,
      line,
      column,
      path,
      message,
      hint,
    })),
  });
}

/** The project and where its kits are written: the option, else desk.yml, else beside the project. */
export interface SoundProject {
  project: Project;
  workspace: string;
  /** desk.yml beside the project, when there is one. */
  desk?: DeskFile;
}

/** Throws `invalid_input` with one field per problem. */
export async function soundProject(input: ProjectInput): Promise<SoundProject> {
  const { project, findings, desk } = await loadFor(input);
  if (!project) throw refusal(input.file, findings);
  const { defaultWorkspace } = await import('../services/projects/index.ts');
  const workspace = input.workspace ?? desk?.workspace ?? defaultWorkspace(input.file);
  return { project, workspace, ...(desk ? { desk } : {}) };
}
