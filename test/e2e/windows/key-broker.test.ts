/** The policy of a key broker read, written from images, set and rolled back in the windows; axe in both themes. */
import { writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCore } from '../../../src-main/core.ts';
import { startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { goTo } from '../story/main-job.ts';
import { openWindows, takePictures, type Windows } from './browser.ts';
import { seriousFaults } from './axe.ts';

let folder: string;
let kbs: TestKbs;
let windows: Windows;
let page: Page;

const projectText = `api_version: 3
name: clinics
participants:
  - { name: localhost, type: server, org: nvidia, fed_learn_port: 8002 }
  - { name: site-1, type: client, org: nvidia }
  - { name: ada@example.org, type: admin, org: nvidia, role: project_admin }
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
  - path: nvflare.lighter.impl.static_file.StaticFileBuilder
    args: { config_folder: config }
  - path: nvflare.lighter.impl.cert.CertBuilder
  - path: nvflare.lighter.impl.signature.SignatureBuilder
`;

beforeAll(async () => {
  folder = await newLabFolder('key-broker');
  kbs = await startKbs({ minor: 14 });
  const project = join(folder, 'project');
  await mkdir(project);
  writeFileSync(join(project, 'project.yml'), projectText);
  writeFileSync(
    join(project, 'desk.yml'),
    `version: 1\nflare: "2.8.1"\nkbs: { address: "${kbs.address}", ca: ${kbs.ca}, admin_key: ${kbs.adminKey} }\n`,
  );
  const core = createCore({
    stateFolder: join(folder, 'state'),
    version: '0',
    environment: { home: folder, user: 'ada' },
  });
  await core
    .clientFor({ name: 'test', placeOf: (given) => given })
    .call('workspace.open', { place: join(project, 'project.yml') });
  await core.dispose();
  windows = await openWindows(folder);
  page = windows.page;
}, 60_000);
afterAll(async () => {
  await windows?.close();
  await kbs?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const press = (name: string) => page.getByRole('button', { name, exact: true }).click();

async function confirm(button: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').fill('clinics');
  await dialog.getByRole('button', { name: button, exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
}

it('reads, sets and rolls back a policy', { timeout: 90_000 }, async () => {
  await goTo(page, 'Key broker');
  const editor = page.getByRole('textbox', { name: 'Policy text' });
  await editor.waitFor();
  const standard = await editor.inputValue();
  expect(standard).toBe(kbs.policy);
  await page.getByText(/replace the attestation policy without a token/).waitFor();
  const found = await seriousFaults(page, 'policy');
  await takePictures(page, 'key-broker');

  await press('Write rules from images');
  await expect
    .poll(() => page.getByRole('button', { name: 'Set policy' }).getAttribute('aria-disabled'))
    .toBeNull();
  await confirm('Set policy');
  await expect.poll(() => kbs.policy).toContain('import rego.v1');
  const ours = kbs.policy;
  await page.getByTitle('The text is the one in force').waitFor();

  await editor.fill(`${ours}# mine\n`);
  kbs.policy = ours.replace('package policy', '# theirs\npackage policy');
  await expect
    .poll(() => page.getByRole('button', { name: 'Set policy' }).getAttribute('aria-disabled'))
    .toBeNull();
  await confirm('Set policy');
  await press('Show differences');
  await page.getByText('+ # theirs').waitFor();
  found.push(...(await seriousFaults(page, 'differences')));
  await press('Take both changes');
  await expect.poll(() => editor.inputValue()).toContain('# theirs');
  expect(await editor.inputValue()).toContain('# mine');

  await page.getByRole('tab', { name: 'History' }).click();
  const row = page.getByRole('row').filter({ hasText: 'kept before a change' });
  await row.waitFor();
  found.push(...(await seriousFaults(page, 'history')));
  await row.getByRole('button', { name: 'Roll back' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').fill('clinics');
  await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('alert').filter({ hasText: 'has errors' }).waitFor();
  expect(kbs.policy).toContain('# theirs');
  expect(found).toEqual([]);
  expect(windows.complaints).toEqual([]);
});
