/** A bundle and its data drive by mouse, on real files: inspected, signed, verified; made, filled, grown, told of an export. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readUserData } from '../../../src-main/services/cvm/user-data/index.ts';
import { makeCcKits, type CcKits } from '../../integration/cvm-bundle/kits.ts';
import { packSiteBundle } from '../../integration/cvm-bundle/site-bundle.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { missingDriveTool } from '../../lab/drive-tools.ts';
import { goTo } from '../story/main-job.ts';
import { seriousFaults } from './axe.ts';
import { openWindows, takePictures, takeProofs, type Windows } from './browser.ts';

describe.skipIf(missingDriveTool() !== undefined)('in the windows', () => {
  let folder: string;
  let kits: CcKits;
  let archive: string;
  let windows: Windows;
  let page: Page;
  const button = (name: string | RegExp): Locator =>
    page.getByRole('button', { name, ...(typeof name === 'string' ? { exact: true } : {}) });
  /** Answers the question for a path. */
  const place = async (path: string): Promise<void> => {
    const ask = page.getByRole('dialog', { name: 'Choose a place' });
    await ask.getByRole('textbox').fill(path);
    await page.keyboard.press('Enter');
    await ask.waitFor({ state: 'detached' });
  };
  const shot = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      await page.screenshot({ path: join(tmpdir(), 'flaredesk-bundles.png') }).catch(() => undefined);
      throw error;
    }
  };

  beforeAll(async () => {
    folder = await newLabFolder('bundle-windows');
    kits = await makeCcKits(folder, { withPackager: true });
    archive = packSiteBundle(folder, kits);
    writeFileSync(join(folder, 'desk.yml'), 'version: 1\nflare: "2.8.1"\nworkspace: ws\n');
    windows = await openWindows(folder);
    page = windows.page;
  }, 60_000);
  afterAll(async () => {
    await windows.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it('a bundle that was handed over is looked into without a project', { timeout: 60_000 }, () =>
    shot(async () => {
      await button(/^Look into a bundle/).click();
      await button('Open an archive').click();
      await place(archive);
      await button('Inspect').click();
      await page.getByText('Nothing stands against this bundle').waitFor();
      await button('Verify').click();
      await page.getByText('Paste the root fingerprint the project admin told you.').waitFor();
      await page.getByLabel('Root fingerprint', { exact: true }).fill('AB'.repeat(32));
      await button('Verify').click();
      await page.getByRole('alert').getByText('site-1.bundle.json').first().waitFor();
    }),
  );

  it('a bundle is inspected against the project, signed and verified', { timeout: 90_000 }, () =>
    shot(async () => {
      await goTo(page, 'Overview');
      await button(/^Open a folder/).click();
      await place(folder);
      await page.getByRole('row').filter({ hasText: 'site-1' }).first().waitFor();
      await goTo(page, 'Builds');
      await button('Bundles').click();
      await button('Open an archive').click();
      await place(archive);
      // What was found before is still known; it is read again against the project.
      await button('Inspect again').click();
      await page.getByText('Nothing stands against this bundle').waitFor();
      expect(await seriousFaults(page, 'bundle')).toEqual([]);
      await takePictures(page, 'bundle');
      for (const title of ['Files', 'What it starts', 'Drives', 'Launch measurement', 'Kit inside'])
        await page.locator('summary').filter({ hasText: title }).click();
      await page.getByText('SEV features 0x21').waitFor();
      await page.getByText('crypt_root.qcow2').first().waitFor();
      expect(await page.locator('details table').first().locator('tbody tr').count()).toBe(9);
      expect(await seriousFaults(page, 'bundle unfolded')).toEqual([]);
      await takeProofs(page, 'bundle-unfolded');
      await button('Sign').click();
      await page.getByText('site-1.bundle.json is signed').waitFor();
      await button("Take this project's root").click();
      await button('Verify').click();
      await page.getByText('9 files as bundle_project signed them').waitFor();
      expect(await seriousFaults(page, 'hand-over')).toEqual([]);
      await page.getByText('9 files as bundle_project signed them').scrollIntoViewIfNeeded();
      await takeProofs(page, 'bundle-hand-over');
      const bytes = readFileSync(archive);
      bytes[5] = (bytes[5] ?? 0) ^ 1;
      writeFileSync(archive, bytes);
      await button('Verify').click();
      await page.getByText('1 thing differs: do not start this bundle').waitFor();
      await takeProofs(page, 'bundle-differs');
      expect(await page.locator('main').innerText()).not.toContain(folder);
    }),
  );

  it('a data drive is made, filled, grown and told of an export', { timeout: 120_000 }, () =>
    shot(async () => {
      const drive = join(folder, 'user_data.qcow2');
      mkdirSync(join(folder, 'data/images'), { recursive: true });
      writeFileSync(join(folder, 'data/labels.csv'), 'name,label\nscan-1,3\n');
      writeFileSync(join(folder, 'data/images/scan-1.bin'), Buffer.alloc(300_000, 7));
      writeFileSync(join(folder, 'more.csv'), 'scan-2,4\n');
      await page.evaluate("location.hash = '#/sites/site-1'");
      await page.getByRole('dialog', { name: 'Participant site-1' }).getByText('User data').click();
      await button('Choose: Folder whose content goes onto the drive').click();
      await place(join(folder, 'data'));
      await button('Choose: New drive').click();
      await place(drive);
      expect(await seriousFaults(page, 'new drive')).toEqual([]);
      await takeProofs(page, 'user-data-new');
      await button('Make the drive').click();
      await button('labels.csv').click();
      await page.getByText('scan-1,3').waitFor();
      await button('images/').click();
      await button('scan-1.bin').waitFor();
      await button('Choose: File').click();
      await place(join(folder, 'more.csv'));
      await button('Write').click();
      await page.getByText('more.csv is on the drive').waitFor();
      await button('more.csv').waitFor();
      expect(await seriousFaults(page, 'files of a drive')).toEqual([]);
      await takePictures(page, 'user-data');

      await page.getByRole('tab', { name: 'Size' }).click();
      await page.getByLabel('New size in GiB').fill('0.5');
      await button('Grow').click();
      await page.getByText('A drive can only grow').waitFor();
      expect(await seriousFaults(page, 'size of a drive')).toEqual([]);
      await page.getByLabel('New size in GiB').fill('5');
      await button('Grow').click();
      await page.getByText('user_data.qcow2 has 5 GiB').waitFor({ timeout: 30_000 });

      await page.getByRole('tab', { name: 'Data from NFS' }).click();
      await page.getByLabel('NFS server').fill('127.0.0.1');
      await page.getByLabel('Exported folder').fill('exports');
      await button('Check').click();
      await page.getByText('the form is host:/path').waitFor();
      await page.getByLabel('Exported folder').fill('/exports/study');
      await button('Check').click();
      await page.getByText('allowed_out_ports of site-1 lacks 111 and 2049').waitFor();
      expect(await button('Write ext_mount.conf').isDisabled()).toBe(true);
      expect(await seriousFaults(page, 'export')).toEqual([]);
      await takePictures(page, 'user-data-nfs');
      await page.getByLabel('Write it although the VM will not reach the server').check();
      await button('Write ext_mount.conf').click();
      await page.getByText('ext_mount.conf is on the drive').waitFor();

      const info = execFileSync('qemu-img', ['info', '--output=json', drive]).toString();
      expect((JSON.parse(info) as Record<string, number>)['virtual-size']).toBe(5 * 1024 ** 3);
      const read = async (path: string): Promise<string> => (await readUserData({ drive, path })).toString();
      expect(await read('ext_mount.conf')).toBe('127.0.0.1:/exports/study\n');
      expect(await read('more.csv')).toBe('scan-2,4\n');
      expect(await read('labels.csv')).toBe('name,label\nscan-1,3\n');
      expect(windows.complaints).toEqual([]);
    }),
  );
});
