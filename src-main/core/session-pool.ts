/** The admin sessions of this process: shared by short calls, kept open a while in a window, all of them shown. */
import { randomUUID } from 'node:crypto';
import type { StateValue } from '../contract/index.ts';
import type { Clock, Logger } from '../ports.ts';
import type { AdminKit, AdminSession, SessionStep } from '../services/flare/index.ts';
import { createStateCell, type StateCell } from './state-cell.ts';

export interface SessionRequest {
  kit: string;
  study?: string | undefined;
}

export interface OpenedSession {
  kit: AdminKit;
  session: AdminSession;
}

export interface SessionUse {
  readonly signal: AbortSignal;
  readonly onStep?: (step: SessionStep) => void;
}

export interface SessionPool {
  readonly connections: StateCell<StateValue<'session.connections'>>;
  /** A session of one's own; close it when done. Throws what `openAdminKit` and `openSession` throw. */
  open(request: SessionRequest, use: SessionUse): Promise<OpenedSession>;
  /** Work on a shared session of this kit and study, opened when there is none. */
  use<Answer>(
    request: SessionRequest,
    use: SessionUse,
    work: (opened: OpenedSession) => Promise<Answer>,
  ): Promise<Answer>;
  /** Makes sure that the connections still live. */
  probe(): void;
  dispose(): Promise<void>;
}

interface Shared {
  opened: Promise<OpenedSession>;
  users: number;
  timer?: NodeJS.Timeout;
}

export interface SessionPoolOptions {
  clock: Clock;
  logger: Logger;
  /** How long a shared session stays open after its last use, milliseconds; 0 closes it at once. */
  keepMs: number;
  /** How kit and session are had; `services/flare` when missing. */
  opener?: () => Promise<Pick<typeof import('../services/flare/index.ts'), 'openAdminKit' | 'openSession'>>;
}

export function createSessionPool({
  clock,
  logger,
  keepMs,
  opener = () => import('../services/flare/index.ts'),
}: SessionPoolOptions): SessionPool {
  const shared = new Map<string, Shared>();
  const all = new Set<AdminSession>();
  const connections = createStateCell<StateValue<'session.connections'>>({ sessions: [] });

  const tell = (id: string, opened: OpenedSession, state: AdminSession['state']): void => {
    const { session, kit } = opened;
    const { user, org, role, study } = session.identity;
    const others = connections.get().sessions.filter((item) => item.id !== id);
    const mine = {
      id,
      user,
      org,
      role,
      ...(study === undefined ? {} : { study }),
      project: kit.projectName,
      version: session.serverVersion,
      state,
    };
    connections.set({ sessions: state === 'closed' ? others : [...others, mine] });
  };

  const open = async (request: SessionRequest, { signal, onStep }: SessionUse): Promise<OpenedSession> => {
    const { openAdminKit, openSession } = await opener();
    const kit = await openAdminKit(request.kit, { clock });
    const session = await openSession(kit, {
      ...(request.study === undefined ? {} : { study: request.study }),
      clock,
      logger,
      signal,
      ...(onStep ? { onStep } : {}),
    });
    const opened = { kit, session };
    const id = randomUUID();
    all.add(session);
    tell(id, opened, session.state);
    const stop = session.onState((state) => tell(id, opened, state));
    void session.ended.finally(() => {
      stop();
      all.delete(session);
      tell(id, opened, 'closed');
    });
    return opened;
  };

  const share = (key: string, request: SessionRequest, use: SessionUse): Shared => {
    const entry: Shared = { opened: open(request, use), users: 0 };
    const drop = (): void => {
      if (shared.get(key) === entry) shared.delete(key);
    };
    entry.opened.then(({ session }) => session.ended.then(drop), drop);
    shared.set(key, entry);
    return entry;
  };

  return {
    connections,
    open,
    async use(request, use, work) {
      const key = `${request.kit}\n${request.study ?? ''}`;
      const entry = shared.get(key) ?? share(key, request, use);
      entry.users += 1;
      clearTimeout(entry.timer);
      try {
        return await work(await entry.opened);
      } finally {
        entry.users -= 1;
        const close = async (): Promise<void> => {
          if (shared.get(key) === entry) shared.delete(key);
          await entry.opened.then(
            ({ session }) => session.close(),
            () => undefined,
          );
        };
        if (entry.users === 0 && keepMs === 0) await close();
        else if (entry.users === 0) entry.timer = setTimeout(() => void close(), keepMs).unref();
      }
    },
    probe() {
      for (const session of all) session.probe();
    },
    async dispose() {
      for (const entry of shared.values()) clearTimeout(entry.timer);
      await Promise.all([...all].map((session) => session.close()));
    },
  };
}
