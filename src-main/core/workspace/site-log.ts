import { DeskError } from '../../contract/errors.ts';
import type { CallContext } from '../context.ts';
import { sshOptionsOf } from '../ssh-options.ts';
import { withImages } from '../site-images.ts';
import { chooseSites } from '../site-targets.ts';
import { soundProject } from '../sound-project.ts';

/** The last lines of a participant's log on its host. Throws what the connection throws, `not_found` when there is none. */
export async function readSiteLog(
  file: string,
  participant: string,
  lines: number,
  { core, signal }: CallContext,
): Promise<{ path: string; text: string; truncated: boolean }> {
  const { project, desk } = await soundProject({ file });
  const { targets } = await withImages(
    core,
    project,
    chooseSites(project, desk, { only: [participant] }).targets,
    { desk, signal },
  );
  const { runSites } = await import('../../services/sites/index.ts');
  const { sites } = await runSites(
    { step: 'status', targets, ssh: sshOptionsOf({ core, signal, targets }), logLines: lines },
    { signal },
  );
  const [site] = sites;
  if (site?.error) throw new DeskError(site.error.code, site.error.message, { ...site.error });
  const tail = site?.status?.logTail;
  if (site?.status?.log === undefined || tail === undefined) {
    throw new DeskError('not_found', `${participant} has no log on its host yet.`, {
      hint: 'It is written at the first start.',
    });
  }
  return { path: site.status.log, text: tail.join('\n'), truncated: tail.length >= lines };
}
