/** The shell around the pages in a real Electron: what a page gets, what it is refused, one instance. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  askPermissions,
  callOrWait,
  leaveFor,
  loadForeignThings,
  openWindows,
  policyOfThePage,
  readOtherFiles,
  shownText,
  whatThePageSees,
} from './hostile-page.ts';
import { type Bench, findElectron, openBench, type Running } from './app.ts';

interface Answer {
  ok: boolean;
  error?: { code: string; message: string };
}
interface DeskWindow {
  desk: {
    call(name: string, payload: unknown): Promise<Answer>;
    open(name: string, payload: unknown, onMessage: (message: unknown) => void): unknown;
  };
}

const binary = await findElectron();

describe.skipIf(!binary)(`shell in ${binary?.kind ?? 'SKIPPED: no'} Electron`, () => {
  let bench: Bench;
  let running: Running;
  let stateFolder: string;
  let server: Server;
  let outside: string;
  let hits = 0;
  let startMs = 0;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      hits += 1;
      response.setHeader('access-control-allow-origin', '*').end('<title>outside</title>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    outside = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    stateFolder = mkdtempSync(join(tmpdir(), 'flaredesk-shell-'));
    bench = await openBench(binary!, 400);
    const began = performance.now();
    running = await bench.start(stateFolder);
    await running.page.getByRole('heading', { name: 'Begin' }).waitFor({ timeout: 20_000 });
    startMs = performance.now() - began;
  });

  afterAll(async () => {
    await running.quit();
    bench.close();
    server.close();
    rmSync(stateFolder, { recursive: true, force: true });
  });

  const call = (name: string, payload: unknown): Promise<Answer> =>
    running.page.evaluate(
      ([name, payload]) => (globalThis as unknown as DeskWindow).desk.call(name, payload),
      [name, payload] as const,
    );

  it('shows the overview soon after its start', async () => {
    expect(running.page.url()).toMatch(/^app:\/\/desk\/index\.html/);
    expect(await running.page.title()).toContain('FLARE Desk');
    await expect
      .poll(() => running.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible()))
      .toBe(true);
    // Electron 22 on two busy cores; the bench measures.
    expect(startMs).toBeLessThan(15_000);
    expect(running.log()).not.toMatch(/Unhandled|TypeError|Electron Security Warning/);
  });

  it('runs its page isolated, sandboxed and without Node', async () => {
    const preferences = await running.app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as {
        getLastWebPreferences(): Record<string, unknown>;
      };
      return contents.getLastWebPreferences();
    });
    expect(preferences).toMatchObject({
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      sandbox: true,
      webSecurity: true,
      webviewTag: false,
    });
    for (const never of [
      'nodeIntegrationInWorker',
      'allowRunningInsecureContent',
      'experimentalFeatures',
      'enableBlinkFeatures',
    ]) {
      expect(preferences[never] ?? false, never).toSatisfy((value) => value === false || value === '');
    }
    const seen = await running.page.evaluate<{ node: string[]; desk: string[][]; replaced: boolean }>(
      whatThePageSees,
    );
    expect(new Set(seen.node)).toEqual(new Set(['undefined']));
    expect(seen.desk.sort()).toEqual(
      ['answer', 'call', 'cancel', 'onPrompt', 'open'].map((name) => [name, 'function']),
    );
    expect(seen.replaced).toBe(false);
  });

  it('serves its page under the policy, and the policy bites', async () => {
    const policy = await running.page.evaluate<string>(policyOfThePage);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w+/=]{20,}'; /);
    for (const part of [
      "connect-src 'self'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ]) {
      expect(policy).toContain(part);
    }
    const tried = await running.page.evaluate<{ blocked: string[]; fetched: string; ranInline: boolean }>(
      loadForeignThings(outside),
    );
    expect(tried.fetched).toBe('refused');
    expect(tried.ranInline).toBe(false);
    expect(tried.blocked).toEqual(
      expect.arrayContaining(['script-src-elem', 'img-src', 'frame-src', 'connect-src']),
    );
    expect(hits).toBe(0);
  });

  it('has no file outside its pages', async () => {
    const got = await running.page.evaluate<{ statuses: number[]; file: string }>(readOtherFiles);
    expect(new Set(got.statuses)).toEqual(new Set([404]));
    expect(got.file).toBe('refused');
  });

  it('stays on its page and opens no window', async () => {
    expect(await running.page.evaluate<boolean>(openWindows(outside))).toBe(true);
    for (const address of [
      outside,
      'file:///etc/passwd',
      'data:text/html,<h1>x</h1>',
      'app://other/index.html',
    ]) {
      await running.page.evaluate(leaveFor(address));
      await running.page.waitForTimeout(300);
    }
    expect(running.page.url()).toMatch(/^app:\/\/desk\//);
    expect(running.app.windows()).toHaveLength(1);
    expect(hits).toBe(0);
    expect(await running.page.evaluate<string>(shownText)).toContain('Begin');
  });

  it('is asked for no permission in vain', async () => {
    const answers = await running.page.evaluate<string[]>(askPermissions);
    expect(answers).toEqual(['denied', 'denied', 'denied', 'denied']);
  });

  it('refuses calls that the contract does not know or whose shape is wrong', async () => {
    await expect(call('core.dispose', {})).rejects.toThrow('no such name');
    await expect(call('__proto__', {})).rejects.toThrow('no such name');
    for (const [name, payload] of [
      ['settings.get', { more: 1 }],
      ['settings.get', 'text'],
      ['settings.get', null],
      ['workspace.open_recent', { id: { toString: 1 } }],
      ['tasks.get', { id: 'x'.repeat(1_000_000) }],
      ['places.pick', { purpose: 'any_file' }],
    ] as const) {
      const answer = await call(name, payload);
      expect(answer.ok, name).toBe(false);
      expect(answer.error?.code, name).toBe('invalid_input');
      expect(answer.error?.message.length, name).toBeLessThan(2000);
    }
    const tooMuch = await call('drafts.set_text', {
      revision: 0,
      file: 'project',
      text: 'x'.repeat(6_000_000),
    });
    expect(tooMuch.error?.code).toBe('too_large');
    expect((await call('settings.get', {})).ok).toBe(true);
  });

  it('takes only places that a person picked here', async () => {
    for (const place of ['/etc', 'place:AAAAAAAAAAAAAAAAAAAAAA', '../..']) {
      const answer = await call('workspace.open', { place });
      expect(answer.error?.code, place).toBe('denied');
    }
  });

  it('ends streams and states that it does not have', async () => {
    const ends = await running.page.evaluate(
      () =>
        new Promise((resolve) => {
          (globalThis as unknown as DeskWindow).desk.open('session.console', { wrong: true }, resolve);
        }),
    );
    expect(ends).toMatchObject({ kind: 'end', result: { ok: false, error: { code: 'invalid_input' } } });
  });

  it('answers no frame but the one of its window', async () => {
    const outcome = await running.app.evaluate(
      async ({ app, BrowserWindow }, { preload, script }) => {
        const foreign = new BrowserWindow({
          show: false,
          webPreferences: { preload: `${app.getAppPath()}/${preload}`, sandbox: true },
        });
        try {
          await foreign.loadURL('app://desk/index.html');
          return (await foreign.webContents.executeJavaScript(script)) as string;
        } finally {
          foreign.destroy();
        }
      },
      {
        preload: bench.kind === 'test' ? 'preload/preload.cjs' : 'out/preload/preload.cjs',
        script: callOrWait,
      },
    );
    expect(outcome).toBe('denied');
    expect((await call('settings.get', {})).ok).toBe(true);
  });

  it('leads a second start to the first window, with its link', async () => {
    await running.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.minimize());
    expect(bench.startAgain(stateFolder, 'flaredesk://settings')).toBe(0);
    await running.page.waitForURL(/#\/settings$/, { timeout: 10_000 });
    const windows = await running.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => window.isMinimized()),
    );
    expect(windows).toEqual([false]);
    expect(bench.startAgain(stateFolder, 'flaredesk://settings/../../etc')).toBe(0);
    expect(running.page.url()).toMatch(/#\/settings$/);
  });

  it('opens the tasks over the page where a notification leads', async () => {
    await running.page.evaluate(`location.hash = '#/settings?task=7'`);
    await running.page.getByText('No task yet').waitFor({ timeout: 10_000 });
    expect(running.page.url()).toMatch(/#\/settings$/);
    await running.page.keyboard.press('Escape');
    await running.page.getByText('No task yet').waitFor({ state: 'hidden', timeout: 10_000 });
  });

  it('remembers no passphrase where no keyring protects it', async () => {
    expect(await call('settings.remembered', {})).toEqual({
      ok: true,
      value: { mode: 'memory_only', passphrases: [] },
    });
  });

  it('looks again after the computer slept', async () => {
    await running.app.evaluate(({ powerMonitor }) => void powerMonitor.emit('resume'));
    const logs = (): string =>
      readdirSync(stateFolder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.log'))
        .map((name) => readFileSync(join(stateFolder, name), 'utf8'))
        .join('');
    await expect.poll(logs).toContain('This computer slept');
    expect((await call('settings.get', {})).ok).toBe(true);
  });

  it('loads its page anew after the page died, and main goes on', async () => {
    const reloaded = running.page.waitForEvent('load', { timeout: 20_000 }).catch(() => undefined);
    await running.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer(),
    );
    await reloaded;
    await expect
      .poll(
        () =>
          running.app.evaluate(({ BrowserWindow }) =>
            BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript('document.body.innerText'),
          ),
        { timeout: 20_000 },
      )
      .toContain('Settings');
  });
});
