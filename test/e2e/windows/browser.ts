/** The windows as a person sees them: `flaredesk serve` from its sources and the distribution's Chromium before it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { endMarked, newMark } from '../../lab/keeper.ts';

const root = join(import.meta.dirname, '../../..');
/** Numeric, so that no name must be known to the system. */
export const nobody = 65_534;
const executablePath = '/usr/bin/chromium';
const pictures = join(root, 'docs/img');
const lookedAt = join(tmpdir(), 'flaredesk-pictures');

export type Theme = 'light' | 'dark';
export const themes: readonly Theme[] = ['light', 'dark'];

export interface Windows {
  page: Page;
  /** Errors the page wrote to its console, and those nobody caught. */
  complaints: string[];
  close(): Promise<void>;
}

export interface WindowsOptions {
  /** `serve` runs as a user who is stopped by the modes of files: nobody, where the tests run as root. */
  unprivileged?: boolean;
  /** More of the environment of `serve`. */
  env?: Record<string, string>;
}

/** Starts `serve` with its state, home and settings below `folder`, and opens its address. */
export async function openWindows(folder: string, options: WindowsOptions = {}): Promise<Windows> {
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
    await page.goto(await serve(folder, { ...mark, ...options.env }, options));
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
async function serve(
  folder: string,
  mark: Record<string, string>,
  { unprivileged = false }: WindowsOptions,
): Promise<string> {
  const home = join(folder, 'home');
  const state = join(folder, 'state');
  await mkdir(home, { recursive: true });
  const line = [process.execPath, join(root, 'src-main/headless/main.ts'), 'serve', '--json'];
  if (unprivileged && process.getuid?.() === 0) {
    await mkdir(state, { recursive: true });
    for (const own of [home, state]) await chown(own, nobody, nobody);
    line.unshift('setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups');
  }
  const [program = '', ...given] = line;
  const child = spawn(program, given, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 170_000,
    env: {
      PATH: process.env.PATH,
      USER: process.env.USER,
      HOME: home,
      FLAREDESK_STATE: state,
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

/** Draws the page in that theme; it follows the system's choice. */
export async function useTheme(page: Page, theme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
  await page.locator(`html[data-mantine-color-scheme="${theme}"]`).waitFor();
  // Colours are read from what is drawn: let the page draw the new theme first.
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
}

const small = { width: 1280, height: 800 };
const large = { width: 1920, height: 1080 };

/**
 * With FLAREDESK_PICTURES=1: docs/img/NAME-light.png and NAME-dark.png at 1280×800. The same at 1920×1080 goes to the system's
 * temporary folder, to be looked at only.
 */
export async function takePictures(page: Page, name: string): Promise<void> {
  if (process.env.FLAREDESK_PICTURES !== '1') return;
  await draw(page, name, large, lookedAt);
  await draw(page, name, small, pictures);
}

/** With FLAREDESK_PICTURES=1: the same pictures, to be looked at only. */
export async function takeProofs(page: Page, name: string): Promise<void> {
  if (process.env.FLAREDESK_PICTURES !== '1') return;
  await draw(page, `${name}-large`, large, lookedAt);
  await draw(page, `${name}-small`, small, lookedAt);
}

async function draw(page: Page, name: string, size: typeof small, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await page.setViewportSize(size);
  for (const theme of ['dark', 'light'] as const) {
    await useTheme(page, theme);
    await page.mouse.move(640, 799);
    await page.waitForTimeout(300);
    await page.screenshot({ path: join(folder, `${name}-${theme}.png`), animations: 'disabled' });
  }
}
