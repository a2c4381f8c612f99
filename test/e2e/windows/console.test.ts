/**
 * The console in a real browser against a real server, opened from what others made: the workspace of `nvflare provision`, and an
 * admin kit alone.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { newLabFolder } from '../../lab/keeper.ts';
import { type LabFederation, startFederation } from '../../lab/nvflare.ts';
import { filesBelow } from '../story/hosts.ts';
import { goTo } from '../story/main-job.ts';
import { openWindows, type Windows } from './browser.ts';

const template = join(import.meta.dirname, '../../../resources/job-templates/hello-numpy');
const admin = 'admin@nvidia.com';
const longest = 100_000;
let folder: string;
let federation: LabFederation;
let windows: Windows;
let page: Page;
let screen: Locator;

beforeAll(async () => {
  folder = await newLabFolder('console');
  federation = await startFederation({ version: '2.8.1', clients: 2 });
  await cp(template, join(federation.adminKit(), 'transfer', 'hello-numpy'), { recursive: true });
  const { folder: home } = federation.server;
  await mkdir(join(home, 'notes'), { recursive: true });
  await writeFile(
    join(home, 'notes', 'hostile.txt'),
    'A\x1b]0;owned\x07 B\x1b]52;c;b3duZWQ=\x07 C\x1b]8;;https://example.org/\x07link\x1b]8;;\x07 \x1b[31mD\n',
  );
  const lines = Array.from({ length: longest }, (_, index) => `${index + 1} a line of the log`);
  await writeFile(join(home, 'notes', 'long.txt'), lines.join('\n'));
  windows = await openWindows(folder);
  page = windows.page;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  screen = page.getByRole('tabpanel');
}, 120_000);
afterAll(async () => {
  await windows?.close();
  await federation?.stop();
  if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

beforeEach(() =>
  onTestFailed(async () => {
    await page.screenshot({ path: join(tmpdir(), 'flaredesk-console.png') });
  }),
);

const press = (name: string | RegExp) => page.getByRole('button', { name, exact: true }).click();
const shows = (text: string | RegExp, timeout = 8000) => screen.getByText(text).first().waitFor({ timeout });
/** Types as a person does; `\t` is the Tab key. */
async function type(text: string): Promise<void> {
  for (const [index, part] of text.split('\t').entries()) {
    if (index > 0) await page.keyboard.press('Tab');
    await page.keyboard.type(part);
  }
}
/** Types a line, then waits for what the answer shows. */
async function ask(line: string, answer: string | RegExp, timeout = 8000): Promise<void> {
  await type('clear\n');
  await type(`${line}\n`);
  await shows(answer, timeout);
}

async function openPlace(way: RegExp, label: RegExp, path: string): Promise<void> {
  await press(way);
  await page.getByRole('textbox', { name: label }).fill(path);
  await press('Use this place');
}

interface PageGlobals {
  navigator: { clipboard: { readText(): Promise<string>; writeText(text: string): Promise<void> } };
}
const writeClipboard = (text: string) =>
  page.evaluate((words) => (globalThis as unknown as PageGlobals).navigator.clipboard.writeText(words), text);
const readClipboard = () =>
  page.evaluate(() => (globalThis as unknown as PageGlobals).navigator.clipboard.readText());

async function paste(text: string): Promise<void> {
  await writeClipboard(text);
  await page.keyboard.press('Control+v');
}

it('opens the workspace of a provisioning run, and a console in it', { timeout: 60_000 }, async () => {
  const workspace = dirname(dirname(federation.prod));
  await openPlace(/^Open a folder/, /^Folder of a project/, workspace);
  for (const name of ['localhost', 'site-1', admin]) {
    await page.getByRole('row', { name }).getByText('prod_00').first().waitFor();
  }
  await goTo(page, 'Console');
  await press(`Open session as ${admin}`);
  await shows('Logged in as');
  await ask('?', 'check_status');
  await ask('help list_jobs', /list_jobs \[/);
});

it('completes commands, folders, jobs, sites, studies and files of the server', {
  timeout: 60_000,
}, async () => {
  await ask('submit_j\the\t', /Submitted hello-numpy/, 30_000);
  await ask('get_job_m\t\t', /"job_id"/);
  await ask('check_status cl\tsi\t1', 'APP_NAME');
  await ask('cat server no\tho\t', 'owned');
  await ask('register_study heart-failure --site-org site_1:site-1', 'heart-failure');
  await ask('show_stu\the\t', 'site_orgs');
  await ask('list_jobs', 'hello-numpy');
  // Several fit: a second Tab lists them.
  await type('clear\nlist_\t\t');
  await shows(/list_job .*list_jobs/);
  await page.keyboard.press('Control+c');
});

it('confines what the server sends', async () => {
  const title = await page.title();
  await writeClipboard('mine');
  await ask('cat server notes/hostile.txt', /A␛\]0;owned␇ B␛\]52;c;b3duZWQ=␇ C␛\]8;;/);
  expect(await page.title()).toBe(title);
  expect(await readClipboard()).toBe('mine');
  await screen.getByText('link').first().hover({ force: true });
  await screen.getByText('link').first().click({ force: true });
  expect(await screen.locator('a').count()).toBe(0);
  expect(page.context().pages()).toHaveLength(1);
});

