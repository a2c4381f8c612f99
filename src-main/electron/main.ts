/** The desktop app: a host of the core, one window, nothing else. */
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { app, BrowserWindow, powerMonitor, safeStorage, session } from 'electron';
import { createCore } from '../core.ts';
import { stateFolderOf } from '../core/state-folder.ts';
import { showAlarms } from './adapters/alarms.ts';
import { pickPlace } from './adapters/dialogs.ts';
import { createNotifier } from './adapters/notifier.ts';
import { reveal } from './adapters/opener.ts';
import { showProgress } from './adapters/progress.ts';
import { createSecretBox } from './adapters/secret-box.ts';
import { watchMain, watchPage } from './crash.ts';
import { linkIn, routeOf, routeToTask } from './deep-link.ts';
import { guardApp, guardSession } from './guards.ts';
import { serveWindow } from './ipc.ts';
import { setMenu } from './menu.ts';
import { pageOrigin } from './page-files.ts';
import { followPower } from './power.ts';
import { declareScheme, servePages } from './protocol.ts';
import { openWindow } from './window.ts';

const promptMs = 120_000;
const stateFolder = stateFolderOf(process.env, homedir(), process.cwd());
const here = import.meta.dirname;
const preload = join(here, '../preload/preload.cjs');
const pages = join(here, '../renderer');

guardApp(app);
declareScheme();
app.setPath('userData', join(stateFolder, 'desktop'));

// The records have one owner: a second program tells the first and ends before it touches them.
if (app.requestSingleInstanceLock()) run();
else app.quit();

function run(): void {
  let window: BrowserWindow | undefined;
  const shown = (): BrowserWindow | undefined => (window && !window.isDestroyed() ? window : undefined);
  const core = createCore({
    stateFolder,
    version: app.getVersion(),
    environment: {
      home: homedir(),
      user: userInfo().username,
      ...(process.env.SSH_AUTH_SOCK ? { sshAgentSocket: process.env.SSH_AUTH_SOCK } : {}),
    },
    checkOutputs: !app.isPackaged,
    prompter: (name, question, signal) => {
      const wire = bridge.current();
      if (!wire) return Promise.reject(new Error('No window is open to answer.'));
      shown()?.flashFrame(true);
      return wire.ask(name, question, signal, Date.now() + promptMs);
    },
    keepSessionsMs: 120_000,
    secretBox: createSecretBox(safeStorage, process.platform),
    dialogs: {
      pick: (purpose, suggestedName) => pickPlace(shown(), purpose, suggestedName),
      reveal,
    },
  });
  const bridge = serveWindow(core, shown, core.logger);
  watchMain(shown, core.logger);

  function open(route = ''): BrowserWindow {
    const opened = openWindow(preload, stateFolder, route);
    window = opened;
    watchPage(opened, core.logger);
    return opened;
  }

  function go(route: string): void {
    const target = shown() ?? open();
    if (target.isMinimized()) target.restore();
    target.show();
    target.focus();
    void target.loadURL(`${pageOrigin}/index.html#${route}`);
  }

  app.on('second-instance', (_event, args) => {
    const link = linkIn(args);
    const route = link === undefined ? undefined : routeOf(link);
    if (route !== undefined) return go(route);
    const target = shown() ?? open();
    if (target.isMinimized()) target.restore();
    target.focus();
  });
  let firstRoute = routeOf(linkIn(process.argv) ?? '') ?? '';
  app.on('open-url', (event, link) => {
    event.preventDefault();
    const route = routeOf(link);
    if (route === undefined) return;
    if (app.isReady()) go(route);
    else firstRoute = route;
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('activate', () => {
    if (app.isReady() && !shown()) open();
  });
  let disposed = false;
  app.on('before-quit', (event) => {
    if (disposed) return;
    event.preventDefault();
    void core.dispose().finally(() => {
      disposed = true;
      app.quit();
    });
  });
  void app.whenReady().then(() => {
    guardSession(session.defaultSession);
    servePages(pages);
    setMenu(go);
    if (app.isPackaged) app.setAsDefaultProtocolClient('flaredesk');
    const client = core.clientFor({ name: 'desktop', placeOf: (given) => given });
    let wanted = true;
    client.subscribe('settings.current', ({ value }) => (wanted = value.notifications));
    const notify = createNotifier(() => wanted);
    showProgress(client, {
      window: shown,
      notify,
      openTask: (id) => go(routeToTask(shown()?.webContents.getURL() ?? '', id)),
    });
    showAlarms(client, notify, go);
    // Whoever comes to an unlocked desk must not find an unlocked key.
    followPower(powerMonitor, {
      lock: () => void client.call('custody.lock', {}),
      slept: core.slept,
    });
    open(firstRoute);
  });
}
