/** From the pure rules' forms to those of the contract. */
import type { z } from 'zod';
import type { kbsStatusSchema, simulatedSchema } from '../../contract/kbs.ts';
import { type KbsCounters, simulatePolicy, type TrusteeProfile } from '../../domain/kbs/index.ts';
import type { KbsStatus, VaultHealth } from '../../services/kbs/index.ts';
import type { Inventory } from './inventory.ts';

export type Status = z.input<typeof kbsStatusSchema>;
export type Simulated = z.input<typeof simulatedSchema>;

export const countersOf = (counters: KbsCounters, at: string): NonNullable<Status['counters']> => ({
  at,
  reads: counters.reads,
  policy_approvals: counters.policyApprovals,
  policy_violations: counters.policyViolations,
  policy_errors: counters.policyErrors,
  attestation_successes: counters.attestationSuccesses,
  attestation_failures: counters.attestationFailures,
});

export const vaultOf = (health: VaultHealth, at: string): NonNullable<Status['vault']> => ({ at, ...health });

export const statusOf = (status: KbsStatus, address: string, at: string): Status => ({
  at,
  address,
  release: status.release ?? null,
  release_sure: status.releaseSure,
  ...(status.buildVersion === undefined ? {} : { build_version: status.buildVersion }),
  admin: status.admin,
  findings: status.findings,
  ...(status.vault ? { vault: vaultOf(status.vault, at) } : {}),
  ...(status.counters ? { counters: countersOf(status.counters, at) } : {}),
});

const order: readonly Simulated['change'][] = ['loses', 'gains', 'unknown', 'same'];

/** What each CVM of the inventory is answered before and after, those that lose their key first. */
export function simulated(
  before: string,
  after: string,
  inventory: Inventory,
  profile: TrusteeProfile,
): Simulated[] {
  const rows: Simulated[] = simulatePolicy(before, after, inventory.cvms, profile).map(
    ({ vmId, ...row }) => ({ ...row, vm_id: vmId }),
  );
  for (const { participant, reason } of inventory.unknown) {
    rows.push({ participant, vm_id: null, before: 'unknown', after: 'unknown', change: 'unknown', reason });
  }
  return rows.sort((one, other) => order.indexOf(one.change) - order.indexOf(other.change));
}

/** What each CVM of the inventory is answered by one text. */
export const answers = (text: string, inventory: Inventory, profile: TrusteeProfile) =>
  simulated(text, text, inventory, profile).map(({ participant, vm_id, after, reason }) => ({
    participant,
    vm_id,
    answer: after,
    ...(reason === undefined ? {} : { reason }),
  }));
