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
