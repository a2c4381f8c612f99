/** When a person must be told (docs/reference/confidential-computing.md §6.3). Pure: what is alarming now, never whether it was told. */
import { daysUntil, endingLevel, endingLevels } from './endings.ts';
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
  alarms.push(...endAlarms(facts.ends ?? [], now));
  return alarms;
}

/** One alarm for all that end within the same time: kits are made together and end together. */
function endAlarms(ends: NonNullable<AlarmFacts['ends']>, now: number): Alarm[] {
  return (['certificate', 'vcek'] as const).flatMap((kind) =>
    endingLevels.flatMap((level) => {
      if (level === 'later') return [];
      const [first, ...others] = ends
        .filter((one) => one.kind === kind && endingLevel(one.notAfter, now) === level)
        .sort((one, other) => one.notAfter - other.notAfter);
      if (first === undefined) return [];
      const days = daysUntil(first.notAfter, now);
      const when = level === 'ended' ? `ended ${-days} days ago` : `ends in ${days} days`;
      const more = others.length === 0 ? '' : `, ${others.length} more ${endWords[level]}`;
      return [
        {
          key: `ends ${kind} ${level}`,
          kind: kind === 'vcek' ? ('vcek_ends' as const) : ('certificate_ends' as const),
          severity: level === 'ended' || level === 'within_7_days' ? ('bad' as const) : ('warn' as const),
          message: `${first.name} ${when}${more}.`,
          hint: endHints[kind],
        },
      ];
    }),
  );
}

const endWords = {
  ended: 'that ended already',
  within_7_days: 'within 7 days',
  within_30_days: 'within 30 days',
  within_90_days: 'within 90 days',
} as const;
const endHints = {
  certificate: 'The calendar lists them all. Kits of the same root are issued anew by provisioning again.',
  vcek: 'The calendar lists them all. Fetch or import the chip’s certificate again.',
} as const;
