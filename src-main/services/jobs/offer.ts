import { DeskError } from '../../contract/errors.ts';
import type { AdminSession, DownloadOffer } from '../flare/index.ts';
import { foldedName, unsafeName } from './archive-names.ts';
import { requireOk, textIn } from './reply.ts';

/** One file of a job the server has laid out to be fetched (docs/reference/admin-protocol.md §9.3). */
export interface OfferedFile {
  /** Relative; a safe name. */
  path: string;
  offer: DownloadOffer;
}

export type OfferKind = 'job' | 'components';

const commands: Record<OfferKind, string> = { job: 'download_job', components: 'download_job_components' };
const doing = (jobId: string): string => `Downloading job ${jobId}`;

/**
 * Asks the server to lay out a job's files. The offer lives about ten seconds beyond the last request for any of them.
 * @throws DeskError `not_found`, `conflict` (2.8: it still runs), `denied`, `integrity` (a name that is no safe file
 *   name), `remote_failed`, `session_lost`, `timeout`, `cancelled`
 */
export async function askForOffer(
  session: AdminSession,
  jobId: string,
  what: OfferKind,
  signal?: AbortSignal,
): Promise<OfferedFile[]> {
  const reply = requireOk(
    await session.execute(`${commands[what]} ${jobId}`, signal ? { signal } : {}),
    doing(jobId),
  );
  const sourceFqcn = textIn(reply.meta, 'source_fqcn');
  const files = reply.meta.files;
  if (sourceFqcn === undefined || !Array.isArray(files) || files.length === 0) {
    throw new DeskError('not_found', `${doing(jobId)}: the server has nothing to fetch for this job.`);
  }
  const names = new Set<string>();
  return files.map((entry: unknown) => {
    const [path, refId] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof path !== 'string' || typeof refId !== 'string') {
      throw new DeskError('remote_failed', `${doing(jobId)}: the server's offer cannot be understood.`);
    }
    const unsafe = unsafeName(path);
    if (unsafe !== undefined || names.has(foldedName(path))) {
      throw new DeskError(
        'integrity',
        `${doing(jobId)}: the server offers a file named ${JSON.stringify(path.slice(0, 200))}: ${unsafe ?? 'it stands twice'}.`,
      );
    }
    names.add(foldedName(path));
    return { path, offer: { sourceFqcn, refId } };
  });
}
