import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { StateValue } from '../../../src-main/contract/index.ts';
import type { CoreParts } from '../../../src-main/core/context.ts';
import type { AlarmFacts } from '../../../src-main/domain/attestation/index.ts';
import { tellAttestation } from '../../../src-main/core/kbs/tell-attestation.ts';
import { createKbsWatch } from '../../../src-main/core/kbs/watch.ts';
import type { KbsWatch, Workspace } from '../../../src-main/core/parts.ts';
import { alarmsOf } from '../../../src-main/domain/attestation/alarms.ts';
import { emptyFederation } from '../../../src-main/domain/attestation/memory.ts';
import { createStateCell } from '../../../src-main/core/state-cell.ts';
import { openStore } from '../../../src-main/services/store/index.ts';
import { generatePolicy, trusteeProfile } from '../../../src-main/domain/kbs/index.ts';
import { startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';
import { startVault } from '../../lab/kbs/vault.ts';
import { writeConfidentialProject } from './confidential-project.ts';
import { silentLogger } from '../../lab/silent-logger.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function watched(pace = { policyMs: 60_000, countersMs: 60_000 }, more = '') {
  const folder = await mkdtemp(join(tmpdir(), 'flaredesk-kbs-watch-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  const kbs: TestKbs = await startKbs({ minor: 14 });
  ends.push(() => kbs.stop());
  const file = await writeConfidentialProject(folder, kbs);
  await appendFile(join(folder, 'desk.yml'), more);
  const store = openStore(join(folder, 'state'));
  ends.push(() => store.close());
  const workspace = {
    state: createStateCell<StateValue<'workspace.current'>>({ open: { name: 'study' } as never, recent: [] }),
    opened: () => ({ kind: 'project', file }),
  } as unknown as Workspace;
  const core = {
    clock: { now: () => Date.now() },
    environment: { home: folder, user: 'ada' },
    logger: silentLogger,
    store: () => Promise.resolve(store),
    workspace: () => Promise.resolve(workspace),
  } as unknown as CoreParts;
  const watch: KbsWatch = await createKbsWatch(core, pace);
  ends.push(() => watch.dispose());
  return { kbs, watch, workspace, file, folder };
}

describe('the watch of a key broker', () => {
  it('asks nothing until somebody looks, and nothing more once nobody does', async () => {
    const { kbs, watch } = await watched({ policyMs: 100, countersMs: 100 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(kbs.requests).toEqual([]);
    const leave = watch.state.subscribe(() => undefined);
    await expect.poll(() => watch.state.get().policy?.sha256, { timeout: 5000 }).toMatch(/^[0-9a-f]{64}$/);
    await expect.poll(() => watch.state.get().counters, { timeout: 5000 }).not.toBeNull();
    expect(watch.state.get()).toMatchObject({
      address: kbs.address,
      status: { release: 'v0.14' },
      error: null,
    });
    leave();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const asked = kbs.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(kbs.requests.length).toBe(asked);
  });

  it('says that somebody else changed the policy, and why a look failed', async () => {
    const { kbs, watch, file } = await watched();
    const leave = watch.state.subscribe(() => undefined);
    ends.push(leave);
    await expect.poll(() => watch.state.get().policy, { timeout: 5000 }).not.toBeNull();
    const known = watch.state.get().policy?.sha256;
    expect(watch.state.get().policy?.changed_elsewhere).toBeNull();
    kbs.policy = 'package policy\n\ndefault allow = true\n';
    watch.touched(file);
    await expect
      .poll(() => watch.state.get().policy?.changed_elsewhere?.known_sha256, { timeout: 5000 })
      .toBe(known);
    kbs.failWith = { status: 500 };
    watch.touched(file);
    await expect.poll(() => watch.state.get().status?.admin, { timeout: 5000 }).toBe('failed');
    expect(watch.state.get().policy).toBeNull();
    await rm(kbs.ca);
    watch.touched(file);
    await expect.poll(() => watch.state.get().error?.code, { timeout: 5000 }).toBe('not_found');
  });

  it('tells attestation of rules and of keys that were read since the look before, of the open project only', async () => {
    const { kbs, watch, workspace, file } = await watched({ policyMs: 60_000, countersMs: 150 });
    const board = createStateCell({ watching: true } as StateValue<'attestation.board'>);
    const told: { kind: string; site: string; count?: number }[] = [];
    const facts: AlarmFacts[] = [];
    const allowed: object[] = [];
    let project = 'study';
    ends.push(
      tellAttestation(
        {
          state: board,
          project: () => project,
          tell: (event) => told.push(event),
          tellFacts: (one) => facts.push(one),
          tellAllowed: (measurements) => allowed.push(Object.fromEntries(measurements)),
        },
        workspace,
        watch,
      ),
    );
    await expect.poll(() => told.filter(({ kind }) => kind === 'rule').length, { timeout: 5000 }).toBe(3);
    await expect.poll(() => watch.state.get().counters, { timeout: 5000 }).not.toBeNull();
    const measurement = Buffer.from('11'.repeat(48), 'hex').toString('base64');
    const original = kbs.policy;
    kbs.policy = `package policy\ndefault allow = false\nallow {\n\t"${measurement}"\n}\n`;
    expect(kbs.guestAsks({ measurement, debug: false }, 'keys/root/vm-site-1')).toBe(200);
    await expect
      .poll(() => told.find(({ kind }) => kind === 'released'), { timeout: 5000 })
      .toMatchObject({ class: 'K', site: 'site-1', count: 1, source: kbs.address });
    project = 'another';
    const before = told.length;
    kbs.guestAsks({ measurement, debug: false }, 'keys/root/vm-site-1');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(told.length).toBe(before);
    expect(facts).toEqual([{ policyChangedBy: undefined }]);

    // The policy of somebody else alarms until it is ours again.
    project = 'study';
    watch.touched(file);
    await expect
      .poll(() => facts.at(-1)?.policyChangedBy, { timeout: 5000 })
      .toMatch(/^someone else, seen 20/);
    kbs.policy = original;
    watch.touched(file);
    await expect.poll(() => facts.at(-1), { timeout: 5000 }).toEqual({ policyChangedBy: undefined });

    // The standard policy asks for no measurement; rules of our own do.
    expect(allowed.at(-1)).toEqual({});
    const site1 = { participant: 'site-1', vmId: 'vm-site-1', measurement: '11'.repeat(48) };
    kbs.policy = generatePolicy([site1], trusteeProfile('v0.14'));
    watch.touched(file);
    await expect
      .poll(() => allowed.at(-1), { timeout: 5000 })
      .toEqual({ server1: [], 'site-1': [site1.measurement], 'site-2': [] });
  });

  it('raises an alarm while the vault is sealed, keeps it while nobody can tell, and ends it', async () => {
    const vault = await startVault();
    ends.push(() => vault.stop());
    vault.state = 'sealed';
    const { kbs, watch, workspace } = await watched(
      { policyMs: 60_000, countersMs: 100 },
      `  vault: ${vault.address}\n  vault_ca: ${vault.ca}\n`,
    );
    const facts: AlarmFacts = {};
    const kinds = (): string[] => alarmsOf([], emptyFederation, facts, Date.now()).map(({ kind }) => kind);
    ends.push(
      tellAttestation(
        {
          state: createStateCell({ watching: true } as StateValue<'attestation.board'>),
          project: () => 'study',
          tell: () => undefined,
          tellFacts: (more) => Object.assign(facts, more),
          tellAllowed: () => undefined,
        },
        workspace,
        watch,
      ),
    );
    await expect.poll(kinds, { timeout: 5000 }).toEqual(['vault_sealed']);
    expect(watch.state.get().vault).toMatchObject({ state: 'sealed', address: vault.address });
    vault.instead = { status: 503, body: 'proxy' };
    kbs.failWith = { status: 500 };
    await expect.poll(() => watch.state.get().vault?.state, { timeout: 5000 }).toBe('unclear');
    expect(kinds()).toEqual(['vault_sealed']);
    vault.instead = undefined;
    vault.state = 'active';
    await expect.poll(kinds, { timeout: 5000 }).toEqual([]);
    expect(vault.faults).toEqual([]);
  });
});
