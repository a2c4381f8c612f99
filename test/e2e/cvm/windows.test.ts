/** The guide's confidential project by mouse: provisioned, built, hosts asked, delivered, started, looked at and stopped. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright';
import { afterEach, expect, it } from 'vitest';
import { type CcProject, makeCcProject } from '../../lab/cc-project.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { goTo } from '../story/main-job.ts';
import { openWindows, takePictures } from '../windows/browser.ts';
import { seriousFaults } from '../windows/axe.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const rowOf = (page: Page, name: string): Locator => page.getByRole('row').filter({ hasText: name });
const rowsSay = async (page: Page, text: RegExp, timeout = 40_000) => {
  for (const name of ['server1', 'site-1'])
    await rowOf(page, name).getByText(text).first().waitFor({ timeout });
};

it('takes a confidential project from files to running and back', { timeout: 170_000 }, async () => {
  const folder = await newLabFolder('cc-windows');
  cleanUps.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const cc: CcProject = await makeCcProject(folder);
  cleanUps.push(() => cc.stop());
  const windows = await openWindows(folder);
  cleanUps.push(() => windows.close());
  const { page } = windows;
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  try {
    await page.getByRole('button', { name: /^Open a folder/ }).click();
    const ask = page.getByRole('dialog');
    await ask.getByRole('textbox').fill(join(folder, 'project'));
    await page.keyboard.press('Enter');
    await rowOf(page, 'server1').waitFor();
    await page.locator('header').getByRole('button', { name: 'Provision', exact: true }).click();
    await press('Save and provision');
    await goTo(page, 'Overview');
    await rowsSay(page, /^built|^cvm_/, 90_000);

    // Each bundle is looked into, signed with the root key, and verified by the root alone.
    for (const name of ['server1', 'site-1']) {
      await goTo(page, 'Builds');
      await press('Bundles');
      await rowOf(page, name).click();
      await page
        .getByText(new RegExp(`^${name}: \\d+ files and names verified`))
        .waitFor({ timeout: 30_000 });
      await page.getByText(/problems?: do not use/).waitFor({ state: 'detached' });
      await press('Sign');
      await page.getByText(`${name}.bundle.json is signed`).waitFor();
      await press("Take this project's root");
      await press('Verify');
      await page.getByText(/^9 files as .* signed them$/).waitFor();
    }

    await goTo(page, 'Hosts');
    await press('Check hosts');
    const qemu = page.getByRole('button', { name: /^QEMU on site-1: OK, 9\.2\.1/ });
    await qemu.waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: /^Clock on server1/ }).waitFor();
    await takePictures(page, 'hosts');
    expect(await seriousFaults(page, 'hosts')).toEqual([]);
    await page.getByRole('button', { name: /^CPU has SEV-SNP on site-1: Failed/ }).click();
    const evidence = page.getByRole('dialog', { name: 'CPU has SEV-SNP on site-1' });
    await evidence.getByText('What to do').waitFor();
    await evidence.getByText('grep -ow -m1 sev_snp /proc/cpuinfo').waitFor();
    expect(await seriousFaults(page, 'evidence of a probe')).toEqual([]);
    await evidence.getByRole('button', { name: 'Close' }).click();

    await goTo(page, 'Sites');
    await press('Deliver');
    await rowsSay(page, /^delivered/);
    await press('Start');
    await rowsSay(page, /^VM runs/, 60_000);
    expect(await seriousFaults(page, 'sites')).toEqual([]);
    await goTo(page, 'Overview');
    await rowsSay(page, /^VM runs/);
    await takePictures(page, 'confidential-overview');
    expect(await seriousFaults(page, 'overview')).toEqual([]);

    await goTo(page, 'Sites');
    await rowOf(page, 'site-1').click();
    const detail = page.getByRole('dialog', { name: 'Participant site-1' });
    await detail.getByRole('button', { name: 'Show log' }).click();
    await detail.getByText(/Retrieved key: [0-9a-f]{4} \.\.\./).waitFor();
    await detail.getByRole('button', { name: 'Stop', exact: true }).click();
    const stop = page.getByRole('dialog', { name: 'Stop participants' });
    await stop.getByText('stops the whole federation').waitFor();
    await stop.getByRole('textbox').fill('site-1');
    await stop.getByRole('button', { name: 'Stop', exact: true }).click();
    // No FLARE server answers in this VM, so the site cannot leave in order, and is not ended without a word.
    await detail.getByText(/could not be shut down by command/).waitFor({ timeout: 30_000 });
    await detail.getByRole('button', { name: 'End VM all the same' }).click();
    const end = page.getByRole('dialog', { name: 'End a VM without leaving the federation' });
    await end.getByRole('textbox').fill('site-1');
    await end.getByRole('button', { name: 'End VM all the same' }).click();
    await detail.getByText(/^stopped/).waitFor({ timeout: 30_000 });
    expect(windows.complaints).toEqual([]);
  } catch (error) {
    await page.screenshot({ path: join(tmpdir(), 'flaredesk-cvm-windows.png') }).catch(() => undefined);
    throw error;
  }
});
