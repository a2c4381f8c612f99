import type { Participant, Project } from '../../project/model.ts';
import type { KitFile } from '../kit-file.ts';
import { renderFlAdmin } from './admin.ts';
import { renderDocker } from './docker.ts';
import { renderStart } from './start.ts';
import { scriptSettings } from './static-file-args.ts';
import { renderStop } from './stop.ts';
import { renderSubStart } from './sub-start.ts';

export { renderStartAll } from './start-all.ts';

/**
 * The scripts in the `startup` folder of a participant's kit, for the project's FLARE line.
 * Paths are relative to the kit (docs/reference/provisioning.md §4.1, §7).
 */
export function renderScripts(participant: Participant, project: Project): KitFile[] {
  const { configFolder, dockerImage } = scriptSettings(project);
  const files: KitFile[] = [];
  const add = (name: string, content: string): void => {
    files.push({ path: `startup/${name}`, mode: 0o755, content });
  };
  const { type } = participant;
  if (type === 'admin') {
    add('fl_admin.sh', renderFlAdmin(project.line));
  } else {
    add('start.sh', renderStart());
    add('sub_start.sh', renderSubStart({ ...participant, type }, project.line, configFolder));
    add('stop_fl.sh', renderStop(project.line));
  }
  if (dockerImage !== '' && type !== 'relay') add('docker.sh', renderDocker(participant, dockerImage));
  return files;
}