it('shows a log of 100,000 lines, and takes keys while it runs through', { timeout: 60_000 }, async () => {
  await type('clear\ncat server notes/long.txt\n');
  await shows(`${longest} a line of the log`, 40_000);
  await ask('pwd server', /\//);
});

it('keeps the result in a file and as a sortable table', async () => {
  await ask('list_jobs', 'hello-numpy');
  await press('Open the last result as a table');
  const panel = page.getByRole('dialog', { name: 'list_jobs' });
  await panel.getByRole('button', { name: 'STATUS' }).click();
  await panel
    .getByRole('columnheader', { name: 'STATUS' })
    .and(page.locator('[aria-sort="ascending"]'))
    .waitFor();
  await page.keyboard.press('Escape');
  await screen.locator('textarea').focus();
  const saved = page.waitForEvent('download');
  await ask('list_jobs > jobs.txt', 'Saved as jobs.txt');
  const download = await saved;
  expect(download.suggestedFilename()).toBe('jobs.txt');
  expect(await readFile(await download.path(), 'utf8')).toContain('hello-numpy');
});

it('asks before it runs a paste of several lines, and refuses one of 5 MB', async () => {
  await type('clear\n');
  await paste('check_status server\nlist_jobs\n');
  const guard = page.getByRole('dialog', { name: 'Paste of several lines' });
  await guard.getByText('2 lines were pasted').waitFor();
  await guard.getByRole('button', { name: 'Run line by line' }).click();
  await shows('Registered clients: 2');
  await shows('hello-numpy');
  await paste('x'.repeat(5_000_000));
  await shows('The paste is larger than a console takes');
  await ask('pwd server', /\//);
});

it('wants a name before what cannot be taken back', async () => {
  await ask('shutdown client site-1', `Type your user name ${admin} to go on`);
  await type('someone else\n');
  await shows('Not run.');
  // Leaving the question drops what was pasted behind it.
  await type('clear\n');
  await paste('shutdown client site-1\nno_such_command\n');
  await page.getByRole('dialog').getByRole('button', { name: 'Run line by line' }).click();
  await shows('Type your user name');
  await page.keyboard.press('Control+c');
  await ask('list_jobs', 'hello-numpy');
  await ask('check_status server', 'Registered clients: 2');
  expect(await screen.getByText('no_such_command').count()).toBe(0);
  await ask('abort_job \t', 'Type yes to go on');
  await type('no\n');
  await ask('list_jobs', 'hello-numpy');
});

it('fetches a result, and finds old lines in a new tab', { timeout: 60_000 }, async () => {
  await expect
    .poll(
      async () => {
        await type('clear\nlist_jobs\n');
        return await shows('FINISHED:COMPLETED', 1500).then(
          () => true,
          () => false,
        );
      },
      { timeout: 45_000, interval: 500 },
    )
    .toBe(true);
  await ask('download_job \t', /Downloaded \d+ files to/, 20_000);
  expect(await filesBelow(federation.adminKit(), 'server.npy')).toHaveLength(1);
  await press('Open another session');
  await page.getByRole('menuitem', { name: `Open session as ${admin}` }).click();
  await shows('Logged in as');
  expect(await page.getByRole('tab').count()).toBe(2);
  await page.keyboard.press('Control+r');
  await type('down');
  await shows(/history search: down \| download_job/);
  await page.keyboard.press('Control+g');
  await press(`Close session ${admin}`);
  await shows('Downloaded');
});

it('stops waiting on Ctrl+C, and the late answer disturbs nothing', { timeout: 40_000 }, async () => {
  await type('clear\ncat server notes/long.txt\n');
  await page.keyboard.press('Control+c');
  await shows('Stopped waiting');
  await type('pwd server');
  await page.waitForTimeout(1500);
  await type('\n');
  await shows('> pwd server');
  await shows(federation.server.folder);
});

it('keeps what it showed when the server vanishes and comes back', { timeout: 60_000 }, async () => {
  await ask('list_jobs', 'hello-numpy');
  await federation.server.stop(0);
  await shows('Connection lost', 30_000);
  await federation.server.start();
  await shows('Connected again', 30_000);
  await shows('hello-numpy');
  await type('check_status server\n');
  await shows('Engine status');
});

it('works with an admin kit alone', { timeout: 60_000 }, async () => {
  await goTo(page, 'Overview');
  await page.getByRole('button', { name: 'lab', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Open another project' }).click();
  await openPlace(/^Open an admin kit/, /admin kit/, federation.adminKit());
  await page.getByRole('grid').getByRole('row', { name: admin }).waitFor();
  expect(await page.getByRole('grid').getByRole('row').count()).toBe(2);
  await goTo(page, 'Jobs');
  await page.getByRole('grid').getByText('FINISHED:COMPLETED').waitFor();
  await press('Submit hello-numpy');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await goTo(page, 'Console');
  await press('Open another session');
  await page.getByRole('menuitem', { name: `Open session as ${admin}` }).click();
  await shows('Logged in as');
  await ask('list_jobs', 'hello-numpy');
});
