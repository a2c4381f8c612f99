import { join } from 'node:path';

/** The folder of this user's records: `FLAREDESK_STATE`, else `flaredesk` in the XDG state folder. */
export function stateFolderOf(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  const { FLAREDESK_STATE: own, XDG_STATE_HOME: xdg } = environment;
  return own || join(xdg || join(home, '.local', 'state'), 'flaredesk');
}
