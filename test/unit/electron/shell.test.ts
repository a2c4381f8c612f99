import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';

vi.mock('electron', () => ({
  app: {},
  BrowserWindow: {},
  ipcMain: {},
  nativeTheme: {},
  Notification: {},
  screen: {},
  session: {},
  shell: {},
}));
const { mayOpen } = await import('../../../src-main/electron/adapters/opener.ts');
const { overallProgress } = await import('../../../src-main/electron/adapters/progress.ts');
const { isTrustedSender } = await import('../../../src-main/electron/ipc.ts');
const { pagePath } = await import('../../../src-main/electron/page-files.ts');
const { routeOf } = await import('../../../src-main/electron/deep-link.ts');
const { webPreferences } = await import('../../../src-main/electron/window.ts');

describe('addresses for the browser of the system', () => {
  it('are https pages of the short list', () => {
    expect(mayOpen('https://nvflare.readthedocs.io/en/2.7/')).toBe(true);
    expect(mayOpen('https://github.com/NVIDIA/NVFlare')).toBe(true);
  });

  it.each([
    'http://github.com/',
    'https://github.com.evil.example/',
    'https://user@github.com/',
    'https://github.com:444/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'smb://github.com/x',
    '',
  ])('are never %j', (address) => {
    expect(mayOpen(address)).toBe(false);
  });
});

describe('pages under our own scheme', () => {
  const folder = '/app/renderer';

  it('lie in the folder of pages', () => {
    expect(pagePath(folder, 'app://desk/')).toBe(join(folder, 'index.html'));
    expect(pagePath(folder, 'app://desk/assets/a.js')).toBe(join(folder, 'assets/a.js'));
  });

  it.each([
    'app://other/index.html',
    'file:///app/renderer/index.html',
    'app://desk/..%2f..%2fetc/passwd',
    'app://desk/..%5csecret',
    'app://desk/%00',
    'app://desk/%zz',
    'no address',
  ])('are never %s', (address) => {
    expect(pagePath(folder, address)).toBeUndefined();
  });

  it('stay inside however the way is written', () => {
    const path = pagePath(folder, 'app://desk/../../etc/passwd');
    expect(path === undefined || path.startsWith(`${folder}/`)).toBe(true);
  });
});

describe('who may speak to main', () => {
  const mainFrame = { url: 'app://desk/' };
  const webContents = { mainFrame };
  const window = { webContents, isDestroyed: () => false };
  const trusted = (event: unknown, to: unknown = window) => isTrustedSender(event as never, to as never);

  it('is the main frame of our window on our origin, nobody else', () => {
    expect(trusted({ sender: webContents, senderFrame: mainFrame })).toBe(true);
    expect(trusted({ sender: webContents, senderFrame: { url: 'app://desk/' } })).toBe(false);
    expect(trusted({ sender: { mainFrame }, senderFrame: mainFrame })).toBe(false);
    expect(trusted({ sender: webContents, senderFrame: null })).toBe(false);
    const astray = { mainFrame: { url: 'https://evil.example/' } };
    expect(
      trusted(
        { sender: astray, senderFrame: astray.mainFrame },
        { webContents: astray, isDestroyed: () => false },
      ),
    ).toBe(false);
    expect(
      trusted({ sender: webContents, senderFrame: mainFrame }, { webContents, isDestroyed: () => true }),
    ).toBe(false);
    expect(isTrustedSender({ sender: webContents, senderFrame: mainFrame } as never, undefined)).toBe(false);
  });
});

describe('a link from outside', () => {
  it.each([
    ['flaredesk://sites/site-1', '/sites/site-1'],
    ['flaredesk://jobs', '/jobs'],
    ['flaredesk://jobs/a/b/c', '/jobs/a'],
    ['flaredesk://provision', undefined],
    ['flaredesk://sites/<script>', '/sites/%3Cscript%3E'],
    [`flaredesk://sites/${'x'.repeat(201)}`, undefined],
    ['https://sites/', undefined],
    ['no link', undefined],
  ])('%s leads to %s', (link, route) => {
    expect(routeOf(link)).toBe(route);
  });
});

describe('a window', () => {
  it('gives its page no power of Node and none to weaken it', () => {
    expect(webPreferences('/app/preload.cjs')).toMatchObject({
      preload: '/app/preload.cjs',
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
    });
    expect(webPreferences('/app/preload.cjs').webSecurity).not.toBe(false);
  });
});

describe('the progress of all tasks', () => {
  const task = (status: string, progress?: object, parent?: string) =>
    ({ status, progress, parent }) as never;

  it.each([
    ['none', [task('succeeded')], -1],
    ['one without a measure', [task('running')], 2],
    [
      'the mean of two',
      [task('running', { done: 1, total: 4 }), task('running', { done: 3, total: 4 })],
      0.5,
    ],
    [
      'children left out',
      [task('running', { done: 1, total: 2 }), task('running', { done: 0, total: 2 }, 'p')],
      0.5,
    ],
  ])('is of %s', (_title, tasks, wanted) => {
    expect(overallProgress(tasks)).toBe(wanted);
  });
});
