import { DeskError } from '../../contract/errors.ts';
import { isRecord } from '../../domain/record.ts';
import { type JobPhase, jobPhaseOf } from '../../domain/job/status.ts';
import { type AdminSession, type CommandReply, type ExecuteOptions, quoteArgument } from '../flare/index.ts';
import { requireJobId, requireOk, textIn } from './reply.ts';

/** One job in a list. Times are the server's own text. */
export interface JobRow {
  job_id: string;
  name: string;
  status: string;
  phase: JobPhase;
  submit_time?: string;
  /** `h:mm:ss.ffffff`; missing while the job has not run. */
  duration?: string;
  /** 2.8. */
  study?: string;
}

export interface ListJobsOptions {
  /** Only jobs whose name starts so. */
  name?: string;
  /** Only jobs whose id starts so. */
  idPrefix?: string;
  /** Only jobs of this session's user. */
  mine?: boolean;
  newestFirst?: boolean;
  limit?: number;
  signal?: AbortSignal;
}

/**
 * Lists the jobs the server keeps (docs/reference/admin-protocol.md §8.1 `list_jobs`).
 * @throws DeskError `denied`, `remote_failed`, `session_lost`, `timeout`, `cancelled`
 */
export async function listJobs(session: AdminSession, options: ListJobsOptions = {}): Promise<JobRow[]> {
  const parts = ['list_jobs'];
  if (options.name !== undefined) parts.push('-n', quoteArgument(options.name));
  if (options.mine) parts.push('-u');
  if (options.newestFirst) parts.push('-r');
  if (options.limit !== undefined) parts.push('-m', String(options.limit));
  if (options.idPrefix !== undefined) parts.push(quoteArgument(options.idPrefix));
  const reply = requireOk(
    await session.execute(parts.join(' '), withSignal(options.signal)),
    'Listing the jobs',
  );
  const jobs = reply.meta.jobs;
  return Array.isArray(jobs) ? jobs.filter(isRecord).map(rowOf) : [];
}

function rowOf(job: Record<string, unknown>): JobRow {
  const status = textIn(job, 'status') ?? 'unknown';
  const duration = textIn(job, 'duration');
  const row: JobRow = {
    job_id: textIn(job, 'job_id') ?? '',
    name: textIn(job, 'job_name') ?? textIn(job, 'name') ?? '',
    status,
    phase: jobPhaseOf(status),
  };
  const submitTime = textIn(job, 'submit_time');
  const study = textIn(job, 'study');
  if (submitTime !== undefined) row.submit_time = submitTime;
  if (duration !== undefined && duration !== 'N/A') row.duration = duration;
  if (study !== undefined) row.study = study;
  return row;
}

/** A job's meta as the server keeps it: the submitted meta and what became of the job. */
export interface JobMeta extends Record<string, unknown> {
  job_id: string;
  status: string;
}

/**
 * Reads one job's meta (`get_job_meta`).
 * @throws DeskError `invalid_input` (no job id), `not_found`, `denied`, `remote_failed`, `session_lost`, `timeout`
 */
export async function getJobMeta(
  session: AdminSession,
  jobId: string,
  options: { signal?: AbortSignal } = {},
): Promise<JobMeta> {
  const reply = await runForJob(session, 'get_job_meta', jobId, 'Reading', options.signal);
  const meta = isRecord(reply.meta.job_meta)
    ? reply.meta.job_meta
    : reply.items.find((item) => item.type === 'dict')?.data;
  if (!isRecord(meta)) throw new DeskError('remote_failed', `Reading job ${jobId}: the server sent no meta.`);
  return { ...meta, job_id: textIn(meta, 'job_id') ?? jobId, status: textIn(meta, 'status') ?? 'unknown' };
}

/**
 * Deletes a job and its result from the server for good (`delete_job`).
 * @throws DeskError `conflict` (it runs), `invalid_input`, `not_found`, `denied`, `remote_failed`, `session_lost`
 */
export async function deleteJob(
  session: AdminSession,
  jobId: string,
  options: { signal?: AbortSignal } = {},
): Promise<{ job_id: string; info: string }> {
  const reply = await runForJob(session, 'delete_job', jobId, 'Deleting', options.signal);
  return { job_id: jobId, info: wordsOf(reply) };
}

/**
 * Submits a copy of a job the server has (`clone_job`).
 * @throws DeskError `invalid_input`, `not_found`, `denied`, `remote_failed`, `session_lost`, `timeout`
 */
export async function cloneJob(
  session: AdminSession,
  jobId: string,
  options: { signal?: AbortSignal } = {},
): Promise<{ job_id: string; cloned_from: string }> {
  const reply = await runForJob(session, 'clone_job', jobId, 'Cloning', options.signal);
  const clone = textIn(reply.meta, 'job_id');
  if (clone === undefined)
    throw new DeskError('remote_failed', `Cloning job ${jobId}: the server named no new job.`);
  return { job_id: clone, cloned_from: jobId };
}

/** Sends a command about one job. */
export async function runForJob(
  session: AdminSession,
  command: string,
  jobId: string,
  doing: string,
  signal: AbortSignal | undefined,
): Promise<CommandReply> {
  const line = `${command} ${requireJobId(jobId)}`;
  return requireOk(await session.execute(line, withSignal(signal)), `${doing} job ${jobId}`);
}

const withSignal = (signal: AbortSignal | undefined): ExecuteOptions => (signal ? { signal } : {});

/** What the server says it did. */
export function wordsOf(reply: CommandReply): string {
  const info = textIn(reply.meta, 'info');
  if (info) return info;
  return (
    reply.items.map((item) => (item.type === 'string' ? item.data : '')).find((text) => text !== '') ?? ''
  );
}
