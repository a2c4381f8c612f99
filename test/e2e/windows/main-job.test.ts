/** The main job by mouse in a real browser, on real hosts and the real NVFlare: from an empty window to a job's result. */
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright';
import { afterEach, expect, it } from 'vitest';
import { endMarked, newLabFolder, newMark } from '../../lab/keeper.ts';
import { type FlareVersion, flareBin } from '../../lab/nvflare.ts';
import { freePort } from '../../lab/ports.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { goTo, openWindows, takePictures } from './browser.ts';
import { describeProject, type HostWords } from './wizard.ts';

const template = join(import.meta.dirname, '../../../resources/job-templates/hello-numpy');
const admin = 'ada@example.org';
const names = ['localhost', 'site-1', 'site-2'] as const;

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface LabHosts {
  sshds: Map<string, Sshd>;
  words(name: string): HostWords;
}

async function startHosts(folder: string, version: FlareVersion): Promise<LabHosts> {
  const mark = newMark();
  cleanUps.push(() => endMarked(mark));
  const sshds = new Map<string, Sshd>();
  for (const name of names) {
    const sshd = await startSshd({ folder: join(folder, 'hosts', name), env: mark, limitMs: 170_000 });
    cleanUps.push(() => sshd.stop());
    sshds.set(name, sshd);
  }
  const words = (name: string): HostWords => {
    const sshd = sshds.get(name);
    if (!sshd) throw new Error(`No host ${name}.`);
    return {
      address: sshd.host,
      port: sshd.port,
      user: sshd.user,
      identity: sshd.identity,
      directory: join(sshd.home, 'flare'),
      path: flareBin(version),
    };
  };
  return { sshds, words };
}

/** Every file below a folder whose path ends so. */
const filesBelow = async (place: string, ending: string) =>
  (await readdir(place, { recursive: true }))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(place, name));

/**
 * NVFlare's job store lies in /tmp/nvflare by default, shared by every server of the machine: the server's own admin
 * gives it one of its own, in the file that is a site's to change.
 */
async function ownStorage(home: string) {
  for (const file of await filesBelow(home, 'local/resources.json.default')) {
    const text = await readFile(file, 'utf8');
    await writeFile(
      file.replace(/\.default$/, ''),
      text.replaceAll('/tmp/nvflare/', `${join(home, 'storage')}/`),
      {
        mode: 0o600,
      },
    );
  }
}

const rowOf = (page: Page, name: string): Locator => page.getByRole('row').filter({ hasText: name });

/** Waits until every named row of the page's table has the text. */
async function rowsSay(page: Page, text: RegExp, rows: readonly string[], timeout = 40_000) {
  for (const name of rows) await rowOf(page, name).getByText(text).first().waitFor({ timeout });
}

/** Answers the questions for unknown host keys: compares each fingerprint with what its operator says. */
async function acceptHostKeys(page: Page, sshds: Map<string, Sshd>) {
  for (let left = sshds.size; left > 0; left -= 1) {
    const dialog = page.getByRole('dialog', { name: 'Unknown host key' });
    await dialog.waitFor();
    const asked = await dialog.locator('dd').first().innerText();
    const told = sshds.get(asked)?.fingerprint;
    if (!told) throw new Error(`Asked for the key of "${asked}", which is no participant.`);
    await dialog.getByRole('textbox').fill(told);
    await dialog.getByText('Same key').waitFor();
    await dialog.getByRole('button', { name: 'Accept this key' }).click();
    await dialog.getByText(told).waitFor({ state: 'detached' });
  }
}

it.each(['2.8.1', '2.7.2'] as const)(
  'does the main job with NVFlare %s',
  { timeout: 150_000 },
  async (version) => {
    const folder = await newLabFolder('windows');
    cleanUps.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const hosts = await startHosts(folder, version);
    const windows = await openWindows(folder);
    cleanUps.push(() => windows.close());
    const { page } = windows;
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
    const project = join(folder, 'project');
    try {
      await describeProject(page, {
        name: 'clinics',
        folder: project,
        flare: version,
        server: { name: 'localhost', port: await freePort(), host: hosts.words('localhost') },
        sites: ['site-1', 'site-2'].map((name) => ({ name, host: hosts.words(name) })),
        admin,
      });
      await page.getByText('Nothing wrong was found.').waitFor();
      await takePictures(page, 'project');
      await press('Save and provision');
      await rowsSay(page, /prod_00/, [...names, admin]);

      await goTo(page, 'Sites');
      await press('Check');
      await acceptHostKeys(page, hosts.sshds);
      await press('Deliver');
      await rowsSay(page, /^delivered/, names);
      const home = hosts.sshds.get('localhost')?.home ?? '';
      await ownStorage(home);
      await press('Start');
      await rowsSay(page, /^running/i, names, 60_000);
      await takePictures(page, 'sites');
      await goTo(page, 'Overview');
      await rowsSay(page, /^running/i, names);

      await goTo(page, 'Console');
      await press(`Open session as ${admin}`);
      const screen = page.getByRole('tabpanel');
      await screen.getByText('Logged in as').waitFor();
      await screen.click();
      await page.keyboard.type('check_status server\n');
      await screen.getByText('site-2').first().waitFor();
      await takePictures(page, 'console');

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
      expect(await filesBelow(kit, 'server.npy')).toHaveLength(1);
      await detail.getByRole('button', { name: 'Close' }).click();
      await takePictures(page, 'jobs');
      await goTo(page, 'Overview');
      await rowsSay(page, /^connected/i, ['site-1', 'site-2']);
      await takePictures(page, 'overview');

      await goTo(page, 'Sites');
      await press('Stop');
      const stop = page.getByRole('dialog', { name: 'Stop participants' });
      await stop.getByRole('textbox').fill('clinics');
      await stop.getByRole('button', { name: 'Stop', exact: true }).click();
      await rowsSay(page, /stopped/i, names);
      expect(windows.complaints).toEqual([]);
    } catch (error) {
      await page
        .screenshot({ path: join(tmpdir(), `flaredesk-windows-${version}.png`) })
        .catch(() => undefined);
      throw error;
    }
  },
);
