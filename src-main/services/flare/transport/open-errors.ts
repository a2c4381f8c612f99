import { DeskError } from '../../../contract/errors.ts';
import { reasonOf, SessionStepError } from '../errors.ts';
import { isTlsError, tlsErrorOf } from './tls-errors.ts';
import type { TransportTarget } from './types.ts';

/** What a transport built on HTTP failed with while it was opened, in words. */
export function openErrorOf(error: unknown, target: TransportTarget): DeskError {
  if (error instanceof DeskError) return error;
  if (isTlsError(error)) return tlsErrorOf(error, target);
  const place = `${target.host}:${target.port}`;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    // These servers send no TLS alert when they want a client certificate and get none they accept.
    return new SessionStepError('open', 'unreachable', `${place} closed the connection without an answer.`, {
      retryable: true,
      hint: `The server may not accept the certificate of this kit or want one ("connection_security"), use another scheme than "${target.kind}", or be about to start or stop.`,
      cause: error,
    });
  }
  return new SessionStepError(
    'open',
    'remote_failed',
    `${place} is no FLARE server with scheme "${target.kind}": ${reasonOf(error)}.`,
    {
      hint: 'Compare "scheme" of the kit with the server, and check that no other service or web proxy answers here.',
      cause: error,
    },
  );
}

/** The peer closed before it said anything. */
export function closedEarly(): Error {
  return Object.assign(new Error('it closed the connection'), { code: 'ECONNRESET' });
}
