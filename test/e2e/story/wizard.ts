/** The setup wizard, done by mouse, the same in a browser and in the desktop app. */
import type { Page } from 'playwright';

export interface HostWords {
  address: string;
  user: string;
  /** These two may come from ~/.ssh/config. */
  port?: number;
  identity?: string;
  directory: string;
  path: string;
}

export interface ProjectWords {
  name: string;
  folder: string;
  flare: '2.7.2' | '2.8.1';
  server: { name: string; port: number; host: HostWords | undefined };
  sites: { name: string; host: HostWords | undefined }[];
  admin: string;
}

/** Presses `button` and answers with `folder` where the host asks for a place: in the page, or in the system's dialog. */
export type ChooseFolder = (page: Page, button: string, folder: string) => Promise<void>;

/** In a browser the page asks for the path as text. */
export const typeFolder: ChooseFolder = async (page, button, folder) => {
  await press(page, button);
  await field(page, 'Folder for the new project').fill(folder);
  await press(page, 'Use this place');
};

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true });

async function fillHost(page: Page, host: HostWords | undefined): Promise<void> {
  if (!host) return;
  await field(page, 'SSH address').fill(host.address);
  await field(page, 'SSH port').fill(String(host.port ?? ''));
  await field(page, 'User').fill(host.user);
  await field(page, 'Key file').fill(host.identity ?? '');
  await field(page, 'Folder on the host').fill(host.directory);
  await field(page, 'Prepended to PATH, separated by colons').fill(host.path);
}

/** From the empty Overview to the Review step. */
export async function describeProject(
  page: Page,
  words: ProjectWords,
  chooseFolder: ChooseFolder = typeFolder,
): Promise<void> {
  await page.getByRole('button', { name: /^Set up a new project/ }).click();
  await field(page, 'Project name').fill(words.name);
  await chooseFolder(page, 'Choose folder', words.folder);
  await page.getByText(words.flare, { exact: true }).click();
  await press(page, 'Begin');

  await press(page, 'Add server');
  await field(page, 'Name').fill(words.server.name);
  await field(page, 'Organisation').fill('nvidia');
  await field(page, 'Federation port').fill(String(words.server.port));
  await fillHost(page, words.server.host);
  await press(page, 'Apply');
  await press(page, 'Next');

  for (const site of words.sites) {
    await press(page, 'Add site');
    await field(page, 'Name').fill(site.name);
    await field(page, 'Organisation').fill('clinic');
    await fillHost(page, site.host);
    await press(page, 'Apply');
    await page.getByRole('row', { name: site.name }).waitFor();
  }
  await press(page, 'Next');

  await press(page, 'Add admin');
  await field(page, 'Name').fill(words.admin);
  await field(page, 'Organisation').fill('nvidia');
  await press(page, 'Apply');
  await page.getByRole('row', { name: words.admin }).waitFor();
  await press(page, 'Next');
  await page.getByText('Confidential computing for all sites').waitFor();
  await press(page, 'Next');
  await page.getByText('What provisioning will do').waitFor();
}
