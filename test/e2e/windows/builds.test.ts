/** Image builds in the windows: begun, followed, one fails and is retried; axe in both themes. */
import { symlinkSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { stringify } from 'yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCore } from '../../../src-main/core.ts';
import { buildConfig, ccBuilders, onPremPackager } from '../../lab/build-project.ts';
import { mustFlaredesk } from '../../lab/flaredesk.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { goTo } from '../story/main-job.ts';
import { openWindows, takePictures, type Windows } from './browser.ts';
import { seriousFaults } from './axe.ts';

const builder = join(import.meta.dirname, '../../lab/cvm-builder/build-image');
let folder: string;
let windows: Windows;
let page: Page;

beforeAll(async () => {
  folder = await newLabFolder('builds');
  const project = join(folder, 'project');
  await mkdir(project);
  symlinkSync(builder, join(project, 'build-image'));
  await writeFile(join(project, 'cc_server1.yml'), stringify(buildConfig('server', { seconds: 3 })));
  await writeFile(
    join(project, 'cc_site-1.yml'),
    stringify(buildConfig('client', { seconds: 1, fail: 3, fail_at: 'encrypt' })),
  );
  const site = (name: string, type: string) => ({ name, type, org: 'nvidia', cc_config: `cc_${name}.yml` });
  await writeFile(
    join(project, 'project.yml'),
    stringify({
      api_version: 3,
      name: 'clinics',
      participants: [
        { ...site('server1', 'server'), fed_learn_port: 8002 },
        site('site-1', 'client'),
        { name: 'ada@example.org', type: 'admin', org: 'nvidia', role: 'project_admin' },
      ],
      builders: ccBuilders,
      packager: { path: onPremPackager, args: { build_image_cmd: 'build-image' } },
    }),
  );
  const state = join(folder, 'state');
  await mustFlaredesk(['provision', '-p', 'project.yml', '--no-images'], {
    cwd: project,
    env: { FLAREDESK_STATE: state },
  });
  const core = createCore({ stateFolder: state, version: '0', environment: { home: folder, user: 'ada' } });
  await core
    .clientFor({ name: 'test', placeOf: (given) => given })
    .call('workspace.open', { place: join(project, 'project.yml') });
  await core.dispose();
  windows = await openWindows(folder);
  page = windows.page;
}, 60_000);
afterAll(async () => {
  await windows?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const row = (name: string) => page.getByRole('row', { name: new RegExp(name) });

it('builds, follows, retries', { timeout: 120_000 }, async () => {
  await goTo(page, 'Builds');
  await row('server1').getByText('not built').first().waitFor();
  expect(await seriousFaults(page, 'before')).toEqual([]);
  await press('Build images');
  await row('server1').getByText('building').first().waitFor();
  await row('server1').click();
  const log = page.getByRole('log', { name: 'Output of the builder' });
  await log.getByText('Creating root drive').waitFor();
  await log.getByText('Packing CVM bundle').waitFor();
  await page.getByRole('dialog').getByText('built', { exact: true }).waitFor();
  expect(await seriousFaults(page, 'log')).toEqual([]);
  await page.keyboard.press('Escape');

  await row('site-1').getByText('failed').first().waitFor();
  await row('site-1').click();
  await page
    .getByRole('alert')
    .getByText(/ended with status 3/)
    .waitFor();
  expect(await seriousFaults(page, 'failed')).toEqual([]);
  const file = join(folder, 'project/cc_site-1.yml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('fail: 3', 'fail: 0'));
  await press('Retry');
  await page.getByRole('dialog').getByText('built', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await takePictures(page, 'builds');

  await press('Application image');
  await page.getByRole('heading', { name: 'Look into an archive' }).waitFor();
  expect(await seriousFaults(page, 'application image')).toEqual([]);
  await takePictures(page, 'application-image');
  await press('Builds');
  expect(windows.complaints).toEqual([]);
});
