import { isAbsolute, join, resolve } from 'node:path';

/**
 * The folder of this user's records: `FLAREDESK_STATE` (relative to `currentFolder`), else `flaredesk` in the state folder of the
 * desktop specification, which passes over a relative `XDG_STATE_HOME`.
 */
export function stateFolderOf(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
  currentFolder: string,
): string {
  const { FLAREDESK_STATE: own, XDG_STATE_HOME: xdg } = environment;
  if (own) return resolve(currentFolder, own);
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.local', 'state'), 'flaredesk');
}
