/** The windows as a person sees them: `flaredesk serve` from its sources and the distribution's Chromium before it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { endMarked, newMark } from '../../lab/keeper.ts';

const root = join(import.meta.dirname, '../../..');
const executablePath = '/usr/bin/chromium';
const pictures = join(root, 'docs/img');

export type Theme = 'light' | 'dark';
export const themes: readonly Theme[] = ['light', 'dark'];

export interface Windows {
  page: Page;
  /** Errors the page wrote to its console, and those nobody caught. */
  complaints: string[];
  close(): Promise<void>;
}

/** Starts `serve` with its state, home and settings below `folder`, and opens its address. */
export async function openWindows(folder: string, more: Record<string, string> = {}): Promise<Windows> {
  if (!existsSync(executablePath)) {
    throw new Error(`SKIPPED: ${executablePath} is missing. Install it: apt-get install chromium`);
  }
  const mark = newMark();
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    env: { ...process.env, ...mark },
  });
  try {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme: 'light',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(await serve(folder, { ...mark, ...more }));
    return { page, complaints, close: () => close(browser, mark) };
  } catch (error) {
    await close(browser, mark);
    throw error;
  }
}

async function close(browser: Browser, mark: Record<string, string>) {
  await browser.close();
  await endMarked(mark);
}

/** The one-time address that `serve` prints. */
async function serve(folder: string, mark: Record<string, string>): Promise<string> {
  const home = join(folder, 'home');
  await mkdir(home, { recursive: true });
  const child = spawn(process.execPath, [join(root, 'src-main/headless/main.ts'), 'serve', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 170_000,
    env: {
      PATH: process.env.PATH,
      USER: process.env.USER,
      HOME: home,
      FLAREDESK_STATE: join(folder, 'state'),
      FLAREDESK_CHECK: '1',
      FLAREDESK_BUILDER_SPARES_VMS: '1',
      ...mark,
    },
  });
  let said = '';
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  return await new Promise((resolve, reject) => {
    let answer = '';
    child.stdout.on('data', (text: string) => {
      answer += text;
      if (!answer.includes('\n')) return;
      resolve((JSON.parse(answer) as { value: { address: string } }).value.address);
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`serve ended: ${answer}${said}`)));
  });
}

export type PageName =
  | 'Overview'
  | 'Project'
  | 'Builds'
  | 'Sites'
  | 'Hosts'
  | 'Attestation'
  | 'Key broker'
  | 'Console'
  | 'Jobs'
  | 'Settings';

/** Goes to a page by its link at the side. */
export async function goTo(page: Page, name: PageName): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
}

/** Draws the page in that theme; it follows the system's choice. */
export async function useTheme(page: Page, theme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
  await page.locator(`html[data-mantine-color-scheme="${theme}"]`).waitFor();
  // Colours are read from what is drawn: let the page draw the new theme first.
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
}

/** With FLAREDESK_PICTURES=1: docs/img/NAME-light.png and NAME-dark.png. */
export async function takePictures(page: Page, name: string): Promise<void> {
  if (process.env.FLAREDESK_PICTURES !== '1') return;
  await mkdir(pictures, { recursive: true });
  for (const theme of ['dark', 'light'] as const) {
    await useTheme(page, theme);
    await page.mouse.move(640, 799);
    await page.waitForTimeout(400);
    await page.screenshot({ path: join(pictures, `${name}-${theme}.png`), animations: 'disabled' });
  }
}
