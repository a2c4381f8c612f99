import type { Project } from '../../project/model.ts';

/** What the scripts take from the arguments of StaticFileBuilder (docs/reference/provisioning.md §2.8). */
export interface ScriptSettings {
  configFolder: string;
  /** Empty = no `docker.sh` in the kits. */
  dockerImage: string;
}

export function scriptSettings(project: Project): ScriptSettings {
  const args = project.builders.find((builder) => builder.path.endsWith('.StaticFileBuilder'))?.args ?? {};
  return { configFolder: text(args['config_folder']), dockerImage: text(args['docker_image']) };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
