/** Starts the desktop app in a real Electron under Playwright: the official binary with the product's build, or the test binary with the lowered one. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright';
import { type ElectronBinary, officialElectron, testElectron } from '../../../scripts/electron.mjs';
import { labFolder } from '../../../scripts/lab.mjs';
import { type Display, startDisplay } from './display.ts';

const root = join(import.meta.dirname, '../../..');
const startMs = 60_000;

export interface Running {
  app: ElectronApplication;
  page: Page;
  pid: number;
  /** What main wrote to its standard error so far. */
  log(): string;
  /** Quits as a person would; kills what does not end in 15 s. */
  quit(): Promise<void>;
  /** kill -9 for the app with all its processes. */
  kill(): Promise<void>;
}

export interface Bench {
  /** Which Electron is proved. */
  kind: 'official' | 'test';
  /** Where its program lies, as for ELECTRON_OVERRIDE_DIST_PATH, and what it must be started with on this machine. */
  folder: string;
  flags: string[];
  /** The program and all its arguments, for a start without Playwright. */
  command: [string, ...string[]];
  /** What the app is started with, its state in that folder. */
  environmentOf(stateFolder: string): Record<string, string>;
  start(stateFolder: string, environment?: Record<string, string>): Promise<Running>;
  /** Starts the program once more without Playwright and waits for its end; answers its exit code. */
  startAgain(stateFolder: string, ...args: string[]): number | null;
  close(): void;
}

function copyByLink(from: string, to: string): void {
  const done = spawnSync('cp', ['-al', `${from}/.`, to]);
  if (done.status !== 0) cpSync(from, to, { recursive: true });
}

/** Builds with the product's configuration or the one given. */
export function build(config: string[], environment: Record<string, string> = {}): void {
  const done = spawnSync(
    process.execPath,
    [join(root, 'node_modules/electron-vite/bin/electron-vite.js'), 'build', ...config],
    { cwd: root, env: { ...process.env, ...environment }, encoding: 'utf8', timeout: 170_000 },
  );
  if (done.status !== 0) throw new Error(`The build failed: ${done.stderr}${done.stdout}`);
}

/** A folder with the test Electron and the lowered app in it. */
function prepareTestApp(binaryFolder: string): string {
  mkdirSync(labFolder(), { recursive: true });
  const folder = mkdtempSync(join(labFolder(), 'electron-run-'));
  copyByLink(binaryFolder, folder);
  const app = join(folder, 'resources/app');
  build(['-c', join(import.meta.dirname, 'compat/electron.vite.config.ts')], { FLAREDESK_COMPAT_OUT: app });
  writeFileSync(
    join(app, 'package.json'),
    JSON.stringify({
      name: 'flaredesk',
      productName: 'FLARE Desk',
      version: '0.1.0',
      main: 'main/start.cjs',
    }),
  );
  symlinkSync(join(root, 'node_modules'), join(app, 'node_modules'));
  return folder;
}

/** The Electron that is proved; undefined (with the reason on standard error) where none can be had. */
export async function findElectron(): Promise<ElectronBinary | undefined> {
  return officialElectron() ?? (await testElectron());
}

/** Everything the tests of one file need, for at most `seconds`. */
export async function openBench(binary: ElectronBinary, seconds: number): Promise<Bench> {
  const display: Display = await startDisplay(seconds);
  let folder: string | undefined;
  const flags: string[] = [];
  let executable = binary.path;
  if (binary.kind === 'official') {
    build([]);
  } else {
    folder = prepareTestApp(binary.folder);
    executable = join(folder, 'electron');
  }
  // Chromium refuses to run as root with its own sandbox; pages keep `sandbox: true`.
  if (userInfo().uid === 0) flags.push('--no-sandbox');
  flags.push('--disable-gpu');
  const args = [...(binary.kind === 'official' ? [root] : []), ...flags];
  const environmentOf = (stateFolder: string): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    HOME: stateFolder,
    DISPLAY: display.name,
    FLAREDESK_STATE: stateFolder,
    FLAREDESK_CHECK: '1',
  });

  return {
    kind: binary.kind,
    folder: folder ?? binary.folder,
    flags,
    command: [executable, ...args],
    environmentOf,
    async start(stateFolder, environment = {}) {
      const app = await _electron.launch({
        executablePath: executable,
        args,
        env: { ...environmentOf(stateFolder), ...environment },
        timeout: startMs,
      });
      const child = app.process();
      const pid = child.pid ?? 0;
      let log = '';
      child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      const killGroup = (): void => {
        try {
          process.kill(-pid, 'SIGKILL');
        } catch {
          child.kill('SIGKILL');
        }
      };
      const limit = setTimeout(killGroup, 170_000);
      void ended.then(() => clearTimeout(limit));
      try {
        const page = await app.firstWindow({ timeout: startMs });
        return {
          app,
          page,
          pid,
          log: () => log,
          async quit() {
            const late = setTimeout(killGroup, 15_000);
            await app.close().catch(() => undefined);
            await ended;
            clearTimeout(late);
          },
          async kill() {
            killGroup();
            await ended;
          },
        };
      } catch (error) {
        killGroup();
        throw new Error(`The app showed no window: ${String(error)}\n${log}`);
      }
    },
    startAgain: (stateFolder, ...more) =>
      spawnSync(executable, [...args, ...more], {
        env: environmentOf(stateFolder),
        timeout: 30_000,
        killSignal: 'SIGKILL',
        stdio: 'ignore',
      }).status,
    close() {
      display.close();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
