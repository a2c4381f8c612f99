/** The main job by mouse, on real hosts and the real NVFlare: from an empty window to a job's result, in any host of the windows. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright';
import { expect } from 'vitest';
import type { FlareVersion } from '../../lab/nvflare.ts';
import { freePort } from '../../lab/ports.ts';
import type { Sshd } from '../../lab/sshd.ts';
import { filesBelow, type LabHosts, ownStorage, participants } from './hosts.ts';
import { type ChooseFolder, describeProject, typeFolder } from './wizard.ts';

const template = join(import.meta.dirname, '../../../resources/job-templates/hello-numpy');
const admin = 'ada@example.org';
const sites = ['site-1', 'site-2'] as const;

export interface Story {
  page: Page;
  /** The project is made in `folder`/heart-failure-study. */
  folder: string;
  version: FlareVersion;
  hosts: LabHosts;
  /** How a folder is chosen in this host; default: typed into the page. */
  chooseFolder?: ChooseFolder;
  /** Called where a page is worth a picture. */
  picture?: (name: string) => Promise<void>;
  /** Called where a state is worth a look only. */
  look?: (name: string) => Promise<void>;
  /** Called with the job's detail open, when its result lies in `folder`. */
  resultShown?: (detail: Locator, folder: string) => Promise<void>;
}

export type PageName =
  | 'Overview'
  | 'Project'
  | 'Builds'
  | 'Sites'
  | 'Hosts'
  | 'Attestation'
  | 'Key broker'
  | 'Console'
  | 'Jobs'
  | 'Settings';

/** Goes to a page by its link at the side. */
export async function goTo(page: Page, name: PageName): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
}

const rowOf = (page: Page, name: string): Locator => page.getByRole('row').filter({ hasText: name });

/** Waits until every named row of the page's table has the text. */
async function rowsSay(page: Page, text: RegExp, rows: readonly string[], timeout = 40_000) {
  for (const name of rows) await rowOf(page, name).getByText(text).first().waitFor({ timeout });
}

/** Answers the questions for unknown host keys: compares each fingerprint with what its operator says. */
async function acceptHostKeys(page: Page, sshds: Map<string, Sshd>, look: (name: string) => Promise<void>) {
  for (let left = sshds.size; left > 0; left -= 1) {
    const dialog = page.getByRole('dialog', { name: 'Unknown host key' });
    await dialog.waitFor();
    if (left === sshds.size) await look('unknown-host-key');
    const asked = await dialog.locator('dd').first().innerText();
    const told = sshds.get(asked)?.fingerprint;
    if (!told) throw new Error(`Asked for the key of "${asked}", which is no participant.`);
    await dialog.getByRole('textbox').fill(told);
    await dialog.getByText('Same key').waitFor();
    await dialog.getByRole('button', { name: 'Accept this key' }).click();
    await dialog.getByText(told).waitFor({ state: 'detached' });
  }
}

/** Wizard, provision, deliver, start, console, submit, result, stop. */
export async function doMainJob(story: Story): Promise<void> {
  const {
    page,
    folder,
    version,
    hosts,
    picture = () => Promise.resolve(),
    look = () => Promise.resolve(),
  } = story;
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const project = join(folder, 'heart-failure-study');
  await describeProject(
    page,
    {
      name: 'clinics',
      folder: project,
      flare: version,
      server: { name: 'localhost', port: await freePort(), host: hosts.words('localhost') },
      sites: sites.map((name) => ({ name, host: hosts.words(name) })),
      admin,
    },
    story.chooseFolder ?? typeFolder,
  );
  await page.getByText('Nothing wrong was found.').waitFor();
  await picture('project');
  await press('Save and provision');
  await rowsSay(page, /prod_00/, [...participants, admin]);

  await goTo(page, 'Sites');
  await press('Check');
  await acceptHostKeys(page, hosts.sshds, look);
  await press('Deliver');
  await rowsSay(page, /^delivered/, participants);
  await ownStorage(hosts.sshds.get('localhost')?.home ?? '');
  await press('Start');
  await rowsSay(page, /^running/i, participants, 60_000);
  await picture('sites');
  await goTo(page, 'Overview');
  await rowsSay(page, /^running/i, participants);

  await goTo(page, 'Console');
  await press(`Open session as ${admin}`);
  const screen = page.getByRole('tabpanel');
  await screen.getByText('Logged in as').first().waitFor();
  await screen.click();
  await page.keyboard.type('check_status server\n');
  await screen.getByText('site-2').first().waitFor();
  await picture('console');

  const kit = join(project, 'workspace', 'clinics', 'prod_00', admin);
  await cp(template, join(kit, 'transfer', 'hello-numpy'), { recursive: true });
  await goTo(page, 'Jobs');
  await press('Submit hello-numpy');
  const dialog = page.getByRole('dialog', { name: 'Submit hello-numpy' });
  await dialog.getByRole('button', { name: 'Submit', exact: true }).click();
  await page.getByRole('grid').getByText('FINISHED:COMPLETED').waitFor({ timeout: 60_000 });
  await rowOf(page, 'FINISHED:COMPLETED').click();
  const detail = page.getByRole('dialog', { name: 'Job hello-numpy' });
  await detail.getByRole('button', { name: 'Show the result folder' }).waitFor({ timeout: 20_000 });
  const models = await filesBelow(kit, 'server.npy');
  expect(models).toHaveLength(1);
  await look('job-drawer');
  await story.resultShown?.(detail, kit);
  await detail.getByRole('button', { name: 'Close' }).click();
  await picture('jobs');
  await goTo(page, 'Overview');
  await rowsSay(page, /^connected/i, sites);
  await picture('overview');

  await goTo(page, 'Sites');
  await press('Stop');
  const stop = page.getByRole('dialog', { name: 'Stop participants' });
  await stop.getByRole('textbox').fill('clinics');
  await stop.getByRole('button', { name: 'Stop', exact: true }).click();
  await rowsSay(page, /stopped/i, participants);
}
