/** The key broker's page in a real Electron: a policy set with the typed name, a resource put from a file picked in the system's dialog. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeConfidentialProject } from '../../integration/kbs/confidential-project.ts';
import { startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';
import { pressAndTypeName } from '../story/typed-name.ts';
import { type Bench, findElectron, openBench, type Running } from './app.ts';
import { willPick } from './system.ts';

const binary = await findElectron();

describe.skipIf(!binary)(`key broker in ${binary?.kind ?? 'SKIPPED: no'} Electron`, () => {
  let bench: Bench;
  let kbs: TestKbs;
  let folder: string;
  let running: Running | undefined;

  beforeAll(async () => {
    bench = await openBench(binary!, 410);
    kbs = await startKbs({ minor: 20 });
    folder = mkdtempSync(join(tmpdir(), 'flaredesk-kbs-electron-'));
    mkdirSync(join(folder, 'project'));
    await writeConfidentialProject(join(folder, 'project'), kbs);
  });
  afterEach(async () => {
    await running?.kill();
  });
  afterAll(async () => {
    bench.close();
    await kbs.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('sets a policy, and puts and deletes a resource', async () => {
    running = await bench.start(join(folder, 'state'));
    const { page } = running;
    page.setDefaultTimeout(15_000);
    const confirm = (button: string, place?: Locator) => pressAndTypeName(page, button, 'study', place);
    await willPick(running, join(folder, 'project'));
    await page.getByRole('button', { name: /Open a folder/ }).click();
    await page.getByRole('link', { name: 'Key broker' }).click();
    await page.getByRole('button', { name: 'Write rules from images' }).click();
    await page.getByText('Nothing found').waitFor();
    await confirm('Set policy');
    await expect.poll(() => kbs.policy, { timeout: 15_000 }).toContain('# site-2');

    const path = 'keys/root/vm-site-2';
    writeFileSync(join(folder, 'disk.key'), 'a key of the desktop');
    await willPick(running, join(folder, 'disk.key'));
    await page.getByRole('tab', { name: 'Resources' }).click();
    const row = page.getByRole('row').filter({ hasText: path });
    await row.getByRole('button', { name: 'Use path' }).click();
    await page.getByRole('button', { name: 'Choose file…' }).click();
    await page.getByText('disk.key').waitFor();
    await confirm('Put resource');
    await expect.poll(() => kbs.resources.get(path)?.toString()).toBe('a key of the desktop');
    await confirm('Delete', row);
    await expect.poll(() => kbs.resources.size).toBe(0);
    expect(running.log()).not.toMatch(/Unhandled|TypeError|a key of the desktop/);
  });
});
