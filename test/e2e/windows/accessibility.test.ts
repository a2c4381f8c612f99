/** axe on every page in light and dark, on a provisioned project: nothing serious, nothing critical. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newLabFolder } from '../../lab/keeper.ts';
import { freePort } from '../../lab/ports.ts';
import { openWindows, takePictures, takeProofs, type Windows } from './browser.ts';
import { seriousFaults } from './axe.ts';
import { goTo } from '../story/main-job.ts';
import { describeProject, type HostWords } from '../story/wizard.ts';

const admin = 'ada@example.org';
let folder: string;
let windows: Windows;
let page: Page;

beforeAll(async () => {
  folder = await newLabFolder('axe');
  windows = await openWindows(folder);
  page = windows.page;
}, 60_000);
afterAll(async () => {
  await windows?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const press = (name: string) => page.getByRole('button', { name, exact: true }).click();

it('finds nothing serious on any page', { timeout: 160_000 }, async () => {
  const found: string[] = [];
  const look = async (where: string) => {
    found.push(...(await seriousFaults(page, where)));
    await takeProofs(page, where.replaceAll(/\W+/g, '-'));
  };
  const host: HostWords = {
    address: '127.0.0.1',
    port: await freePort(),
    user: 'ada',
    identity: '/home/ada/.ssh/id_ed25519',
    directory: '/srv/flare',
    path: '/opt/nvflare/bin',
  };

  await page.getByRole('button', { name: /^Set up a new project/ }).waitFor();
  await look('empty overview');
  await describeProject(page, {
    name: 'clinics',
    folder: join(folder, 'project'),
    flare: '2.8.1',
    server: { name: 'localhost', port: 8002, host },
    sites: [
      { name: 'site-1', host },
      { name: 'site-2', host: undefined },
    ],
    admin,
  });
  await look('review');
  await goTo(page, 'Overview');
  await page.getByText('An unfinished draft').waitFor();
  await look('draft offer');
  await press('Go on with the draft');
  for (const step of ['Basics', 'Server', 'Sites', 'Admins']) {
    await page.getByRole('listitem').getByRole('button', { name: step, exact: true }).click();
    await look(`step ${step}`);
  }
  await page.getByRole('listitem').getByRole('button', { name: 'Sites', exact: true }).click();
  await page.getByRole('row', { name: 'site-1' }).getByText('site-1', { exact: true }).click();
  await page.getByRole('heading', { name: 'Participant site-1' }).waitFor();
  await look('participant form');
  await page.getByRole('listitem').getByRole('button', { name: 'Review', exact: true }).click();
  await press('Save and provision');
  await page
    .getByRole('row', { name: admin })
    .getByText(/prod_00/)
    .waitFor({ timeout: 30_000 });
  await look('overview');

  await goTo(page, 'Project');
  await page.getByRole('listitem').getByRole('button', { name: 'Basics', exact: true }).click();
  await page.getByRole('textbox', { name: 'Description' }).fill('Mine');
  await page.getByRole('textbox', { name: 'Description' }).press('Enter');
  await page.getByText('1 line changed').waitFor();
  const file = join(folder, 'project', 'project.yml');
  const theirs = (await readFile(file, 'utf8')).replace(/^description:.*/m, 'description: Theirs');
  await writeFile(file, theirs);
  await press('Save');
  const difference = page.getByRole('dialog', { name: 'The file changed on disk' });
  await difference.waitFor();
  await look('difference');
  await difference.getByRole('button').first().click();
  await difference.waitFor({ state: 'detached' });

  await goTo(page, 'Sites');
  await look('sites');
  await press('Check');
  await page
    .getByRole('row', { name: 'site-1' })
    .getByText(/refused|unreachable|failed|answer/i)
    .first()
    .waitFor();
  await look('sites, hosts unreachable');
  await page.getByRole('row', { name: 'site-1' }).getByText('site-1', { exact: true }).click();
  await page.getByRole('dialog', { name: 'Participant site-1' }).waitFor();
  await look('site drawer');
  await page.keyboard.press('Escape');

  await goTo(page, 'Console');
  await look('console without session');
  await press(`Open session as ${admin}`);
  await page.getByRole('tabpanel').getByText('Login failed').waitFor();
  await look('console, login failed');

  await goTo(page, 'Jobs');
  await page.getByRole('heading', { name: 'Transfer folder' }).waitFor();
  await look('jobs');
  await goTo(page, 'Settings');
  await page.getByRole('heading', { name: 'About' }).waitFor();
  await look('settings');
  await takePictures(page, 'settings');
  await page.keyboard.press('Control+j');
  await page.getByRole('dialog', { name: 'Tasks' }).waitFor();
  await look('tasks drawer');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.getByPlaceholder(/^Find a page/).waitFor();
  await look('palette');
  expect(found).toEqual([]);
});
