/** The door of main: a frame of ours gets the contract, every other a refusal. */
import { EventEmitter } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { beforeEach, expect, it, vi } from 'vitest';

const ipcMain = new EventEmitter();
vi.mock('electron', () => ({ ipcMain }));
const { serveWindow } = await import('../../../src-main/electron/ipc.ts');

const mainFrame = { url: 'app://desk/index.html' };
const webContents = { mainFrame };
const window = { webContents, isDestroyed: () => false };
const call = vi.fn(() => Promise.resolve({ ok: true, value: 7 }));
const warn = vi.fn();

beforeEach(() => {
  ipcMain.removeAllListeners();
  call.mockClear();
  warn.mockClear();
  const core = { clientFor: () => ({ call }), places: { pathOf: () => undefined } };
  serveWindow(core as never, () => window as never, { warn } as never);
});

/** Knocks as a frame does, then calls once; gives what it heard. */
async function knock(senderFrame: unknown, sender: unknown): Promise<unknown[]> {
  const { port1: ours, port2: theirs } = new MessageChannel();
  const heard: unknown[] = [];
  theirs.on('message', (message) => heard.push(message));
  const port = {
    postMessage: (message: unknown) => ours.postMessage(message),
    on: (name: string, listener: (event: unknown) => void) =>
      ours.on(name, (data: unknown) => listener({ data })),
    start: () => ours.start(),
    close: () => ours.close(),
  };
  ipcMain.emit('desk:connect', { senderFrame, sender, ports: [port] });
  theirs.postMessage({ kind: 'call', id: 1, name: 'settings.get', payload: {} });
  await expect.poll(() => heard).not.toEqual([]);
  theirs.close();
  return heard;
}

it('serves the main frame of our window', async () => {
  expect(await knock(mainFrame, webContents)).toEqual([
    { kind: 'answer', id: 1, envelope: { ok: true, value: 7 } },
  ]);
  expect(warn).not.toHaveBeenCalled();
});

it.each([
  ['a frame inside it', { url: 'app://desk/index.html' }, webContents],
  ['another window', mainFrame, { mainFrame }],
  ['a frame that is gone', null, webContents],
])('refuses %s, and says so in the log', async (_who, frame, sender) => {
  expect(await knock(frame, sender)).toEqual([{ kind: 'refused' }]);
  expect(call).not.toHaveBeenCalled();
  expect(warn).toHaveBeenCalledTimes(1);
});

it('waits until a page that is being loaded has its address', () => {
  const early = Object.assign(new EventEmitter(), { mainFrame: { url: '' } });
  const { port1: ours } = new MessageChannel();
  const postMessage = vi.fn();
  ipcMain.emit('desk:connect', {
    senderFrame: early.mainFrame,
    sender: early,
    ports: [{ postMessage, close: () => ours.close() }],
  });
  expect(postMessage).not.toHaveBeenCalled();
  early.emit('did-navigate');
  expect(postMessage).toHaveBeenCalledWith({ kind: 'refused' });
});
