/** The packaged app: what electron-builder puts into it, its fuses, and that it starts. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { labFolder } from '../../../scripts/lab.mjs';
import { build, findElectron } from './app.ts';
import { devtoolsOf, evaluateInPage } from './devtools.ts';
import { type Display, startDisplay } from './display.ts';

const root = join(import.meta.dirname, '../../..');
const binary = await findElectron();
// The official binary is packaged by `electron-builder` alone; this is for the one that tests can have everywhere.
const test = binary?.kind === 'test' ? binary : undefined;

/** Where the archive's list of files ends and the names of all files in it. */
function filesOfArchive(archive: string): string[] {
  const bytes = readFileSync(archive);
  const text = bytes.subarray(16, 16 + bytes.readUInt32LE(12)).toString('utf8');
  type Entry = { files?: Record<string, Entry> };
  const walk = (entry: Entry, path: string): string[] =>
    Object.entries(entry.files ?? {}).flatMap(([name, inner]) =>
      inner.files ? walk(inner, `${path}${name}/`) : [`${path}${name}`],
    );
  return walk(JSON.parse(text) as Entry, '');
}

describe.skipIf(!test)(`packaged with ${test ? 'the test' : 'SKIPPED: no test'} Electron`, () => {
  let folder: string;
  let unpacked: string;
  let fuses: Record<string, boolean>;
  let display: Display | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(labFolder(), 'packaged-'));
    build(['-c', join(import.meta.dirname, 'compat/electron.vite.config.ts')], {
      FLAREDESK_COMPAT_OUT: join(folder, 'app'),
    });
    const from = (name: string) => ({ from: join(folder, 'app', name), to: `out/${name}` });
    const sqlite = 'node_modules/node-sqlite3-wasm';
    const own = parse(readFileSync(join(root, 'electron-builder.yml'), 'utf8')) as {
      electronFuses: Record<string, boolean>;
    };
    // The old Electron has no such fuse.
    const { grantFileProtocolExtraPrivileges: last, ...electronFuses } = own.electronFuses;
    expect(last).toBe(false);
    fuses = electronFuses;
    const config = {
      ...own,
      electronDist: test!.folder,
      electronVersion: test!.version,
      directories: { output: join(folder, 'dist'), buildResources: join(root, 'assets') },
      extraMetadata: { main: 'out/main/start.cjs' },
      files: [
        'package.json',
        from('main'),
        from('preload'),
        from('renderer'),
        // Packages the app needs to run come along by themselves; the test's own database does not.
        { from: join(root, sqlite), to: sqlite },
      ],
      electronFuses,
    };
    const file = join(folder, 'builder.json');
    writeFileSync(file, JSON.stringify(config));
    const done = spawnSync(
      process.execPath,
      [join(root, 'node_modules/electron-builder/cli.js'), '--linux', 'dir', '--config', file],
      { cwd: root, encoding: 'utf8', timeout: 120_000 },
    );
    if (done.status !== 0) throw new Error(`Packaging failed: ${done.stdout}${done.stderr}`);
    unpacked = join(folder, 'dist/linux-unpacked');
    display = await startDisplay(120);
  });
  afterAll(() => {
    display?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has every fuse this binary knows as it should be', async () => {
    const wire = await getCurrentFuseWire(join(unpacked, 'flaredesk'));
    const named = Object.entries(fuses).map(([name, on]) => {
      const fuse = FuseV1Options[`${name.slice(0, 1).toUpperCase()}${name.slice(1)}` as 'RunAsNode'];
      return { name, on, found: wire[fuse] };
    });
    expect(named).toEqual(
      named.map(({ name, on }) => ({ name, on, found: on ? FuseState.ENABLE : FuseState.DISABLE })),
    );
    expect(named).toHaveLength(6);
  });

  it('holds the app and what it needs to run, no sources, tests or tools', () => {
    const files = filesOfArchive(join(unpacked, 'resources/app.asar'));
    expect(files).toEqual(
      expect.arrayContaining([
        'package.json',
        'out/main/start.cjs',
        'out/renderer/index.html',
        'node_modules/ssh2/package.json',
      ]),
    );
    const foreign = files.filter((name) =>
      /^(src-|test\/|bench\/|docs\/|scripts\/)|\.env$|\.(pem|key)$/.test(name),
    );
    expect(foreign).toEqual([]);
    expect(files.filter((name) => /^out\/.*\.map$/.test(name))).toEqual([]);
    expect(
      files.filter((name) => /^node_modules\/(vitest|playwright|typescript|electron)\//.test(name)),
    ).toEqual([]);
  });

  it('shows its window', async () => {
    const state = join(folder, 'state');
    const child = spawn(
      join(unpacked, 'flaredesk'),
      ['--remote-debugging-port=0', '--disable-gpu', ...(userInfo().uid === 0 ? ['--no-sandbox'] : [])],
      {
        env: { PATH: process.env['PATH'], HOME: folder, DISPLAY: display?.name, FLAREDESK_STATE: state },
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
        timeout: 60_000,
      },
    );
    try {
      // Playwright's own door to Electron needs the inspector, which the fuses close; Chromium's is enough.
      const host = await devtoolsOf(child);
      await expect
        .poll(() => evaluateInPage(host, 'document.body.innerText'), { timeout: 20_000 })
        .toContain('Set up a new project');
    } finally {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }
  });
});
