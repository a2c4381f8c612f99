/** When a person must be told (docs/reference/confidential-computing.md §6.3). Pure: what is alarming now, never whether it was told. */
import type { FederationMemory } from './memory.ts';
import type { SiteStatus } from './status.ts';

export type AlarmKind =
  | 'site_failing'
  | 'contradiction'
  | 'federation_stopped'
  | 'evidence_overdue'
  | 'policy_changed'
  | 'vault_sealed'
  | 'certificate_ends'
  | 'vcek_ends';

export interface Alarm {
  /** The same trouble keeps its key, so that it is told once. */
  key: string;
  kind: AlarmKind;
  severity: 'bad' | 'warn';
  message: string;
  site?: string;
  hint?: string;
}

/** What other sources add: facts that are no state of a site. Undefined: not so, or not known any more. */
export interface AlarmFacts {
  policyChangedBy?: string | undefined;
  vaultSealed?: boolean | undefined;
  /** Certificates and VCEKs with their last moment. */
  ends?: readonly { kind: 'certificate' | 'vcek'; name: string; notAfter: number }[];
}

const day = 86_400_000;
/** Warned 30 days before a certificate ends. */
const warnDays = 30;

const failingBadges = new Set(['failing', 'simulated_failing', 'peers_failed', 'lost']);

export function alarmsOf(
  sites: readonly SiteStatus[],
  federation: FederationMemory,
  facts: AlarmFacts,
  now: number,
): Alarm[] {
  const alarms: Alarm[] = [];
  const stopped = federation.server?.up === false && federation.wasHealthy;
  if (stopped) {
    alarms.push({
      key: 'federation_stopped',
      kind: 'federation_stopped',
      severity: 'bad',
      message: `The federation stopped: ${federation.stopping?.line ?? federation.server?.reason ?? 'the reason is unknown'}`,
      hint: 'Read the report: the first site that failed, and the order to start in.',
      ...(federation.stopping?.site === undefined ? {} : { site: federation.stopping.site }),
    });
  }
  for (const { site, badge, message, contradictions, hint } of sites) {
    const more = hint === undefined ? {} : { hint };
    if (failingBadges.has(badge) && !stopped) {
      alarms.push({
        key: `failing ${site} ${badge}`,
        kind: 'site_failing',
        severity: 'bad',
        site,
        message: `${site}: ${message}`,
        ...more,
      });
    }
    for (const one of contradictions) {
      alarms.push({
        key: `contradiction ${site} ${one.id}`,
        kind: 'contradiction',
        severity: 'warn',
        site,
        message: `${site}: ${one.message}`,
      });
    }
    if (!stopped && (badge === 'attested_ending' || badge === 'no_answer')) {
      alarms.push({
        key: `overdue ${site}`,
        kind: 'evidence_overdue',
        severity: 'warn',
        site,
        message: `${site}: ${message}`,
      });
    }
  }
  if (facts.policyChangedBy !== undefined) {
    alarms.push({
      key: `policy ${facts.policyChangedBy}`,
      kind: 'policy_changed',
      severity: 'bad',
      message: `The key broker’s policy was changed by someone else: ${facts.policyChangedBy}.`,
    });
  }
  if (facts.vaultSealed === true) {
    alarms.push({
      key: 'vault',
      kind: 'vault_sealed',
      severity: 'bad',
      message: 'The vault behind the key broker is sealed: no VM can boot.',
      hint: 'Unseal it. The key broker itself looks healthy meanwhile.',
    });
  }
  for (const { kind, name, notAfter } of facts.ends ?? []) {
    const days = Math.floor((notAfter - now) / day);
    if (days >= warnDays) continue;
    alarms.push({
      key: `ends ${kind} ${name}`,
      kind: kind === 'vcek' ? 'vcek_ends' : 'certificate_ends',
      severity: days < 7 ? 'bad' : 'warn',
      message: days < 0 ? `${name} ended ${-days} days ago.` : `${name} ends in ${days} days.`,
    });
  }
  return alarms;
}
