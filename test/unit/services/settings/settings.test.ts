import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSettings } from '../../../../src-main/services/settings/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'core-settings-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const file = () => join(folder, 'settings.json');

describe('the settings file', () => {
  it('means the defaults while it is missing, and is not made by reading', async () => {
    expect(await openSettings(folder).read()).toMatchObject({ appearance: 'system', flare: '2.8.1' });
    await expect(stat(file())).rejects.toThrow();
  });

  it('keeps what was set and fills in the rest', async () => {
    await openSettings(folder).change({ appearance: 'dark' });
    expect(await openSettings(folder).read()).toMatchObject({ appearance: 'dark', log_mebibytes: 5 });
    expect((await stat(file())).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['is no JSON', '{ "appearance": '],
    ['has an unknown key', '{ "colour": "red" }'],
    ['has a wrong value', '{ "log_mebibytes": "much" }'],
  ])('is never overwritten when it %s', async (_what, text) => {
    await writeFile(file(), text);
    await expect(openSettings(folder).change({ appearance: 'dark' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(file()) as string,
    });
    expect(await readFile(file(), 'utf8')).toBe(text);
  });
});
