import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { vaultHealth } from '../../../src-main/services/kbs/index.ts';
import { startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';
import { startVault, type TestVault, type VaultState } from '../../lab/kbs/vault.ts';
import { fakeTerminal, runJson } from '../../unit/headless/fake-terminal.ts';
import { writeConfidentialProject } from './confidential-project.ts';

let vault: TestVault;
let kbs: TestKbs;
beforeAll(async () => {
  vault = await startVault();
  kbs = await startKbs({ minor: 15 });
});
afterEach(() => {
  expect(vault.faults).toEqual([]);
  vault.state = 'active';
  vault.instead = undefined;
});
afterAll(async () => {
  await vault.stop();
  await kbs.stop();
});

const target = (ca = vault.ca) => ({
  address: vault.address,
  port: Number(new URL(vault.address).port),
  ca,
});

it.each<VaultState>([
  'active',
  'standby',
  'performance_standby',
  'dr_secondary',
  'not_initialised',
  'sealed',
])('knows a vault that is %s', async (state) => {
  vault.state = state;
  expect(await vaultHealth(target())).toEqual({ address: vault.address, state, version: '1.18.3' });
});

it.each([
  ['a proxy that answers 503', 503, '<html>unavailable</html>'],
  ['a proxy that answers 200', 200, '{"status":"ok"}'],
  ['a status that belies its body', 200, '{"initialized":true,"sealed":true}'],
  ['a status nobody knows', 418, '{"initialized":true,"sealed":false}'],
])('does not take %s for a vault', async (_, status, body) => {
  vault.instead = { status, body };
  const health = await vaultHealth(target());
  expect(health).toMatchObject({ state: 'unclear' });
  expect(health.message).toContain(`answered ${status}`);
});

it('says why a vault cannot be reached, and claims nothing more', async () => {
  const other = await vaultHealth(target(kbs.ca));
  expect(other).toMatchObject({ state: 'unreachable' });
  expect(other.message).toContain(`The certificate of the vault ${vault.address} is not trusted`);
  expect(other.hint).toContain('kbs.vault_ca');
  const gone = await startVault();
  await gone.stop();
  const port = Number(new URL(gone.address).port);
  const nobody = await vaultHealth({ address: gone.address, port });
  expect(nobody.message).toContain(`The vault ${gone.address} cannot be reached`);
  const missing = await vaultHealth(target('/nowhere/ca.pem'));
  expect(missing.message).toContain('kbs.vault_ca');
});

it('is a danger in the status of the key broker while it is sealed, a doubt while it is silent', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flaredesk-vault-command-'));
  try {
    const project = await writeConfidentialProject(folder, kbs);
    const desk = join(folder, 'desk.yml');
    await appendFile(desk, `  vault: ${vault.address}\n  vault_ca: ${vault.ca}\n`);
    const status = async () => {
      const terminal = fakeTerminal({ environment: { FLAREDESK_STATE: join(folder, 'state') } });
      const { exit, answer } = await runJson(['kbs', 'status', '-p', project], terminal);
      return { exit, value: answer.value as { vault: { state: string }; findings: { code: string }[] } };
    };
    const good = await status();
    expect(good).toMatchObject({ exit: 0, value: { vault: { state: 'active' }, findings: [] } });
    vault.state = 'sealed';
    const sealed = await status();
    expect(sealed).toMatchObject({ exit: 1, value: { vault: { state: 'sealed' } } });
    expect(sealed.value.findings.map(({ code }) => code)).toEqual(['kbs_vault_sealed']);
    vault.instead = { status: 502, body: '' };
    const silent = await status();
    expect(silent).toMatchObject({ exit: 0, value: { vault: { state: 'unclear' } } });
    expect(silent.value.findings.map(({ code }) => code)).toEqual(['kbs_vault_unknown']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
