/** Takes a confidential site out of the federation by command, the only way that does not stop the others. */
import { DeskError } from '../contract/errors.ts';
import type { AdminSession } from '../services/flare/index.ts';
import type { SitesOptions } from '../services/sites/index.ts';
import type { CoreParts } from './context.ts';
import { withSession } from './with-session.ts';

/** How long a client may take to leave, and how its leaving is watched. Milliseconds. */
interface LeaveTimes {
  poll: number;
  /** A client that is still there after so long is told again: a busy one may have missed the signal. */
  repeat: number;
  limit: number;
}
const usualTimes: LeaveTimes = { poll: 1_000, repeat: 20_000, limit: 90_000 };

/**
 * For `runSites`: `shutdown client NAME` in a session of this kit, then waiting until the server does not list it any more. The
 * command is repeated while it does: to a client that is leaving already it means nothing.
 */
export function leaveWith(
  core: CoreParts,
  kit: string,
  times: LeaveTimes = usualTimes,
): NonNullable<SitesOptions['leave']> {
  return (target, context) => {
    const signal = context.signal ?? new AbortController().signal;
    return withSession({ kit }, { core, signal }, async (session) => {
      const before = await clientsOf(session, signal);
      if (target.type === 'server') {
        if (before.length > 0)
          throw new DeskError('conflict', `${before.join(', ')} are still connected to ${target.name}`, {
            hint: 'Stop the clients first: a server that ends before them stops them all.',
          });
        await shutDown(session, 'shutdown server', signal);
        return 'the server was shut down by command';
      }
      if (!before.includes(target.name)) return 'not connected to the server: nothing to leave';
      const line = `shutdown client ${target.name}`;
      await shutDown(session, line, signal);
      const began = performance.now();
      let told = began;
      for (;;) {
        await pause(times.poll, signal);
        if (!(await clientsOf(session, signal)).includes(target.name))
          return `left the federation after ${Math.round((performance.now() - began) / 1000)} s`;
        const now = performance.now();
        if (now - began > times.limit)
          throw new DeskError('timeout', `${target.name} did not leave within ${times.limit / 1000} s`);
        if (now - told < times.repeat) continue;
        told = now;
        // It may have left in between, or the server may be busy: the next look tells.
        await session.execute(line, { signal }).catch((error: unknown) => {
          signal.throwIfAborted();
          core.logger.warn(`"${line}" could not be repeated.`, { error });
        });
      }
    });
  };
}

/** docs/reference/admin-protocol.md §8.2 `check_status server`; without a client the reply has no list. */
async function clientsOf(session: AdminSession, signal: AbortSignal): Promise<string[]> {
  const reply = await session.execute('check_status server', { signal });
  if (!reply.ok)
    throw new DeskError(
      'remote_failed',
      `the server did not tell who is connected: ${reply.message ?? reply.status}`,
    );
  const clients = Array.isArray(reply.meta['clients'])
    ? (reply.meta['clients'] as Record<string, unknown>[])
    : [];
  return clients.flatMap((client) =>
    typeof client['client_name'] === 'string' ? [client['client_name']] : [],
  );
}

async function shutDown(session: AdminSession, line: string, signal: AbortSignal): Promise<void> {
  const reply = await session.execute(line, { signal });
  if (!reply.ok)
    throw new DeskError('remote_failed', `"${line}" was refused: ${reply.message ?? reply.status}`);
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
  signal.throwIfAborted();
}
