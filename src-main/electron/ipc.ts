/** The only user of `ipcMain`: gives a page of ours its message port, after looking at who asks. */
import { type BrowserWindow, ipcMain, type IpcMainEvent, type MessagePortMain } from 'electron';
import type { Core } from '../core.ts';
import { createWire, type Wire } from '../core/wire.ts';
import type { Logger } from '../ports.ts';
import { isOurs } from './guards.ts';

export interface Bridge {
  /** The wire of the page that is shown now; undefined while none is. */
  current(): Wire | undefined;
}

/** Who asked must be the main frame of our window, on our origin. */
export function isTrustedSender(
  event: Pick<IpcMainEvent, 'senderFrame' | 'sender'>,
  window: Pick<BrowserWindow, 'webContents' | 'isDestroyed'> | undefined,
): boolean {
  const frame = event.senderFrame;
  return (
    frame !== null &&
    window !== undefined &&
    !window.isDestroyed() &&
    event.sender === window.webContents &&
    frame === window.webContents.mainFrame &&
    isOurs(frame.url)
  );
}

/** Serves the core to the page in `window()`. A page that loads anew gets a new wire; the old one is closed. */
export function serveWindow(core: Core, window: () => BrowserWindow | undefined, logger: Logger): Bridge {
  let wire: Wire | undefined;
  const connect = (port: MessagePortMain): void => {
    wire?.close();
    const client = core.clientFor({ name: 'window', placeOf: (given) => core.places.pathOf(given) });
    const mine = createWire(client, (message) => port.postMessage(message));
    wire = mine;
    port.on('message', (event) => mine.receive(event.data));
    port.on('close', () => {
      mine.close();
      if (wire === mine) wire = undefined;
    });
    port.start();
  };
  ipcMain.on('desk:connect', (event) => {
    const { senderFrame, sender } = event;
    const port = event.ports[0];
    const decide = (): void => {
      if (port && isTrustedSender({ senderFrame, sender }, window())) return connect(port);
      logger.warn('A frame that is not ours asked for the contract.', { url: senderFrame?.url });
      port?.postMessage({ kind: 'refused' });
      port?.close();
    };
    // A preload script may be faster than the news that its page is there; until then the frame has no address.
    if (senderFrame?.url === '') sender.once('did-navigate', decide);
    else decide();
  });
  return { current: () => wire };
}
