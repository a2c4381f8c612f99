/** What happens to the windows when the files, the service or the person leave them half-way. */
import { appendFile, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { newLabFolder } from '../../lab/keeper.ts';
import { goTo } from '../story/main-job.ts';
import { describeProject } from '../story/wizard.ts';
import { openWindows, type Windows } from './browser.ts';

let folder: string;
let project: string;
let windows: Windows;
let page: Page;

const begin = async (): Promise<void> => {
  windows = await openWindows(folder);
  page = windows.page;
};
beforeAll(async () => {
  folder = await newLabFolder('bad-input');
  project = join(folder, 'heart-failure-study');
  await begin();
}, 60_000);
afterAll(async () => {
  await windows?.close();
  if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});
beforeEach(() =>
  onTestFailed(async () => {
    await page.screenshot({ path: join(tmpdir(), 'flaredesk-bad-input.png') });
  }),
);

const press = (name: string | RegExp) => page.getByRole('button', { name, exact: true }).first().click();
const says = (text: string | RegExp) => page.getByText(text).first().waitFor();
const rewrite = async (change: (text: string) => string): Promise<void> => {
  const file = join(project, 'project.yml');
  await writeFile(file, change(await readFile(file, 'utf8')));
};

it('offers a draft left half-way, also after a restart', { timeout: 40_000 }, async () => {
  await describeProject(page, {
    name: 'heart-failure',
    folder: project,
    flare: '2.8.1',
    server: { name: 'localhost', port: 8002, host: undefined },
    sites: [{ name: 'charite-berlin', host: undefined }],
    admin: 'ada@example.org',
  });
  await page.getByRole('listitem').getByRole('button', { name: 'Sites', exact: true }).click();
  await page.getByRole('row', { name: 'charite-berlin' }).waitFor();
  await windows.close();
  await begin();
  await says('An unfinished draft');
  await press('Go on with the draft');
  await page.getByRole('row', { name: 'charite-berlin' }).waitFor();
});

it('takes sites from CSV and gives them back', async () => {
  await press('Import CSV');
  const dialog = page.getByRole('dialog', { name: 'Import sites from CSV' });
  await dialog
    .getByRole('textbox')
    .fill('name,org,ssh\nmayo-rochester,mayo,10.0.0.4\ncharite-berlin,clinic,\nbad name!,mayo,\n');
  await dialog.getByRole('button', { name: 'Check' }).click();
  await dialog.getByText('refused').waitFor();
  await dialog.getByRole('button', { name: /^Import \d+ row/ }).click();
  await page.getByRole('row', { name: 'mayo-rochester' }).waitFor();
  const saved = page.waitForEvent('download');
  await press('Export CSV');
  const text = await readFile(await (await saved).path(), 'utf8');
  expect(text).toContain('mayo-rochester,mayo');
  expect(text).not.toContain('bad name');
  await press('Save');
  await says('Saved');
});

it('shows both texts when another program changed the file, and keeps mine', async () => {
  await goTo(page, 'Project');
  await page.getByRole('listitem').getByRole('button', { name: 'Basics', exact: true }).click();
  await page.getByRole('textbox', { name: 'Description' }).fill('Mine');
  await page.getByRole('textbox', { name: 'Description' }).press('Enter');
  await says('1 line changed');
  await rewrite((text) => text.replace(/^description:.*/m, 'description: Theirs'));
  await press('Save');
  const dialog = page.getByRole('dialog', { name: 'The file changed on disk' });
  await dialog.getByText('description: Theirs').waitFor();
  await dialog.getByText('description: Mine').waitFor();
  await dialog.getByRole('button', { name: 'Keep mine' }).click();
  await dialog.waitFor({ state: 'detached' });
  await expect.poll(() => readFile(join(project, 'project.yml'), 'utf8')).toContain('description: Mine');
});

it('takes the file on disk instead of mine when told so', async () => {
  await page.getByRole('textbox', { name: 'Description' }).fill('Mine again');
  await page.getByRole('textbox', { name: 'Description' }).press('Enter');
  await says('1 line changed');
  await rewrite((text) => text.replace(/^description:.*/m, 'description: Theirs again'));
  await press('Save');
  const dialog = page.getByRole('dialog', { name: 'The file changed on disk' });
  await dialog.getByRole('button', { name: 'Take the one on disk' }).click();
  await dialog.waitFor({ state: 'detached' });
  await expect
    .poll(() => page.getByRole('textbox', { name: 'Description' }).inputValue())
    .toBe('Theirs again');
  expect(await readFile(join(project, 'project.yml'), 'utf8')).toContain('description: Theirs again');
});

it('follows a file that changes while it is only looked at', async () => {
  await goTo(page, 'Overview');
  await rewrite((text) => text.replaceAll('mayo-rochester', 'mayo-scottsdale'));
  await page.getByRole('row', { name: 'mayo-scottsdale' }).waitFor();
});

it('says where a half-written file breaks, and what a newer version is', async () => {
  const whole = await readFile(join(project, 'project.yml'), 'utf8');
  await rewrite((text) => `${text.slice(0, text.indexOf('participants:'))}participants: [{name: "char`);
  await says(/error.* in the project files/i);
  await writeFile(join(project, 'project.yml'), whole);
  await page.getByRole('row', { name: 'charite-berlin' }).waitFor();
  const desk = join(project, 'desk.yml');
  const before = await readFile(desk, 'utf8');
  await writeFile(desk, before.replace(/^version:.*/m, 'version: 99'));
  await says(/newer version|version 99/i);
  await writeFile(desk, before);
  await page
    .getByText(/newer version|version 99/i)
    .first()
    .waitFor({ state: 'detached' });
});

it('says that the folder was moved, and is there again when it is back', async () => {
  await rename(project, `${project}-moved`);
  await says(/does not exist|not found|missing|moved/i);
  await rename(`${project}-moved`, project);
  await page.getByRole('row', { name: 'charite-berlin' }).waitFor();
});

it('keeps the tasks of main when the page is loaded anew', { timeout: 30_000 }, async () => {
  await goTo(page, 'Overview');
  await press('Provision');
  await press('Save and provision');
  await page.getByRole('grid', { name: 'Participants' }).waitFor();
  await page.reload();
  await page
    .getByRole('row', { name: 'charite-berlin' })
    .getByText(/prod_00/)
    .first()
    .waitFor();
  await page.keyboard.press('Control+j');
  await page
    .getByRole('dialog', { name: 'Tasks' })
    .getByText(/Provision/)
    .first()
    .waitFor();
});

it('scrolls and searches a task log of 100,000 lines', { timeout: 60_000 }, async () => {
  const folderOfLogs = join(folder, 'state/task-logs');
  const [log = ''] = await readdir(folderOfLogs);
  const lines = Array.from({ length: 100_000 }, (_, index) => `12:00:00.000 site-1: line ${index + 1} of it`);
  await appendFile(join(folderOfLogs, log), `${lines.join('\n')}\n`);
  const tasks = page.getByRole('dialog', { name: 'Tasks' });
  await page.evaluate(watchFrames);
  await tasks.getByRole('button', { name: 'Log', exact: true }).click();
  const shown = tasks.getByRole('log');
  await shown.getByText('line 100000 of it').waitFor();
  // Only what is seen is drawn.
  expect(await shown.locator('> div > div').count()).toBeLessThan(100);
  await tasks.getByRole('textbox', { name: 'Search' }).fill('line 77777 ');
  await tasks.getByText('1 line', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await shown.getByText('line 77777 of it').waitFor();
  await shown.hover();
  for (let turn = 0; turn < 20; turn += 1) {
    await page.mouse.wheel(0, -5000);
    await page.waitForTimeout(16);
  }
  const longest = await page.evaluate(longestFrame);
  // A long frame is a window that does not answer; half a second is what two busy cores may cost.
  expect(longest).toBeLessThan(500);
});

it('keeps a task going whose page crashes', { timeout: 60_000 }, async () => {
  // A host that takes the connection and says nothing.
  const silent = createServer();
  const sockets = new Set<Socket>();
  silent.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  try {
    const desk = join(project, 'desk.yml');
    const text = await readFile(desk, 'utf8');
    const host = `hosts:\n  charite-berlin: { ssh: 127.0.0.1, port: ${port}, user: nobody, directory: /srv }\n`;
    await writeFile(desk, `${text.replace(/^hosts:.*\n(?:[ -].*\n)*/m, '')}${host}`);
    await page.keyboard.press('Escape');
    await goTo(page, 'Sites');
    await page.getByRole('row', { name: 'charite-berlin' }).getByText('127.0.0.1').first().waitFor();
    await page.getByRole('row', { name: 'charite-berlin' }).getByRole('checkbox').check();
    await press('Check');
    await expect.poll(() => sockets.size).toBe(1);
    const address = new URL(page.url());
    const crashed = page.waitForEvent('crash');
    void page.goto('chrome://crash').catch(() => undefined);
    await crashed;
    page = await page.context().newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(`${address.origin}/`);
    await page.getByRole('grid', { name: 'Participants' }).waitFor();
    await page.keyboard.press('Control+j');
    const task = page.getByRole('dialog', { name: 'Tasks' }).getByRole('article', { name: /^Check/ });
    await task.getByText('Running').first().waitFor();
    expect(sockets.size).toBe(1);
    await task.getByRole('button', { name: 'Cancel task' }).click();
    await task.getByText('Cancelled').first().waitFor();
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});

interface FrameGlobals {
  longestFrame: number;
  requestAnimationFrame(callback: (at: number) => void): void;
}
function watchFrames(): void {
  const page = globalThis as unknown as FrameGlobals;
  page.longestFrame = 0;
  let before: number | undefined;
  const measure = (at: number): void => {
    if (before !== undefined) page.longestFrame = Math.max(page.longestFrame, at - before);
    before = at;
    page.requestAnimationFrame(measure);
  };
  page.requestAnimationFrame(measure);
}
const longestFrame = (): number => (globalThis as unknown as FrameGlobals).longestFrame;
