/** The statuses of a job (docs/reference/admin-protocol.md §8.1) and what each means for who waits for it. */

export const knownJobStatuses = [
  'SUBMITTED',
  'APPROVED',
  'DISPATCHED',
  'RUNNING',
  'FINISHED:COMPLETED',
  'FINISHED:ABORTED',
  'FINISHED:EXECUTION_EXCEPTION',
  'FINISHED:ABNORMAL',
  'FINISHED:CAN_NOT_SCHEDULE',
  'FINISHED:FAILED_TO_RUN',
  'FINISHED:ABANDONED',
] as const;

/** `unknown` is never taken for a good end, nor for an end, unless the server says `FINISHED:`. */
export type JobPhase = 'waiting' | 'running' | 'completed' | 'aborted' | 'failed' | 'unknown';

/** What a status means. A `FINISHED:` status of a later server is a failure until it is known to be none. */
export function jobPhaseOf(status: string): JobPhase {
  switch (status) {
    case 'SUBMITTED':
    case 'APPROVED':
      return 'waiting';
    case 'DISPATCHED':
    case 'RUNNING':
      return 'running';
    case 'FINISHED:COMPLETED':
      return 'completed';
    case 'FINISHED:ABORTED':
      return 'aborted';
    default:
      return status.startsWith('FINISHED:') ? 'failed' : 'unknown';
  }
}

/** True once the status will not change again. */
export function isFinished(status: string): boolean {
  return status.startsWith('FINISHED:');
}

const order: readonly JobPhase[] = ['waiting', 'running'];

/**
 * Whether a job can go from one status to another. A status that goes backwards (a server restored from an old
 * snapshot) or leaves its end is worth a warning; an unknown one is not judged.
 */
export function isExpectedChange(from: string, to: string): boolean {
  const before = jobPhaseOf(from);
  const after = jobPhaseOf(to);
  if (before === 'unknown' || after === 'unknown' || from === to) return true;
  if (isFinished(from)) return false;
  return isFinished(to) || order.indexOf(after) >= order.indexOf(before);
}
