/** Confidential computing switched on and set up in the windows, from nothing to sound files; axe in both themes. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { newLabFolder } from '../../lab/keeper.ts';
import { openWindows, takePictures, type Windows } from './browser.ts';
import { seriousFaults } from './axe.ts';
import { describeProject } from '../story/wizard.ts';

let folder: string;
let windows: Windows;
let page: Page;

beforeAll(async () => {
  folder = await newLabFolder('confidential');
  windows = await openWindows(folder);
  page = windows.page;
}, 60_000);
afterAll(async () => {
  await windows?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const step = (name: string) =>
  page
    .getByRole('listitem')
    .getByRole('button', { name: new RegExp(`^${name}\\d*$`) })
    .click();

/** Types into a field and leaves it; waits until the file beside it says so. */
async function fill(label: string, value: string, shown: RegExp): Promise<void> {
  const field = page.getByRole('textbox', { name: label, exact: true });
  await field.fill(value);
  await field.blur();
  await expect.poll(() => page.locator('aside textarea').inputValue(), { timeout: 5000 }).toMatch(shown);
}

it('makes sound files for every site', { timeout: 120_000 }, async () => {
  const project = join(folder, 'heart-failure-study');
  await describeProject(page, {
    name: 'clinics',
    folder: project,
    flare: '2.8.1',
    server: { name: 'localhost', port: 8002, host: undefined },
    sites: [
      { name: 'site-1', host: undefined },
      { name: 'site-2', host: undefined },
    ],
    admin: 'ada@example.org',
  });
  await step('Confidential computing');
  const found = await seriousFaults(page, 'switched off');
  await page.getByRole('textbox', { name: 'Application image' }).fill('/srv/images/nvflare-site.tar.gz');
  await page.getByRole('switch', { name: 'Confidential computing for all sites' }).click();
  await page.getByText('3 of 3 sites have it').waitFor();
  await fill('Build command', '/opt/cc/cvm_build.sh', /build_image_cmd: \/opt\/cc\/cvm_build\.sh/);
  await page.getByRole('textbox', { name: 'Builder name' }).fill('snp-1');
  await page.getByRole('textbox', { name: /^SSH address/ }).fill('10.0.0.9');
  await page.getByRole('textbox', { name: 'Build command there' }).fill('/opt/cc/cvm_build.sh');
  await press('Add builder');
  await page.getByRole('button', { name: 'Remove builder snp-1' }).waitFor();
  const address = page.getByRole('textbox', { name: /^Address/ });
  await address.fill('https://kbs.example.org:9443');
  await address.blur();
  await expect.poll(() => page.getByText('9443').count()).toBeGreaterThan(0);
  found.push(...(await seriousFaults(page, 'switched on')));
  await takePictures(page, 'confidential');

  await press('Edit confidential computing of site-1');
  await page.getByRole('heading', { name: 'Confidential computing of site-1' }).waitFor();
  await page.getByRole('textbox', { name: 'cc_site-1.yml' }).waitFor();
  await fill('Ports it may connect to', '443, 8002, 9443', /allowed_out_ports: \[443, 8002, 9443\]/);
  await page.getByRole('checkbox', { name: 'Data comes from an NFS server' }).click();
  await fill('Hosts file of the VM', 'fl.example.org 10.0.0.5', /fl\.example\.org: 10\.0\.0\.5/);
  await page.getByRole('checkbox', { name: 'NVIDIA GPU' }).click();
  await page.getByRole('textbox', { name: 'Id of NVIDIA GPU' }).waitFor();
  await fill('Further classes for jobs', 'my_package.', /class_allow_list: \[my_package\.\]/);
  await fill('Token expiration of AMD SEV-SNP, s', '120', /token_expiration: 120/);
  await page.getByText(/^cc_issuers\[0\]\.token_expiration \(/).waitFor();
  await fill('Token expiration of AMD SEV-SNP, s', '90', /token_expiration: 90/);
  await page.getByText(/^cc_issuers\[0\]\.token_expiration \(/).waitFor({ state: 'detached' });
  found.push(...(await seriousFaults(page, 'one site')));
  await takePictures(page, 'confidential-site');
  expect(found).toEqual([]);

  await press('Save');
  await page.getByText(/^Saved/).waitFor();
  const written = await readFile(join(project, 'cc_site-1.yml'), 'utf8');
  expect(written).toContain('# Drives, in GB.');
  expect(parse(written)).toMatchObject({
    docker_archive: '/srv/images/nvflare-site.tar.gz',
    allowed_out_ports: [443, 8002, 9443, 111, 2049],
    hosts_entries: { 'fl.example.org': '10.0.0.5' },
    class_allow_list: ['my_package.'],
    cc_issuers: [{ id: 'snp_authorizer', token_expiration: 90 }, { id: 'gpu_authorizer' }],
  });
  expect(parse(await readFile(join(project, 'desk.yml'), 'utf8'))).toMatchObject({
    builders: { 'snp-1': { ssh: '10.0.0.9', command: '/opt/cc/cvm_build.sh' } },
    kbs: { address: 'https://kbs.example.org:9443' },
  });
  expect(parse(await readFile(join(project, 'project.yml'), 'utf8'))).toMatchObject({
    participants: [
      { cc_config: 'cc_localhost.yml' },
      { cc_config: 'cc_site-1.yml' },
      { cc_config: 'cc_site-2.yml' },
      {},
    ],
    packager: { args: { build_image_cmd: '/opt/cc/cvm_build.sh' } },
  });
  expect(windows.complaints).toEqual([]);
});
