/** One admin session for one piece of work, closed after it. */
import type { AdminKit, AdminSession, SessionStep } from '../services/flare/index.ts';
import type { CoreParts } from './context.ts';

export interface SessionRequest {
  kit: string;
  study?: string | undefined;
}

export interface SessionUse {
  readonly core: CoreParts;
  readonly signal: AbortSignal;
  readonly onStep?: (step: SessionStep) => void;
}

/** Opens the kit and logs in. Throws what `openAdminKit` and `openSession` throw. */
export async function openFor(
  request: SessionRequest,
  { core, signal, onStep }: SessionUse,
): Promise<{ kit: AdminKit; session: AdminSession }> {
  const { openAdminKit, openSession } = await import('../services/flare/index.ts');
  const kit = await openAdminKit(request.kit, { clock: core.clock });
  const session = await openSession(kit, {
    ...(request.study === undefined ? {} : { study: request.study }),
    clock: core.clock,
    logger: core.logger,
    signal,
    ...(onStep ? { onStep } : {}),
  });
  return { kit, session };
}

export async function withSession<Answer>(
  request: SessionRequest,
  use: SessionUse,
  work: (session: AdminSession, kit: AdminKit) => Promise<Answer>,
): Promise<Answer> {
  const { kit, session } = await openFor(request, use);
  try {
    return await work(session, kit);
  } finally {
    await session.close();
  }
}
