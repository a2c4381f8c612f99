/** A page that dies or hangs is offered a reload, and an error nobody caught is logged: main and its tasks go on. */
import { type BrowserWindow, dialog } from 'electron';
import type { Logger } from '../ports.ts';

export function watchPage(window: BrowserWindow, logger: Logger): void {
  const contents = window.webContents;
  let crashes = 0;
  contents.on('render-process-gone', (_event, { reason, exitCode }) => {
    logger.error('The page died.', { reason, exitCode });
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    crashes += 1;
    if (crashes <= 3) return contents.reload();
    void dialog
      .showMessageBox(window, {
        type: 'error',
        message: 'The window keeps stopping.',
        detail: 'Running tasks are not touched. Reload the window, or quit and start again.',
        buttons: ['Reload', 'Leave it'],
      })
      .then(({ response }) => {
        if (response === 0) contents.reload();
      });
  });
  window.on('unresponsive', () => {
    logger.warn('The page does not respond.');
    void dialog
      .showMessageBox(window, {
        type: 'warning',
        message: 'The window does not respond.',
        detail: 'Running tasks are not touched.',
        buttons: ['Wait', 'Reload'],
      })
      .then(({ response }) => {
        if (response === 1) contents.forcefullyCrashRenderer();
      });
  });
  contents.on('preload-error', (_event, _path, error) =>
    logger.error('The preload script failed.', { error }),
  );
}

/**
 * Without these Electron puts a box before the person that stops the whole program, tasks and all, until it is closed.
 * What nobody caught is written to the log, and told once.
 */
export function watchMain(window: () => BrowserWindow | undefined, logger: Logger): void {
  let told = false;
  const note = (message: string, error: unknown): void => {
    logger.error(message, { error });
    const shown = window();
    if (told || !shown) return;
    told = true;
    void dialog.showMessageBox(shown, {
      type: 'warning',
      message: 'Something failed that should not have.',
      detail:
        'Running tasks go on. The log has the details: Settings → Diagnostics saves them for a report. If something looks wrong, quit and start again.',
      buttons: ['Go on'],
    });
  };
  process.on('uncaughtException', (error) => note('An error was not caught.', error));
  process.on('unhandledRejection', (error) => note('A rejection was not handled.', error));
}
