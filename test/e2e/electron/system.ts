/** The system around the app, as far as a test must play it: its dialogs and its file manager. */
import type { Running } from './app.ts';

/** The person picks `folder` in the system's dialog. */
export const willPick = (running: Running, folder: string): Promise<void> =>
  running.app.evaluate(({ dialog }, folder) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [folder] });
  }, folder);

interface Watched {
  revealed?: string[];
}

/** Notes what is shown in the file manager, which a bare virtual screen does not have. */
export const watchReveal = (running: Running): Promise<void> =>
  running.app.evaluate(({ shell }) => {
    const shown: string[] = [];
    (globalThis as Watched).revealed = shown;
    shell.showItemInFolder = (path) => void shown.push(path);
  });

export const revealed = (running: Running): Promise<string[]> =>
  running.app.evaluate(() => (globalThis as Watched).revealed ?? []);
