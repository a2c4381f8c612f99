/** The attestation pages before a real federation whose sites attest with a test chip: board, detail, timeline, chips; axe and pictures. */
import { writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCore } from '../../../src-main/core.ts';
import { type AttestingFederation, startAttestingFederation } from '../../lab/attestation/federation.ts';
import { pemOf, testChain, testChip } from '../../lab/attestation/snp-chain.ts';
import { debugPolicy, reportBody } from '../../lab/attestation/snp-report.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { goTo } from '../story/main-job.ts';
import { openWindows, takePictures, takeProofs, type Windows } from './browser.ts';
import { seriousFaults } from './axe.ts';

let folder: string;
let federation: AttestingFederation;
let windows: Windows;

beforeAll(async () => {
  folder = await newLabFolder('attestation-windows');
  const chain = testChain();
  const chip = testChip(chain);
  const root = join(folder, 'root.pem');
  await writeFile(root, pemOf(chain.ark) + pemOf(chain.ask));
  await writeFile(join(folder, 'key.pem'), chip.keyPem);
  await writeFile(join(folder, 'vcek.der'), chip.vcek);
  const orders = (id: string, policy?: bigint) => ({
    mode: 'pass' as const,
    key: join(folder, 'key.pem'),
    report: reportBody(chip, {
      reportId: id.repeat(32),
      ...(policy === undefined ? {} : { policy }),
    }).toString('hex'),
  });
  federation = await startAttestingFederation({
    version: '2.8.1',
    interval: 600,
    orders: { localhost: orders('01'), 'site-1': orders('11'), 'site-2': orders('21', debugPolicy) },
  });
  const core = createCore({
    stateFolder: join(folder, 'state'),
    version: 'test',
    environment: { home: folder, user: 'test', testAttestationRoot: root },
  });
  const client = core.clientFor({ name: 'test', placeOf: (given) => given });
  expect(await client.call('vcek.import', { from: join(folder, 'vcek.der') })).toMatchObject({ ok: true });
  expect(await client.call('workspace.open', { place: federation.adminKit() })).toMatchObject({ ok: true });
  await core.dispose();
  windows = await openWindows(folder, { env: { FLAREDESK_TEST_ATTESTATION_ROOT: root } });
});
afterAll(async () => {
  await windows?.close();
  await federation?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

it('shows every site with its proof and its limit, striped under a test root', {
  timeout: 120_000,
}, async () => {
  const { page } = windows;
  const found: string[] = [];
  const look = async (where: string): Promise<void> => {
    found.push(...(await seriousFaults(page, where)));
    await takeProofs(page, `attestation-${where}`);
  };
  await goTo(page, 'Attestation');
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  await page.getByText('Simulated: a test root is accepted').waitFor();
  await page.getByRole('button', { name: 'Check all now' }).click();
  await page
    .getByRole('row', { name: 'site-1' })
    .getByText('genuine (simulated)')
    .waitFor({ timeout: 30_000 });
  await page
    .getByRole('row', { name: 'site-2' })
    .getByText('failing (simulated)')
    .waitFor({ timeout: 30_000 });
  await look('board');
  await takePictures(page, 'attestation');
  await page.getByRole('row', { name: 'site-2' }).getByText('site-2', { exact: true }).click();
  const dialog = page.getByRole('dialog', { name: /site-2/ });
  await dialog.getByText('What this does not prove').waitFor();
  await dialog.getByText('DEBUG ALLOWED: the host can read the memory').waitFor();
  await look('detail');
  await takePictures(page, 'attestation-site');
  await page.keyboard.press('Escape');
  await page.getByText('Timeline', { exact: true }).click();
  await page.getByText('simulated refused').first().waitFor();
  await look('timeline');
  await page.getByText('Chip certificates', { exact: true }).click();
  await page.getByRole('row', { name: /Milan/ }).waitFor();
  await look('chips');
  await page.getByText('Calendar', { exact: true }).click();
  await page.getByRole('row', { name: /Milan/ }).waitFor();
  await page
    .getByRole('row', { name: /localhost/ })
    .getByText('participant')
    .waitFor();
  await look('calendar');
  await page.getByText('Board', { exact: true }).click();
  await page.getByRole('button', { name: 'Rules of this project' }).click();
  const form = page.getByRole('dialog', { name: 'Rules of this project' });
  const milan = form.getByRole('group', { name: 'Lowest firmware of Milan' });
  await milan.getByRole('textbox', { name: 'Microcode' }).fill('200');
  await look('rules');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'hidden' });
  await page.getByRole('row', { name: 'site-1' }).getByText('failing (simulated)').waitFor();
  await page
    .getByText(/firmware of the host is older than this project demands/)
    .first()
    .waitFor();
  expect(found).toEqual([]);
});
