import { Session } from './session.ts';
import type { OpenSessionOptions } from './session-options.ts';
import type { AdminKit, AdminSession } from './types.ts';

/**
 * Connects to the server of a kit and logs in, proving the server by certificate, challenge and every signature on the
 * way (docs/reference/admin-protocol.md §2–§4, §7.3). Any number of sessions may be open at the same time.
 *
 * @param kit from `openAdminKit`
 * @throws SessionStepError (a DeskError with `step`): `unreachable`, `timeout`, `cert_expired`, `cert_untrusted`,
 * `auth_failed`, `denied`, `not_found` / `invalid_input` / `unsupported` (study), `remote_failed` (no FLARE server, or
 * answers that make no sense); DeskError `cancelled`, `bad_usage`
 */
export async function openSession(kit: AdminKit, options: OpenSessionOptions = {}): Promise<AdminSession> {
  const session = new Session(kit, options);
  await session.open(options.signal, options.onStep);
  return session;
}
