/** What the three parts of a login share (docs/reference/admin-protocol.md §4.4). */
import { DeskError } from '../../contract/errors.ts';
import type { Cell } from './cell.ts';
import type { CellReply } from './pending-requests.ts';
import type { AdminCredentials } from './credentials.ts';
import { ProtocolError, reasonOf, SessionStepError, type SessionStep } from './errors.ts';
import { decodeFobs } from './fobs.ts';
import { isMap, type MsgpackMap } from './msgpack.ts';
import type { AdminKit } from './types.ts';

export const taskChannel = 'task';
export const tokenHeader = '__token__';
export const tokenSignatureHeader = '__token_signature__';

export interface LoginContext {
  kit: AdminKit;
  credentials: AdminCredentials;
  cell: Cell;
  now: () => number;
  signal?: AbortSignal | undefined;
  onStep?: ((step: SessionStep) => void) | undefined;
  /** How long the challenge may take in all, with its repetitions. */
  loginMs: number;
  /** How long register and login may take each. */
  messageMs: number;
}

/** The map a reply carries; anything else is an answer that makes no sense. */
export function payloadMap(step: SessionStep, reply: CellReply): MsgpackMap {
  try {
    const value = decodeFobs(reply.payload);
    if (!isMap(value)) throw new ProtocolError('it is not a map');
    return value;
  } catch (error) {
    throw garbage(step, reasonOf(error));
  }
}

export function garbage(step: SessionStep, reason: string): SessionStepError {
  return new SessionStepError(step, 'remote_failed', `the server's answer makes no sense: ${reason}.`, {
    hint: 'The peer may be a server of a line this product does not know, or no FLARE server at all.',
  });
}

/** What the server said when it refused. */
export function saying(reply: CellReply): string {
  return (reply.error || reply.returnCode).slice(0, 300).replace(/[.\s]+$/, '');
}

/** Adds the step to what a request failed with. */
export function stepFailure(step: SessionStep, error: unknown): Error {
  if (error instanceof SessionStepError) return error;
  if (error instanceof DeskError) {
    if (error.code === 'cancelled') return error;
    return new SessionStepError(step, error.code, error.message, {
      retryable: error.retryable,
      hint: 'Look at the server: it may be stopping, overloaded or hanging. Then try again.',
      cause: error,
    });
  }
  return garbage(step, reasonOf(error));
}
