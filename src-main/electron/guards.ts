/** What a page may not do: leave our origin, open windows, attach web views, ask for permissions. */
import type { Session, WebContents } from 'electron';
import { pageOrigin } from './page-files.ts';

/** The slice of web contents the guards need, so that a test can stand in for it. */
export type Guarded = Pick<WebContents, 'on' | 'setWindowOpenHandler'>;

export const isOurs = (address: string): boolean =>
  address === pageOrigin || address.startsWith(`${pageOrigin}/`);

/** Keeps one page inside our origin. */
export function guardContents(contents: Guarded): void {
  const stay = (event: { preventDefault(): void }, address: string): void => {
    if (!isOurs(address)) event.preventDefault();
  };
  contents.on('will-navigate', (event, address) => stay(event, address));
  contents.on('will-redirect', (event, address) => stay(event, address));
  contents.on('will-frame-navigate', (event) => stay(event, event.url));
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
}

/** A page may copy to the clipboard, in answer to a click, and nothing else. */
const allowed = (permission: string, origin: string): boolean =>
  permission === 'clipboard-sanitized-write' && isOurs(origin);

export function guardSession(
  session: Pick<
    Session,
    'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler' | 'webRequest'
  >,
): void {
  session.setPermissionRequestHandler((_contents, permission, answer, details) =>
    answer(allowed(permission, details.requestingUrl)),
  );
  session.setPermissionCheckHandler((_contents, permission, origin) =>
    allowed(permission, origin.replace(/\/$/, '')),
  );
  session.setDevicePermissionHandler(() => false);
  // No remote content at all: whatever a page asks of the network is refused.
  session.webRequest.onBeforeRequest((details, answer) =>
    answer({ cancel: !/^(app|devtools|blob|data):/.test(details.url) }),
  );
}
