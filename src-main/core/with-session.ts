/** Admin sessions for the handlers: a shared one for short work, one of its own for a console. */
import type { AdminKit, AdminSession, SessionStep } from '../services/flare/index.ts';
import type { CoreParts } from './context.ts';
import type { OpenedSession, SessionRequest } from './session-pool.ts';

export interface SessionUse {
  readonly core: CoreParts;
  readonly signal: AbortSignal;
  readonly onStep?: (step: SessionStep) => void;
}

/** Opens the kit and logs in. Throws what `openAdminKit` and `openSession` throw. */
export const openFor = (request: SessionRequest, { core, ...use }: SessionUse): Promise<OpenedSession> =>
  core.sessions.open(request, use);

export const withSession = <Answer>(
  request: SessionRequest,
  { core, ...use }: SessionUse,
  work: (session: AdminSession, kit: AdminKit) => Promise<Answer>,
): Promise<Answer> => core.sessions.use(request, use, ({ session, kit }) => work(session, kit));
