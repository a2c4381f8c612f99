import { deploymentOf, type SiteDeployment, scheduleWords } from '../../domain/job/job-meta.ts';
import { firstErrorLine } from '../../domain/job/job-log.ts';
import { jobPhaseOf } from '../../domain/job/status.ts';
import type { AdminSession } from '../flare/index.ts';
import type { JobLogReader } from './job-log-reader.ts';
import { logInResult } from './log-in-result.ts';
import type { JobMeta } from './manage.ts';

/** Why a job did not complete, as far as the server tells. */
export interface FailureReason {
  /** One sentence, the most telling of the rest. */
  summary: string;
  /** Sites where it could not be deployed. */
  deployment: SiteDeployment[];
  /** The scheduler's last words, when it never got further. */
  schedule: string[];
  /** The first error in the log of each site whose log is within reach. */
  log: { site: string; line: string }[];
}

/**
 * Gathers why a finished job did not complete: deployment detail, schedule history, and the first error line of the
 * logs that this server and role give out. Never throws for a log that is out of reach.
 */
export async function explainFailure(
  session: AdminSession,
  meta: JobMeta,
  log: JobLogReader,
  signal?: AbortSignal,
): Promise<FailureReason> {
  const deployment = deploymentOf(meta).filter(({ ok }) => !ok);
  const schedule = scheduleWords(meta)
    .filter((word) => word !== 'scheduled')
    .slice(-3);
  const lines: FailureReason['log'] = [];
  if (jobPhaseOf(meta.status) === 'failed') {
    const add = (site: string, text: string | undefined): void => {
      const line = text === undefined ? undefined : firstErrorLine(text);
      if (line !== undefined) lines.push({ site, line });
    };
    // The end that was seen while the job ran may begin after the first error: the whole log goes before it.
    const { job_id: jobId } = meta;
    add(
      'server',
      (await log.wholeLog(signal)) ?? (await logInResult(session, jobId, signal)) ?? log.lastSeen,
    );
    const sites = deploymentOf(meta).flatMap(({ site, ok }) => (ok && site !== 'server' ? [site] : []));
    for (const [site, text] of await log.clientLogs(sites, signal)) add(site, text);
  }
  return { summary: summaryOf(meta.status, deployment, schedule, lines), deployment, schedule, log: lines };
}

function summaryOf(
  status: string,
  deployment: readonly SiteDeployment[],
  schedule: readonly string[],
  lines: FailureReason['log'],
): string {
  if (status === 'FINISHED:ABORTED') return 'The job was aborted.';
  const [refused] = deployment;
  if (refused) return refused.site === '' ? refused.detail : `${refused.site}: ${refused.detail}`;
  const [error] = lines;
  if (error) return `${error.site}: ${error.line}`;
  const word = schedule.at(-1);
  if (word !== undefined) return `The scheduler: ${word}`;
  return 'The server tells no reason; look into the log of the server and the sites, or download the job.';
}
