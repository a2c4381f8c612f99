/** The two ways to the windows that the README names: `npm start` and `npm run serve`, by the scripts a person runs. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, findElectron, openBench } from './app.ts';
import { closePage, devtoolsOf, evaluateInPage } from './devtools.ts';

const root = join(import.meta.dirname, '../../..');
const script = join(root, 'scripts/run.mjs');
const inBrowser = '`npm run serve` opens the same windows in a browser.';
const binary = await findElectron();

const folder = mkdtempSync(join(tmpdir(), 'flaredesk-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the script says without opening a window. */
function said(environment: Record<string, string>, ...args: string[]) {
  const env = { PATH: process.env['PATH'], HOME: folder, ...environment };
  const done = spawnSync(process.execPath, [script, 'start', ...args], {
    env,
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
}

/** Starts a script of package.json in a process group of its own, for at most a minute. */
function begin(name: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess & { stderr: Readable } {
  return spawn(process.execPath, [script, name, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    timeout: 60_000,
  });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The whole group has ended by itself.
  }
}

describe('npm start and npm run serve', () => {
  it('are the scripts that are run here, and the advice names a program that is there', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect([scripts.start, scripts.serve]).toEqual([
      'node scripts/run.mjs start',
      'node scripts/run.mjs serve',
    ]);
    expect(existsSync(join(root, 'node_modules/.bin/install-electron'))).toBe(true);
  });

  it('says in one line how to get an Electron where there is none', () => {
    expect(said({ ELECTRON_OVERRIDE_DIST_PATH: folder, DISPLAY: ':0' })).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `No Electron binary is in ${folder}: run \`npx install-electron\` once to get it, or name a folder that has ` +
        `one with ELECTRON_OVERRIDE_DIST_PATH; ${inBrowser}\n`,
    });
  });

  it.skipIf(!binary || process.platform !== 'linux')('says in one line that there is no screen', () => {
    expect(said({ ELECTRON_OVERRIDE_DIST_PATH: binary!.folder })).toEqual({
      code: 1,
      stdout: '',
      stderr: `This session has no screen for a window (neither DISPLAY nor WAYLAND_DISPLAY is set); ${inBrowser}\n`,
    });
  });

  it.skipIf(!binary || userInfo().uid !== 0)('says in one line that root has no sandbox', () => {
    expect(said({ ELECTRON_OVERRIDE_DIST_PATH: binary!.folder, DISPLAY: ':0' })).toEqual({
      code: 1,
      stdout: '',
      stderr: `Chromium has no sandbox when root runs it: start the app as another user; ${inBrowser}\n`,
    });
  });

  it('serves the same windows to a browser', async () => {
    const env = { PATH: process.env['PATH'], HOME: folder, FLAREDESK_STATE: join(folder, 'served') };
    const child = begin('serve', ['--json'], env);
    try {
      let line = '';
      for await (const text of child.stdout!.setEncoding('utf8')) {
        line += String(text);
        if (line.includes('\n')) break;
      }
      const { address } = (JSON.parse(line) as { value: { address: string } }).value;
      // As a browser does: the address of one use gives a session and leads to the pages.
      const first = await fetch(address, { redirect: 'manual' });
      const cookie = first.headers.getSetCookie().map((given) => given.split(';')[0]);
      const page = await fetch(new URL(first.headers.get('location') ?? '', address), {
        headers: { cookie: cookie.join('; ') },
      });
      expect(page.status).toBe(200);
      expect(await page.text()).toContain('<title>FLARE Desk</title>');
    } finally {
      killGroup(child);
    }
  });
});

describe.skipIf(!binary)(`npm start with ${binary?.kind ?? 'SKIPPED: no'} Electron`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench(binary!, 170);
  });
  afterAll(() => bench.close());

  it('opens the window, and ends with it', { timeout: 90_000 }, async () => {
    const env = {
      ...bench.environmentOf(join(folder, 'state')),
      ELECTRON_OVERRIDE_DIST_PATH: bench.folder,
    };
    const child = begin('start', [...bench.flags, '--remote-debugging-port=0'], env);
    try {
      const host = await devtoolsOf(child);
      const ended = once(child, 'exit');
      await expect
        .poll(() => evaluateInPage(host, 'document.body.innerText'), { timeout: 20_000 })
        .toContain('Set up a new project');
      await expect.poll(() => evaluateInPage(host, 'document.visibilityState')).toBe('visible');
      expect(child.exitCode).toBeNull();
      await closePage(host);
      expect(await ended).toEqual([0, null]);
    } finally {
      killGroup(child);
    }
  });
});
