import { DeskError } from '../../contract/errors.ts';
import { deploymentOf, type SiteDeployment, scheduleWords } from '../../domain/job/job-meta.ts';
import type { Rounds } from '../../domain/job/job-log.ts';
import { isExpectedChange, isFinished, type JobPhase, jobPhaseOf } from '../../domain/job/status.ts';
import type { ReportProgress } from '../../ports.ts';
import type { AdminSession } from '../flare/index.ts';
import { pause, throwIfCancelled } from './cancel.ts';
import { type FailureReason, explainFailure } from './failure.ts';
import { JobLogReader } from './job-log-reader.ts';
import { getJobMeta, type JobMeta } from './manage.ts';
import { requireJobId, textIn } from './reply.ts';

export type JobEvent =
  | { kind: 'status'; status: string; phase: JobPhase; previous?: string }
  /** Why the job still waits: the scheduler's last word. */
  | { kind: 'waiting'; reason: string }
  | { kind: 'deployed'; sites: SiteDeployment[] }
  | { kind: 'rounds'; rounds: Rounds }
  | { kind: 'notice'; message: string };

export interface FollowJobOptions {
  onEvent?: (event: JobEvent) => void;
  report?: ReportProgress;
  signal?: AbortSignal;
  /** First and longest pause between two questions, milliseconds. */
  pollMs?: { first: number; longest: number };
  /** How long the server may stay silent before following is given up, milliseconds. */
  patienceMs?: number;
}

export interface JobOutcome {
  job_id: string;
  name: string;
  status: string;
  phase: JobPhase;
  rounds?: Rounds;
  deployment: SiteDeployment[];
  /** The server's own text, `h:mm:ss.ffffff`. */
  duration?: string;
  /** Missing when the job completed. */
  reason?: FailureReason;
  meta: JobMeta;
}

const usualPoll = { first: 700, longest: 4000 };
const usualPatience = 10 * 60_000;
const doing = (jobId: string): string => `Following job ${jobId}`;

/**
 * Follows a job to its end. Servers send no news about jobs (docs/reference/admin-protocol.md §7.3), so they are asked
 * again and again, more seldom while nothing changes. A silent or restarting server is waited for. When the job did not
 * complete, why is asked for too: deployment, scheduler, log.
 *
 * @throws DeskError `not_found` (no such job, or deleted meanwhile), `denied`, `session_lost` (the job goes on: follow it
 *   again with a new session), `timeout` (silent beyond `patienceMs`), `cancelled` (the job goes on)
 */
export async function followJob(
  session: AdminSession,
  jobId: string,
  options: FollowJobOptions = {},
): Promise<JobOutcome> {
  requireJobId(jobId);
  const { onEvent, report, signal, pollMs = usualPoll, patienceMs = usualPatience } = options;
  const log = new JobLogReader(session, jobId);
  const seen: Seen = {};
  let wait = pollMs.first;
  let silentSince: number | undefined;

  const tell = (event: JobEvent): void => {
    onEvent?.(event);
    const message = messageOf(event);
    report?.({ step: 'follow', target: jobId, message, ...progressOf(event) });
    wait = pollMs.first;
  };

  for (;;) {
    throwIfCancelled(signal, doing(jobId));
    try {
      const meta = await getJobMeta(session, jobId, { signal });
      silentSince = undefined;
      tellChanges(meta, seen, tell);
      if (isFinished(meta.status)) {
        const rounds = (await log.finalRounds(signal)) ?? seen.rounds;
        if (rounds && JSON.stringify(rounds) !== JSON.stringify(seen.rounds))
          tell({ kind: 'rounds', rounds });
        return await outcomeOf(session, meta, rounds, log, signal);
      }
      if (jobPhaseOf(meta.status) === 'running') {
        const rounds = await log.currentRounds(signal);
        if (rounds && JSON.stringify(rounds) !== JSON.stringify(seen.rounds)) {
          seen.rounds = rounds;
          tell({ kind: 'rounds', rounds });
        }
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      const now = performance.now();
      if (silentSince === undefined) {
        silentSince = now;
        tell({ kind: 'notice', message: 'The server does not answer; waiting for it.' });
      } else if (now - silentSince > patienceMs) throw error;
    }
    await pause(wait, signal, doing(jobId));
    wait = Math.min(pollMs.longest, wait * 1.4);
  }
}

interface Seen {
  status?: string;
  deployment?: string;
  waiting?: string;
  rounds?: Rounds;
}

function tellChanges(meta: JobMeta, seen: Seen, tell: (event: JobEvent) => void): void {
  const { status } = meta;
  if (status !== seen.status) {
    if (seen.status !== undefined && !isExpectedChange(seen.status, status)) {
      tell({ kind: 'notice', message: `The status went from ${seen.status} back to ${status}.` });
    }
    tell({
      kind: 'status',
      status,
      phase: jobPhaseOf(status),
      ...(seen.status === undefined ? {} : { previous: seen.status }),
    });
    seen.status = status;
  }
  const deployment = JSON.stringify(meta.job_deploy_detail);
  const sites = deploymentOf(meta);
  if (sites.length > 0 && deployment !== seen.deployment) {
    seen.deployment = deployment;
    tell({ kind: 'deployed', sites });
  }
  const reason = jobPhaseOf(status) === 'waiting' ? scheduleWords(meta).at(-1) : undefined;
  if (reason !== undefined && reason !== seen.waiting) {
    seen.waiting = reason;
    tell({ kind: 'waiting', reason });
  }
}

async function outcomeOf(
  session: AdminSession,
  meta: JobMeta,
  rounds: Rounds | undefined,
  log: JobLogReader,
  signal: AbortSignal | undefined,
): Promise<JobOutcome> {
  const phase = jobPhaseOf(meta.status);
  const duration = textIn(meta, 'duration');
  return {
    job_id: meta.job_id,
    name: textIn(meta, 'name') ?? '',
    status: meta.status,
    phase,
    ...(rounds ? { rounds } : {}),
    deployment: deploymentOf(meta),
    ...(duration === undefined || duration === 'N/A' ? {} : { duration }),
    ...(phase === 'completed' ? {} : { reason: await explainFailure(session, meta, log, signal) }),
    meta,
  };
}

/** The server may be restarting or the line be down; the session reconnects by itself (§7.3). */
function isPassing(error: unknown): boolean {
  return (
    error instanceof DeskError &&
    error.code !== 'cancelled' &&
    (error.retryable || error.code === 'timeout' || error.code === 'unreachable')
  );
}

function progressOf(event: JobEvent): { done?: number; total?: number } {
  if (event.kind !== 'rounds') return {};
  const { finished, total } = event.rounds;
  return { done: finished, ...(total === undefined ? {} : { total }) };
}

function messageOf(event: JobEvent): string {
  switch (event.kind) {
    case 'status':
      return event.status;
    case 'waiting':
      return `waiting: ${event.reason}`;
    case 'deployed':
      return `deployed: ${event.sites.map(({ site, detail }) => `${site} ${detail}`).join(', ')}`;
    case 'rounds': {
      const { current, finished, total } = event.rounds;
      return `round ${current ?? finished}${total === undefined ? '' : ` of ${total}`}`;
    }
    case 'notice':
      return event.message;
  }
}
