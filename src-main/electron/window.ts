/** The one window: its options, its size and place remembered. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { app, BrowserWindow, nativeTheme, screen, type BrowserWindowConstructorOptions } from 'electron';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { pageOrigin } from './page-files.ts';

const boundsSchema = z.object({
  x: z.int().optional(),
  y: z.int().optional(),
  width: z.int().min(1100).max(10_000),
  height: z.int().min(600).max(10_000),
  maximized: z.boolean(),
});
type Bounds = z.infer<typeof boundsSchema>;
const usual: Bounds = { width: 1440, height: 900, maximized: false };

/** What every page runs with. Tests read these back from the running window. */
export const webPreferences = (
  preload: string,
): NonNullable<BrowserWindowConstructorOptions['webPreferences']> => ({
  preload,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  sandbox: true,
  webviewTag: false,
  navigateOnDragDrop: false,
  spellcheck: false,
  disableDialogs: true,
  devTools: !app.isPackaged,
});

function readBounds(file: string): Bounds {
  try {
    const bounds = boundsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    const { x, y } = bounds;
    if (x === undefined || y === undefined) return bounds;
    // A screen that is gone must not hide the window.
    const seen = screen.getAllDisplays().some(({ workArea: area }) => {
      const inside = x < area.x + area.width - 100 && x + bounds.width > area.x + 100;
      return inside && y >= area.y - 50 && y < area.y + area.height - 100;
    });
    return seen ? bounds : { ...bounds, x: undefined, y: undefined };
  } catch {
    return usual;
  }
}

/** Opens the window. It is shown when its first page is drawn. `stateFolder` keeps its size and place. */
export function openWindow(preload: string, stateFolder: string, route = ''): BrowserWindow {
  const file = join(stateFolder, 'window.json');
  const { maximized, ...bounds } = readBounds(file);
  const window = new BrowserWindow({
    ...bounds,
    minWidth: 1100,
    minHeight: 600,
    show: false,
    title: 'FLARE Desk',
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#191c20' : '#ffffff',
    webPreferences: webPreferences(preload),
  });
  if (maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', () => {
    const { x, y, width, height } = window.getNormalBounds();
    writeFileAtomic(file, JSON.stringify({ x, y, width, height, maximized: window.isMaximized() }), {
      mode: 0o600,
    }).catch(() => undefined);
  });
  void window.loadURL(`${pageOrigin}/index.html${route === '' ? '' : `#${route}`}`);
  return window;
}
