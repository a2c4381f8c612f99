import { isFinished } from '../../domain/job/status.ts';
import type { AdminSession } from '../flare/index.ts';
import { pause } from './cancel.ts';
import { getJobMeta, runForJob, wordsOf } from './manage.ts';

export interface AbortJobOptions {
  signal?: AbortSignal;
  /** How long the job may take to end before the answer says it has not, milliseconds. */
  waitMs?: number;
  /** Pause between two looks at the job, milliseconds. */
  pollMs?: number;
}

export interface AbortedJob {
  job_id: string;
  /** The server's word on what it did. */
  info: string;
  /** The job's status when it was last looked at; not `FINISHED:…` when it has not ended within `waitMs`. */
  status: string;
}

/**
 * The signal is sent again to a job that has not ended after so many looks: longer than the 10 s the server itself gives a
 * job to end before it kills it. A second signal within that time can leave the job running for good (seen on 2.8.1).
 */
const looksBetweenSignals = 14;

/**
 * Aborts a job that waits or runs; one that is finished stays as it is (docs/reference/admin-protocol.md §8.1
 * `abort_job`). Servers answer "ok" at once, yet a signal that meets a job just starting is lost, and a waiting job the
 * scheduler has in hand starts all the same: the job is looked at until it has ended and stays so, and aborted again
 * where it has not.
 *
 * @throws DeskError `invalid_input` (no job id), `not_found`, `denied`, `remote_failed`, `session_lost`, `timeout`,
 *   `cancelled`
 */
export async function abortJob(
  session: AdminSession,
  jobId: string,
  { signal, waitMs = 45_000, pollMs = 1000 }: AbortJobOptions = {},
): Promise<AbortedJob> {
  const doing = `Aborting job ${jobId}`;
  const abort = async (): Promise<string> =>
    wordsOf(await runForJob(session, 'abort_job', jobId, 'Aborting', signal));
  const statusNow = async (): Promise<string> => (await getJobMeta(session, jobId, { signal })).status;

  let status = await statusNow();
  const wasFinished = isFinished(status);
  const info = await abort();
  if (wasFinished) return { job_id: jobId, info, status };

  const until = performance.now() + waitMs;
  let ended = false;
  for (let looks = 1; performance.now() < until; looks += 1) {
    await pause(pollMs, signal, doing);
    status = await statusNow();
    if (isFinished(status)) {
      if (ended) break;
      ended = true;
      continue;
    }
    if (ended || looks % looksBetweenSignals === 0) await abort();
    ended = false;
  }
  return { job_id: jobId, info, status };
}
