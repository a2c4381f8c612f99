/** Errors a session's caller sees once the session is open. */
import { DeskError } from '../../contract/errors.ts';
import { ProtocolError, reasonOf } from './errors.ts';

export function sessionOver(): DeskError {
  return new DeskError('session_lost', 'The session is over.', { hint: 'Log in again.' });
}

/** A peer that breaks the protocol is an error a person can read. */
export function deskErrorOf(error: unknown, what: string): DeskError {
  if (error instanceof DeskError) return error;
  return new DeskError('remote_failed', `${what}: ${reasonOf(error)}.`, { cause: error });
}

/** Says what a request that failed means for whoever asked. `what` begins a sentence. */
export function requestErrorOf(error: unknown, what: string, timeoutMs: number): DeskError {
  if (error instanceof DeskError && error.code === 'unreachable') {
    return new DeskError(
      'unreachable',
      `${error.message} ${what} was not answered; it may or may not have been carried out.`,
      {
        retryable: true,
        hint: 'The session connects again by itself. Look at the state, then repeat the command.',
        cause: error,
      },
    );
  }
  if (error instanceof DeskError && error.code === 'timeout') {
    return new DeskError('timeout', `${what} was not answered within ${timeoutMs / 1000} s.`, {
      retryable: true,
      hint: 'The server may be waiting for sites that do not answer. Try again with a longer time limit.',
    });
  }
  return deskErrorOf(error, `${what} failed`);
}

/** Runs a reader of the server's answers. */
export function readable<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new DeskError('remote_failed', `The server's answer makes no sense: ${error.message}.`, {
      hint: 'The server may be of a line this product does not know.',
      cause: error,
    });
  }
}
