import { DeskError } from '../../contract/errors.ts';
import type { Logger } from '../../ports.ts';
import type { Connection } from './connection.ts';
import { reasonOf } from './errors.ts';
import type { LoggedIn } from './login.ts';
import { reconnectDelays } from './timeouts.ts';
import { pause } from './wait.ts';

/** The connection and login that carry a session on, or why there are none. */
export type Comeback =
  | { connection: Connection; login: LoggedIn }
  | 'given_up'
  | 'refused'
  | 'server_changed';

/**
 * Tries to come back with growing pauses until it works, the server proves to be another one, refuses us, or the time
 * is up. Throws only when the signal fires.
 */
export async function comeBack(options: {
  resume: () => Promise<{ connection: Connection; login: LoggedIn }>;
  limitMs: number;
  signal: AbortSignal;
  logger: Logger | undefined;
}): Promise<Comeback> {
  const { resume, limitMs, signal, logger } = options;
  const end = performance.now() + limitMs;
  for (let attempt = 0; ; attempt += 1) {
    await pause(reconnectDelays[Math.min(attempt, reconnectDelays.length - 1)]!, signal);
    try {
      const back = await resume();
      if (!back.connection.cell.closed) return back;
    } catch (error) {
      signal.throwIfAborted();
      logger?.debug(`Connecting again failed: ${reasonOf(error)}`);
      const code = error instanceof DeskError && !error.retryable ? error.code : undefined;
      if (code === 'cert_untrusted') return 'server_changed';
      if (code === 'auth_failed' || code === 'denied') return 'refused';
    }
    if (performance.now() > end) return 'given_up';
  }
}
