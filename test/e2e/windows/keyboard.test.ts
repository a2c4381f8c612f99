/** The main job without a mouse, on real hosts and the real NVFlare: every step is reached with Tab, arrows and shortcuts. */
import { cp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterEach, expect, it } from 'vitest';
import { newLabFolder } from '../../lab/keeper.ts';
import { freePort } from '../../lab/ports.ts';
import { filesBelow, type LabHosts, ownStorage, participants, startHosts } from '../story/hosts.ts';
import type { HostWords } from '../story/wizard.ts';
import { openWindows } from './browser.ts';
import { hasFocus, Keys } from './keys.ts';

const template = join(import.meta.dirname, '../../../resources/job-templates/hello-numpy');
const admin = 'ada@example.org';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const rowSays = (page: Page, name: string, text: RegExp, timeout = 20_000) =>
  page.getByRole('row').filter({ hasText: name }).getByText(text).first().waitFor({ timeout });

async function fillHost(keys: Keys, host: HostWords): Promise<void> {
  await keys.fill('SSH address', host.address);
  await keys.fill('User', host.user);
  await keys.fill('SSH port', String(host.port ?? ''));
  await keys.fill('Key file', host.identity ?? '');
  await keys.fill('Folder on the host', host.directory);
  await keys.fill('Prepended to PATH, separated by colons', host.path);
}

async function describeProject(keys: Keys, folder: string, hosts: LabHosts): Promise<void> {
  const { page } = keys;
  await keys.press(/^Set up a new project/);
  await keys.fill('Project name', 'clinics');
  await keys.press('Choose folder');
  await keys.fill('Folder for the new project', folder);
  await keys.key('Enter');
  await keys.to(page.getByRole('radio', { name: '2.8.1' }));
  await keys.press('Begin');

  await keys.press('Add server');
  await keys.fill('Name', 'localhost');
  await keys.fill('Organisation', 'nvidia');
  await keys.fill('Federation port', String(await freePort()));
  await fillHost(keys, hosts.words('localhost'));
  await keys.key('Enter');
  await page.getByRole('row', { name: 'localhost' }).waitFor();
  await keys.press('Next');
  await keys.press('Add site');
  for (const name of ['site-1', 'site-2']) {
    await keys.fill('Name', name);
    await keys.fill('Organisation', 'clinic');
    await fillHost(keys, hosts.words(name));
    await keys.press(name === 'site-1' ? 'Apply and add another' : 'Apply');
  }
  await page.getByRole('row', { name: 'site-2' }).waitFor();
  await keys.press('Next');
  await keys.press('Add admin');
  await keys.fill('Name', admin);
  await keys.fill('Organisation', 'nvidia');
  await keys.key('Enter');
  await page.getByRole('row', { name: admin }).waitFor();
  await keys.press('Next');
  await page.getByText('Confidential computing for all sites').waitFor();
  await keys.press('Next');
}

async function acceptHostKeys(keys: Keys, hosts: LabHosts): Promise<void> {
  const dialog = keys.page.getByRole('dialog', { name: 'Unknown host key' });
  for (let left = hosts.sshds.size; left > 0; left -= 1) {
    await dialog.waitFor();
    const told = hosts.sshds.get(await dialog.locator('dd').first().innerText())?.fingerprint ?? '';
    await keys.fill(undefined, told, dialog);
    await keys.press('Accept this key', dialog);
    await dialog.getByText(told).waitFor({ state: 'detached' });
  }
}

it('does the main job by keyboard alone', { timeout: 150_000 }, async () => {
  const folder = await newLabFolder('keyboard');
  cleanUps.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const hosts = await startHosts(folder, '2.8.1');
  cleanUps.push(() => hosts.stop());
  const windows = await openWindows(folder);
  cleanUps.push(() => windows.close());
  const { page } = windows;
  const keys = new Keys(page);
  const project = join(folder, 'heart-failure-study');
  try {
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await keys.watch();
    await describeProject(keys, project, hosts);
    await page.getByText('Nothing wrong was found.').waitFor();
    await keys.press('Save and provision');
    for (const name of [...participants, admin]) await rowSays(page, name, /prod_00/);

    await keys.key('Alt+3');
    await keys.press('Check');
    await acceptHostKeys(keys, hosts);
    for (const name of participants) await rowSays(page, name, /^reachable/);
    await keys.press('Deliver');
    for (const name of participants) await rowSays(page, name, /^delivered/);
    await ownStorage(hosts.sshds.get('localhost')?.home ?? '');
    await keys.press('Start');
    for (const name of participants) await rowSays(page, name, /^running/i, 60_000);

    await keys.key('Alt+4');
    await keys.press(`Open session as ${admin}`);
    const screen = page.getByRole('tabpanel');
    await screen.getByText('Logged in as').first().waitFor();
    await keys.type('check_sta');
    await keys.key('Tab');
    await keys.type('server\n');
    await screen.getByText('site-2').first().waitFor();
    // Out of the terminal: backwards with Shift+Tab, or by region, or straight to a page.
    await keys.key('Shift+Tab');
    expect(await page.evaluate(`document.activeElement.closest('[role="tabpanel"]')`)).toBeNull();
    await keys.key('F6');
    expect(await page.evaluate('document.activeElement.closest("footer") !== null')).toBe(true);

    const kit = join(project, 'workspace', 'clinics', 'prod_00', admin);
    await cp(template, join(kit, 'transfer', 'hello-numpy'), { recursive: true });
    await keys.key('Alt+5');
    await keys.press('Submit hello-numpy');
    const dialog = page.getByRole('dialog', { name: 'Submit hello-numpy' });
    await dialog
      .getByText('Nothing stands in the way')
      .waitFor({ timeout: 1000 })
      .catch(() => undefined);
    await keys.press('Submit', dialog);
    const grid = page.getByRole('grid', { name: 'Jobs of the server' });
    await grid.getByText('FINISHED:COMPLETED').waitFor({ timeout: 60_000 });
    await keys.to(grid);
    await keys.key('Enter');
    const detail = page.getByRole('dialog', { name: 'Job hello-numpy' });
    await keys.to(keys.button('Show the result folder', detail));
    expect(await filesBelow(kit, 'server.npy')).toHaveLength(1);
    await keys.key('Escape');
    await detail.waitFor({ state: 'detached' });
    await expect.poll(() => hasFocus(grid)).toBe(true);

    await keys.key('Control+k');
    await keys.to(page.getByPlaceholder(/^Find a page/));
    await keys.type('Sites');
    await keys.key('Enter');
    await keys.press('Stop');
    const stop = page.getByRole('dialog', { name: 'Stop participants' });
    await keys.fill(undefined, 'clinics', stop);
    await keys.key('Enter');
    for (const name of participants) await rowSays(page, name, /stopped/i, 30_000);
    expect(await keys.mouseUsed()).toBe(false);
    expect(windows.complaints).toEqual([]);
  } catch (error) {
    await page.screenshot({ path: join(tmpdir(), 'flaredesk-keyboard.png') }).catch(() => undefined);
    throw error;
  }
});
