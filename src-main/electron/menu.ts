import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import { openPage } from './adapters/opener.ts';

const pages = ['overview', 'project', 'sites', 'console', 'jobs', 'settings'] as const;

/** The application menu: pages with their keys, editing, zoom, help. `go` leads the window to a route. */
export function setMenu(go: (route: string) => void): void {
  const isMac = process.platform === 'darwin';
  const goMenu: MenuItemConstructorOptions[] = pages.map((page, index) => ({
    label: page.slice(0, 1).toUpperCase() + page.slice(1),
    accelerator: `Alt+${index + 1}`,
    // The page itself listens to the key; the menu shows it.
    registerAccelerator: false,
    click: () => go(`/${page}`),
  }));
  const template: MenuItemConstructorOptions[] = [
    ...(isMac ? [{ role: 'appMenu' } satisfies MenuItemConstructorOptions] : []),
    {
      label: 'File',
      submenu: [
        { label: 'New or open project…', click: () => go('/overview?begin') },
        { type: 'separator' },
        isMac ? { role: 'close' } : { role: 'quit' },
      ],
    },
    { role: 'editMenu' },
    { label: 'Go', submenu: goMenu },
    {
      label: 'View',
      submenu: [
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'reload' },
        ...(app.isPackaged ? [] : [{ role: 'toggleDevTools' } satisfies MenuItemConstructorOptions]),
        { role: 'togglefullscreen' },
      ],
    },
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: [
        {
          label: 'NVIDIA FLARE documentation',
          click: () => void openPage('https://nvflare.readthedocs.io/'),
        },
      ],
    },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
