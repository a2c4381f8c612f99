/** The policy of a key broker read, compared with built images, written from them, set and rolled back in the windows; axe in both themes. */
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCore } from '../../../src-main/core.ts';
import { generatePolicy, trusteeProfile } from '../../../src-main/domain/kbs/index.ts';
import { measurement, writeConfidentialProject } from '../../integration/kbs/confidential-project.ts';
import { startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';
import { startVault, type TestVault } from '../../lab/kbs/vault.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { goTo } from '../story/main-job.ts';
import { pressAndTypeName } from '../story/typed-name.ts';
import { openWindows, takePictures, takeProofs, type Windows } from './browser.ts';
import { seriousFaults } from './axe.ts';

let folder: string;
let kbs: TestKbs;
let vault: TestVault;
let windows: Windows;
let page: Page;

/** As it stood before the image of site-1 was built anew. */
const earlier = generatePolicy(
  [
    ['server1', '33'],
    ['site-1', 'ab'],
    ['site-2', '22'],
  ].map(([participant = '', byte = '']) => ({
    participant,
    vmId: `vm-${participant}`,
    measurement: measurement(byte),
  })),
  trusteeProfile('v0.14'),
);

beforeAll(async () => {
  folder = await newLabFolder('key-broker');
  kbs = await startKbs({ minor: 14 });
  kbs.policy = earlier;
  vault = await startVault();
  const project = join(folder, 'project');
  await mkdir(project);
  const file = await writeConfidentialProject(project, kbs);
  await appendFile(join(project, 'desk.yml'), `  vault: ${vault.address}\n  vault_ca: ${vault.ca}\n`);
  const core = createCore({
    stateFolder: join(folder, 'state'),
    version: '0',
    environment: { home: folder, user: 'ada' },
  });
  await core.clientFor({ name: 'test', placeOf: (given) => given }).call('workspace.open', { place: file });
  await core.dispose();
  windows = await openWindows(folder);
  page = windows.page;
}, 60_000);
afterAll(async () => {
  await windows?.close();
  await kbs?.stop();
  await vault?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const openTab = (name: string) => page.getByRole('tab', { name, exact: true }).click();
const settable = () =>
  expect
    .poll(() => page.getByRole('button', { name: 'Set policy' }).getAttribute('aria-disabled'))
    .toBeNull();

const confirm = (button: string, place?: Locator) => pressAndTypeName(page, button, 'study', place);

it('reads, compares with images, sets and rolls back a policy', { timeout: 120_000 }, async () => {
  await goTo(page, 'Key broker');
  const editor = page.getByRole('textbox', { name: 'Policy text' });
  await editor.waitFor();
  expect(await editor.inputValue()).toBe(earlier);
  await page.getByText(/replace the attestation policy without a token/).waitFor();
  await page.getByText('Vault unsealed').waitFor();
  const found = await seriousFaults(page, 'policy');

  // The image of site-1 was built anew: the policy in force locks it out, and lets its old one in.
  await openTab('Images');
  const images = page.getByRole('table', { name: 'Images' });
  await images.getByRole('row').filter({ hasText: 'site-1' }).getByText('refused').waitFor();
  await page
    .getByRole('table', { name: /no newest image/ })
    .getByText('gets the key of site-1')
    .waitFor();
  found.push(...(await seriousFaults(page, 'images')));
  await takeProofs(page, 'key-broker-images');
  await press('Write rules from images');
  await editor.waitFor();
  const simulated = (site: string) =>
    page
      .getByRole('region', { name: 'What each VM would be answered' })
      .getByRole('row')
      .filter({ hasText: site });
  await simulated('site-1').getByText('gains its key').waitFor();

  // Without the rule of site-2 it would lose its key: said before anything is set.
  const whole = await editor.inputValue();
  await editor.fill(`${whole.split('# site-2\n')[0]?.trimEnd() ?? ''}\n`);
  await simulated('site-2').getByText('loses its key').waitFor();
  await simulated('site-1').getByText('gains its key').waitFor();
  await simulated('server1').getByText('unchanged').waitFor();
  // Text and line numbers stay beside each other: the text does not scroll within itself.
  const { scrollTop, scrollHeight, clientHeight } = await editor.evaluate((area) => {
    const { scrollTop, scrollHeight, clientHeight } = area as unknown as Record<string, number>;
    return { scrollTop, scrollHeight, clientHeight };
  });
  expect(scrollTop).toBe(0);
  expect(scrollHeight).toBe(clientHeight);
  found.push(...(await seriousFaults(page, 'simulation')));
  await takePictures(page, 'key-broker');
  await settable();
  await page.getByRole('button', { name: 'Set policy' }).click();
  await page.getByRole('dialog').getByText('site-2 would lose the key and not boot again.').waitFor();
  await takeProofs(page, 'key-broker-confirm');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });

  await press('Write rules from images');
  await expect.poll(() => editor.inputValue()).toBe(whole);
  await settable();
  await confirm('Set policy');
  await expect.poll(() => kbs.policy).toBe(whole);
  const ours = kbs.policy;
  await page.getByTitle('The text is the one in force').waitFor();

  await editor.fill(`${ours}# mine\n`);
  kbs.policy = ours.replace('package policy', '# theirs\npackage policy');
  await settable();
  await confirm('Set policy');
  await press('Show differences');
  await page.getByText('+ # theirs').waitFor();
  found.push(...(await seriousFaults(page, 'differences')));
  await press('Take both changes');
  await expect.poll(() => editor.inputValue()).toContain('# theirs');
  expect(await editor.inputValue()).toContain('# mine');

  await openTab('History');
  const row = page.getByRole('row').filter({ hasText: 'kept before a change' });
  await row.waitFor();
  found.push(...(await seriousFaults(page, 'history')));
  await confirm('Roll back', row);
  await expect.poll(() => kbs.policy).toBe(earlier);
  expect(found).toEqual([]);
  expect(windows.complaints).toEqual([]);
});

it('puts a resource from a picked file, and registers what the images measure', {
  timeout: 60_000,
}, async () => {
  const content = join(folder, 'disk.key');
  await writeFile(content, 'a disk key of site-1');
  await page.reload();
  await goTo(page, 'Key broker');
  await openTab('Resources');
  const row = page.getByRole('row').filter({ hasText: 'keys/root/vm-site-1' });
  await row.getByRole('button', { name: 'Use path' }).click();
  await press('Choose file…');
  const question = page.getByRole('dialog');
  await question.getByRole('textbox').fill(content);
  await question.getByRole('textbox').press('Enter');
  await page.getByText('disk.key').first().waitFor();
  await confirm('Put resource');
  await expect.poll(() => kbs.resources.get('keys/root/vm-site-1')?.toString()).toBe('a disk key of site-1');
  await row.getByText(/20 bytes put by/).waitFor();
  const found = await seriousFaults(page, 'resources');
  await takeProofs(page, 'key-broker-resources');

  await openTab('Reference values');
  await page.getByRole('textbox', { name: 'Name' }).fill('snp_launch_measurement');
  await page.getByRole('checkbox', { name: 'Measurements of the images' }).check();
  await confirm('Register');
  await expect.poll(() => (kbs.references.get('snp_launch_measurement') as string[])?.length).toBe(3);
  await page.getByRole('table', { name: 'Reference values' }).waitFor();
  found.push(...(await seriousFaults(page, 'references')));
  await takeProofs(page, 'key-broker-references');
  expect(found).toEqual([]);
  expect(windows.complaints).toEqual([]);
});
