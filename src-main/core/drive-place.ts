/** Where a user-data drive lies, and the way to it. Places of this machine leave it by their base names alone. */
import { basename } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { DriveOptions } from '../services/cvm/index.ts';
import type { WorkContext } from './context.ts';
import { chooseSites } from './site-targets.ts';
import { soundProject } from './sound-project.ts';
import { sshOptionsOf } from './ssh-options.ts';

export interface Where {
  drive?: string | undefined;
  file?: string | undefined;
  site?: string | undefined;
  host_path?: string | undefined;
}

const here = 'this machine';

export const targetOf = ({ drive, site, host_path }: Where): string =>
  site === undefined ? basename(drive ?? '') : `${site}:${host_path ?? ''}`;

/** Lends the shell of the site's host, or none for this machine; a connection lasts as long as the work. */
export async function onHost<Answer>(
  { file, site }: Pick<Where, 'file' | 'site'>,
  { core, task, signal }: WorkContext,
  use: (options: DriveOptions) => Promise<Answer>,
): Promise<Answer> {
  const options: DriveOptions = { signal, report: task.report };
  if (site === undefined) return use(options);
  if (file === undefined)
    throw new DeskError('bad_usage', 'A drive on a host needs the project file that names the host.');
  const { project, desk } = await soundProject({ file });
  const { targets } = chooseSites(project, desk, { only: [site] });
  const [target] = targets;
  if (!target) throw new DeskError('not_found', `desk.yml names no host for ${site}.`);
  const [{ connect }, { remoteShell }] = await Promise.all([
    import('../services/ssh/index.ts'),
    import('../services/cvm/index.ts'),
  ]);
  const connection = await connect(target.ssh, { ...sshOptionsOf({ core, signal, targets, task }), signal });
  try {
    return await use({ ...options, shell: { ...remoteShell(connection), label: site } });
  } finally {
    connection.close();
  }
}

/** Does the work where the drive is. */
export async function at<Answer>(
  where: Where,
  context: WorkContext,
  use: (drive: string, options: DriveOptions) => Promise<Answer>,
): Promise<{ answer: Answer; drive: string; on: string }> {
  const { drive, site, host_path } = where;
  const missing = (path: string, message: string): DeskError =>
    new DeskError('bad_usage', message, { fields: [{ path, message }] });
  if (site === undefined) {
    if (drive === undefined) throw missing('drive', 'Name the drive.');
    const answer = await onHost(where, context, (options) => use(drive, options));
    return { answer, drive: basename(drive), on: here };
  }
  if (host_path === undefined) throw missing('host_path', 'Name the path of the drive on the host.');
  const answer = await onHost(where, context, (options) => use(host_path, options));
  return { answer, drive: host_path, on: site };
}
