/** Work in a real Electron: a project from the wizard to its kits, and a draft that outlives kill -9. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Page } from 'playwright';
import { type Bench, findElectron, openBench, type Running } from './app.ts';
import { willPick } from './system.ts';

const binary = await findElectron();
const patience = 15_000;

async function beginProject(running: Running, name: string, folder: string): Promise<void> {
  const { page } = running;
  page.setDefaultTimeout(patience);
  await willPick(running, folder);
  await page.getByRole('button', { name: /Set up a new project/ }).click();
  await page.getByLabel('Project name').fill(name);
  await page.getByRole('button', { name: 'Choose folder' }).click();
  await page.getByRole('button', { name: 'Begin' }).click();
}

async function addServer(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Add server' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill('localhost');
  await page.getByLabel('Organisation').fill('org_a');
  await page.getByLabel('SSH address').fill('127.0.0.1');
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
}

describe.skipIf(!binary)(`work in ${binary?.kind ?? 'SKIPPED: no'} Electron`, () => {
  let bench: Bench;
  let workFolder: string;
  let running: Running | undefined;

  beforeAll(async () => {
    bench = await openBench(binary!, 400);
  });
  beforeEach(() => {
    workFolder = mkdtempSync(join(tmpdir(), 'flaredesk-work-'));
  });
  afterEach(async () => {
    await running?.kill();
    rmSync(workFolder, { recursive: true, force: true });
  });
  afterAll(() => bench.close());

  it('sets up a project in the wizard and makes its kits', async () => {
    running = await bench.start(join(workFolder, 'state'));
    const { page } = running;
    const folder = join(workFolder, 'fed');
    await beginProject(running, 'window_fed', folder);
    await addServer(page);
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await page.getByRole('button', { name: 'Add site' }).first().click();
    await page.getByLabel('Organisation').fill('org_b');
    await page.getByLabel('SSH address').fill('127.0.0.1');
    await page.getByRole('button', { name: 'Apply', exact: true }).click();
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await page.getByRole('button', { name: 'Add admin' }).first().click();
    await page.getByLabel('Name', { exact: true }).fill('ada@example.org');
    await page.getByRole('button', { name: 'Apply', exact: true }).click();
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await page.getByText('Confidential computing for all sites').waitFor();
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await page.getByRole('button', { name: 'Save and provision' }).click();
    const kits = join(folder, 'workspace/window_fed/prod_00');
    await expect
      .poll(() => existsSync(join(kits, 'ada@example.org/startup/client.crt')), { timeout: 60_000 })
      .toBe(true);
    expect(existsSync(join(kits, 'localhost/startup/fed_server.json'))).toBe(true);
    expect(readFileSync(join(folder, 'project.yml'), 'utf8')).toContain('name: window_fed');
    expect(running.log()).not.toMatch(/Unhandled|TypeError/);
  });

  it('has a half-done draft again after kill -9', async () => {
    const state = join(workFolder, 'state');
    running = await bench.start(state);
    await beginProject(running, 'half_done', join(workFolder, 'half'));
    await addServer(running.page);
    await running.page.getByText('localhost').first().waitFor();
    await running.page.waitForTimeout(500);
    await running.kill();

    running = await bench.start(state);
    running.page.setDefaultTimeout(patience);
    await running.page.getByRole('link', { name: 'Project' }).first().click();
    await running.page.getByText('localhost').first().waitFor();
    expect(existsSync(join(workFolder, 'half/project.yml'))).toBe(false);
  });
});
