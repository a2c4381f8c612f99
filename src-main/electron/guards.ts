/** What a page may not do: leave our origin, open windows, attach web views, ask for permissions. */
import type { App, Session, WebContents } from 'electron';
import { pageOrigin } from './page-files.ts';

/** The slice of web contents the guards need, so that a test can stand in for it. */
export type Guarded = Pick<WebContents, 'on' | 'setWindowOpenHandler'>;

export const isOurs = (address: string): boolean =>
  address === pageOrigin || address.startsWith(`${pageOrigin}/`);

/** Keeps one page inside our origin. */
export function guardContents(contents: Guarded): void {
  // Old releases tell the address beside the event only; one that is told nowhere is none of ours.
  const stay = (event: { preventDefault(): void; url?: string }, beside?: string): void => {
    const address = event.url ?? beside;
    if (address === undefined || !isOurs(address)) event.preventDefault();
  };
  contents.on('will-navigate', (event, address) => stay(event, address));
  contents.on('will-redirect', (event, address) => stay(event, address));
  contents.on('will-frame-navigate', (event) => stay(event));
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
}

/** Before the app is ready: a sandbox for every page, whatever its options say, and guards for all that is ever shown. */
export function guardApp(app: Pick<App, 'commandLine' | 'enableSandbox' | 'on'>): void {
  // As root Chromium cannot make a sandbox: then it must be switched off explicitly on the command line, which only tests do.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
  app.on('web-contents-created', (_event, contents) => guardContents(contents));
}

/** A page may copy to the clipboard, in answer to a click, and nothing else. */
const allowed = (permission: string, origin: string | undefined): boolean =>
  permission === 'clipboard-sanitized-write' && origin !== undefined && isOurs(origin);

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
