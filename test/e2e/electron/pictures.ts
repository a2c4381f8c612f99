/** Pictures of the app's own window with its menu, as the virtual screen shows it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { useTheme } from '../windows/browser.ts';
import type { Running } from './app.ts';

const folder = join(import.meta.dirname, '../../../docs/img');
const size = { x: 0, y: 0, width: 1280, height: 800 };
const shownInDocs = 'console';

/**
 * With FLAREDESK_PICTURES=1: docs/img/desktop-console.png at 1280×800. In the light theme: the menu follows the
 * desktop's theme, which a bare screen has in light only.
 */
export async function takeWindowPicture({ app, page }: Running, name: string): Promise<void> {
  if (process.env['FLAREDESK_PICTURES'] !== '1' || name !== shownInDocs) return;
  await app.evaluate(({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setBounds(size), size);
  await useTheme(page, 'light');
  await page.mouse.move(640, 760);
  await page.waitForTimeout(500);
  const picture = await app.evaluate(async ({ desktopCapturer, screen }, size) => {
    const whole = screen.getPrimaryDisplay().size;
    const [source] = await desktopCapturer.getSources({ types: ['screen'], thumbnailSize: whole });
    if (!source) throw new Error('The screen cannot be read.');
    return source.thumbnail.crop(size).toPNG().toString('base64');
  }, size);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `desktop-${name}.png`), Buffer.from(picture, 'base64'));
}
