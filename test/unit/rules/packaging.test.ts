/** What the package is made of: the Electron it stands on, its fuses, and no switch that opens it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { supportProblem } from '../../../scripts/electron-support.mjs';

const root = join(import.meta.dirname, '../../..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const manifest = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };

describe('the Electron below', () => {
  const pinned = manifest.devDependencies['electron'] ?? '';

  it('is one exact version, the same in the lock file', () => {
    expect(pinned).toMatch(/^\d+\.\d+\.\d+$/);
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version: string }> };
    expect(lock.packages['node_modules/electron']?.version).toBe(pinned);
  });

  it('is asked about every week', () => {
    expect(read('.ci/weekly')).toContain('node scripts/electron-support.mjs');
    expect(statSync(join(root, '.ci/weekly')).mode & 0o111).not.toBe(0);
  });

  it.each([
    ['45.4.1', '45.4.1', undefined],
    ['45.4.1', '47.0.0', undefined],
    ['45.4.1', '48.0.0', 'gets no fixes any more'],
    ['22.3.25', '45.4.1', 'gets no fixes any more'],
    ['^45.4.1', '45.4.1', 'no exact stable version'],
    ['46.0.0-beta.1', '46.0.0', 'no exact stable version'],
    ['45.4.1', '', 'no version'],
  ])('%s with %j as the newest: %s', (own, newest, problem) => {
    const said = supportProblem(own, newest);
    if (problem === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(problem);
  });
});

describe('the package', () => {
  it('sets every fuse of Electron to its safe side', () => {
    const { electronFuses } = parse(read('electron-builder.yml')) as { electronFuses: unknown };
    expect(electronFuses).toEqual({
      runAsNode: false,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      grantFileProtocolExtraPrivileges: false,
    });
  });

  it('carries no switch that takes the sandbox or the checks of Chromium away', () => {
    const shipped = ['electron-builder.yml', 'package.json', 'electron.vite.config.ts'];
    for (const folder of ['assets', 'resources'])
      for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }))
        if (statSync(join(root, folder, name)).isFile()) shipped.push(join(folder, name));
    const switches =
      /--no-sandbox|disable-web-security|ignore-certificate-errors|allow-running-insecure|disable-features/;
    expect(shipped.filter((name) => switches.test(read(name)))).toEqual([]);
    expect(shipped.length).toBeGreaterThan(5);
  });
});

describe('the icons', () => {
  const bytes = (name: string): Buffer => readFileSync(join(root, name));
  /** Width and height as the picture itself says. */
  const edges = (png: Buffer): [number, number] => {
    expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
    return [png.readUInt32BE(16), png.readUInt32BE(20)];
  };
  const { linux, mac, win } = parse(read('electron-builder.yml')) as Record<string, { icon: string }>;

  it('for Linux are of every size that desktops look for', () => {
    const folder = linux?.icon ?? '';
    const sizes = readdirSync(join(root, folder)).map((name) => {
      const [width, height] = edges(bytes(join(folder, name)));
      expect(name).toBe(`${width}x${height}.png`);
      expect(width).toBe(height);
      return width;
    });
    expect(sizes.sort((one, other) => one - other)).toEqual([16, 24, 32, 48, 64, 128, 256, 512, 1024]);
  });

  it('for Windows are one file with pictures up to 256 pixels', () => {
    const file = bytes(win?.icon ?? '');
    const count = file.readUInt16LE(4);
    expect([file.readUInt16LE(0), file.readUInt16LE(2), count]).toEqual([0, 1, 7]);
    for (let index = 0; index < count; index += 1) {
      const entry = file.subarray(6 + 16 * index, 22 + 16 * index);
      const start = entry.readUInt32LE(12);
      const picture = file.subarray(start, start + entry.readUInt32LE(8));
      const size = entry[0] || 256;
      expect(edges(picture)).toEqual([size, size]);
    }
  });

  it('for macOS are one file with pictures up to 1024 pixels', () => {
    const file = bytes(mac?.icon ?? '');
    expect(file.toString('latin1', 0, 4)).toBe('icns');
    expect(file.readUInt32BE(4)).toBe(file.length);
    const found: Record<string, number> = {};
    for (let at = 8; at < file.length; at += file.readUInt32BE(at + 4))
      found[file.toString('latin1', at, at + 4)] = edges(file.subarray(at + 8))[0];
    expect(found).toMatchObject({ ic07: 128, ic08: 256, ic09: 512, ic10: 1024, ic14: 512 });
  });
});
