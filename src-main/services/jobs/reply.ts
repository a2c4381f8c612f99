import { DeskError, type ErrorCode } from '../../contract/errors.ts';
import type { CommandReply } from '../flare/index.ts';

/** What the server's refusals mean to the caller (docs/reference/admin-protocol.md §7.2 `meta.status`). */
const codeOfStatus: Record<string, { code: ErrorCode; hint?: string; retryable?: boolean }> = {
  invalid_job_id: { code: 'not_found', hint: 'List the jobs to see which there are.' },
  invalid_job_def: {
    code: 'invalid_input',
    hint: 'Correct the job folder; "job check" names file and field.',
  },
  not_authorized: { code: 'denied', hint: "The server's policy does not give your role this right." },
  not_authenticated: { code: 'session_lost', hint: 'Log in again.' },
  session_inactive: { code: 'session_lost', hint: 'Log in again.' },
  job_running: { code: 'conflict', hint: 'Wait for its end, or abort it first.', retryable: true },
  job_not_running: { code: 'conflict' },
  // Spelt so by 2.7.
  no_job_compoents: { code: 'not_found' },
  no_job_components: { code: 'not_found' },
  submit_token_conflict: { code: 'conflict' },
  submit_token_job_deleted: { code: 'conflict' },
};

/** The reply, or the error it stands for. `doing` names the step in the message, e.g. `Aborting job 1234`. */
export function requireOk(reply: CommandReply, doing: string): CommandReply {
  if (reply.ok) return reply;
  const known = codeOfStatus[reply.status];
  const reason = reply.message?.trim() || `the server answered "${reply.status}"`;
  throw new DeskError(known?.code ?? 'remote_failed', `${doing}: ${reason.replace(/\.?$/, '.')}`, {
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    ...(known?.retryable === undefined ? {} : { retryable: known.retryable }),
  });
}

/** A job id as servers give them; refuses what could be read as an option or a second argument. */
export function requireJobId(jobId: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{3,127}$/.test(jobId)) return jobId;
  throw new DeskError('invalid_input', `"${jobId.slice(0, 80)}" is no job id.`, {
    hint: 'A job id looks like 1b4e28ba-2fa1-41d2-883f-0016d3cca427; list the jobs to see them.',
  });
}

export const textIn = (source: Record<string, unknown>, key: string): string | undefined =>
  typeof source[key] === 'string' ? source[key] : undefined;
