/** A project folder that may be read and not written: it is said, it can be looked at, and nothing that was typed is lost. */
import { chmod, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { newLabFolder } from '../../lab/keeper.ts';
import { projectText } from '../../lab/project-text.ts';
import { goTo } from '../story/main-job.ts';
import { nobody, openWindows, type Windows } from './browser.ts';

let folder: string;
let project: string;
let file: string;
let windows: Windows;
let page: Page;

const begin = async (): Promise<void> => {
  windows = await openWindows(folder, { unprivileged: true });
  page = windows.page;
};
beforeAll(async () => {
  folder = await newLabFolder('read-only');
  // Its user must come through to what lies in it.
  await chmod(folder, 0o755);
  project = join(folder, 'heart-failure-study');
  file = join(project, 'project.yml');
  await mkdir(project);
  await writeFile(file, projectText);
  if (process.getuid?.() === 0) for (const own of [project, file]) await chown(own, nobody, nobody);
  await chmod(project, 0o555);
  await begin();
}, 60_000);
afterAll(async () => {
  await windows?.close();
  if (project) await chmod(project, 0o755);
  if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});
beforeEach(() =>
  onTestFailed(async () => {
    await page.screenshot({ path: join(tmpdir(), 'flaredesk-read-only.png') });
  }),
);

const press = (name: string | RegExp) => page.getByRole('button', { name, exact: true }).first().click();
const says = (text: string | RegExp) => page.getByText(text).first().waitFor();
const description = () => page.getByRole('textbox', { name: 'Description' });

it('shows the project and says that it cannot be changed', async () => {
  await press(/^Open a folder/);
  await page.getByRole('textbox', { name: /^Folder of a project/ }).fill(project);
  await press('Use this place');
  await says(`${project} is read-only: it can be looked at, not changed.`);
  await page.getByRole('row', { name: 'site-1' }).waitFor();
});

it('says why it was not saved, and keeps what was typed', async () => {
  await press('Edit project');
  await page.getByRole('listitem').getByRole('button', { name: 'Basics', exact: true }).click();
  await description().fill('Mine');
  await description().press('Enter');
  await says('1 line changed');
  await press('Save');
  await says(`${file} cannot be written: this user may not write there.`);
  await says('Give this user the right to write there');
  expect(await description().inputValue()).toBe('Mine');
  expect(await readFile(file, 'utf8')).toBe(projectText);
  expect(await readdir(project)).toEqual(['project.yml']);
});

it('has the draft after a restart, and saves it once it may', { timeout: 40_000 }, async () => {
  await windows.close();
  await begin();
  await says('An unfinished draft');
  await press('Go on with the draft');
  await page.getByRole('listitem').getByRole('button', { name: 'Basics', exact: true }).click();
  await expect.poll(() => description().inputValue()).toBe('Mine');
  await chmod(project, 0o755);
  await press('Save');
  // Both files are written by then.
  await says('Saved');
  await expect.poll(() => readFile(file, 'utf8')).toContain('description: Mine');
});

it('says why nothing could be provisioned', async () => {
  await chmod(project, 0o555);
  await goTo(page, 'Overview');
  await press('Provision');
  await press('Save and provision');
  await press(/Provision · Failed/);
  const tasks = page.getByRole('dialog', { name: 'Tasks' });
  await tasks
    .getByText(/heart-failure-study.*no permission/)
    .first()
    .waitFor();
  expect(await readdir(project)).not.toContain('workspace');
});
