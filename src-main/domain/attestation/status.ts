/** All that is said of one site at one moment: its badge, the claims behind it, the chain of its stages. */
import { badgeOf, type BadgeId, type BadgeColour } from './badges.ts';
import type { EvidenceClass, SiteEvent } from './events.ts';
import { type AttestationTiming, type Contradiction, type Facts, factsOf } from './facts.ts';
import type { FederationMemory, SiteMemory } from './memory.ts';
import { wordsOf } from './words.ts';

/** One statement with its source, its time and the end of its window. */
export interface Claim {
  class: EvidenceClass;
  claim: string;
  source: string;
  at: number;
  /** After this it does not count any more. */
  until?: number;
  /** Whether it counts now. */
  counts: boolean;
  good: boolean;
}

export type StageName =
  | 'configured'
  | 'built'
  | 'policy'
  | 'delivered'
  | 'host_ready'
  | 'launched'
  | 'unlocked'
  | 'connected'
  | 'attested'
  | 'peer_checked';

export interface Stage {
  name: StageName;
  state: 'ok' | 'bad' | 'busy' | 'unknown';
  text: string;
  class?: EvidenceClass;
  at?: number;
  source?: string;
}

export interface SiteStatus {
  site: string;
  badge: BadgeId;
  label: string;
  colour: BadgeColour;
  class: EvidenceClass;
  message: string;
  hint?: string;
  /** What the badge does not prove. */
  limit: string;
  claims: Claim[];
  stages: Stage[];
  contradictions: Contradiction[];
  /** The badge rests on evidence of this time, from this source. */
  at?: number;
  source?: string;
  until?: number;
  /** When evidence was last verified, in this run or an earlier one. Words, not evidence. */
  lastVerifiedAt?: number;
  /** The next check of the peers is due before this. */
  peersDueAt?: number;
}

/** Fuses what is remembered of a site into what may be said of it at `now`. Pure. */
export function statusOf(
  memory: SiteMemory,
  federation: FederationMemory,
  timing: AttestationTiming,
  now: number,
): SiteStatus {
  const facts = factsOf(memory, federation, timing, now);
  const rule = badgeOf(facts);
  const claims = claimsOf(facts);
  const basis =
    claims.find((claim) => claim.class === rule.class && claim.counts) ?? claims.find(({ counts }) => counts);
  const hint = rule.class === 'H' ? facts.evidence?.verdict.hint : undefined;
  return {
    site: memory.site,
    badge: rule.id,
    label: rule.label,
    colour: rule.colour,
    class: rule.class,
    message: rule.message(facts),
    ...(hint === undefined ? {} : { hint }),
    limit: rule.limit,
    claims,
    stages: stagesOf(facts),
    contradictions: facts.contradictions,
    ...(basis === undefined ? {} : { at: basis.at, source: basis.source }),
    ...(basis?.until === undefined ? {} : { until: basis.until }),
    ...(memory.lastVerifiedAt === undefined ? {} : { lastVerifiedAt: memory.lastVerifiedAt }),
    ...(facts.peers?.kind === 'passed' ? { peersDueAt: facts.peers.at + facts.windows.peers } : {}),
  };
}

function claimsOf(facts: Facts): Claim[] {
  const { memory, windows, now, federation } = facts;
  const claims: Claim[] = [];
  const add = (
    event: SiteEvent | undefined,
    window: number | undefined,
    good: boolean,
    resets = true,
  ): void => {
    if (event === undefined) return;
    const until = window === undefined ? undefined : event.at + window;
    claims.push({
      class: event.class,
      claim: wordsOf(event),
      source: event.source,
      at: event.at,
      ...(until === undefined ? {} : { until }),
      counts:
        event.at <= now + 2_000 &&
        (until === undefined || now <= until) &&
        (!resets || event.at >= federation.since),
      good,
    });
  };
  const { evidence, silence, peers, live, process, serial, released, rule, takesPart } = memory;
  const { configured, delivered, hostReady } = memory;
  add(silence?.last, windows.hardware, false);
  add(evidence, windows.hardware, evidence?.verdict.outcome === 'verified');
  add(released, undefined, true);
  add(rule, windows.rule, rule?.present === true, false);
  add(peers, windows.peers, peers?.kind === 'passed');
  add(live, windows.lost, live?.kind === 'connected');
  add(takesPart, undefined, takesPart?.yes === true);
  add(process, windows.process, process?.count === 1, false);
  add(serial, windows.boot, serial?.stage === 'unlocked', false);
  add(delivered, undefined, delivered?.good === true, false);
  add(hostReady, windows.hostReady, hostReady?.good === true, false);
  add(configured, undefined, configured?.how === 'real', false);
  return claims;
}

function stagesOf(facts: Facts): Stage[] {
  const { memory, process } = facts;
  const stage = (
    name: StageName,
    state: Stage['state'],
    text: string,
    event?: { class: EvidenceClass; at: number; source: string },
  ): Stage => ({
    name,
    state,
    text,
    ...(event === undefined ? {} : { class: event.class, at: event.at, source: event.source }),
  });
  const filed = (name: StageName, event: SiteMemory['built']): Stage =>
    event === undefined
      ? stage(name, 'unknown', 'not known')
      : stage(name, event.good ? 'ok' : 'bad', event.text, event);
  const { configured, rule, released, serial, evidence, peers, live } = memory;
  const hardware = facts.evidence?.verdict;
  return [
    configured === undefined
      ? stage('configured', 'unknown', 'not known')
      : stage(
          'configured',
          configured.how === 'real' ? 'ok' : 'unknown',
          configured.how === 'none' ? 'not confidential' : configured.how,
          configured,
        ),
    filed('built', memory.built),
    rule === undefined
      ? stage('policy', 'unknown', 'no policy read')
      : stage(
          'policy',
          rule.present ? 'ok' : 'bad',
          rule.present ? 'rule present' : 'will not boot again',
          rule,
        ),
    filed('delivered', memory.delivered),
    facts.hostReady === undefined && memory.hostReady !== undefined
      ? stage('host_ready', 'unknown', 'not known any more', memory.hostReady)
      : filed('host_ready', facts.hostReady),
    process === undefined
      ? stage(
          'launched',
          'unknown',
          memory.process === undefined ? 'not known' : 'not known any more',
          memory.process,
        )
      : stage(
          'launched',
          process.count === 1 ? 'ok' : 'bad',
          process.count === 0 ? 'not running' : `${process.count} running`,
          process,
        ),
    facts.released && released !== undefined
      ? stage('unlocked', 'ok', 'key released', released)
      : serial === undefined
        ? stage('unlocked', 'unknown', 'not known')
        : stage(
            'unlocked',
            serial.stage === 'unlocked' ? 'ok' : serial.stage === 'stuck' ? 'bad' : 'busy',
            serial.stage,
            serial,
          ),
    live === undefined
      ? stage('connected', 'unknown', 'not known')
      : stage(
          'connected',
          facts.connected ? 'ok' : facts.lost ? 'bad' : 'unknown',
          facts.connected ? 'connected' : facts.lost ? 'lost' : 'not known any more',
          live,
        ),
    hardware === undefined
      ? stage('attested', 'unknown', evidence === undefined ? 'not known' : 'not known any more', evidence)
      : stage(
          'attested',
          hardware.outcome === 'verified' && !hardware.simulated
            ? 'ok'
            : hardware.outcome === 'refused'
              ? 'bad'
              : 'unknown',
          hardware.simulated ? `${hardware.outcome} (simulated)` : hardware.outcome,
          facts.evidence,
        ),
    facts.peers === undefined
      ? stage('peer_checked', 'unknown', peers === undefined ? 'not known' : 'not known any more', peers)
      : stage('peer_checked', facts.peers.kind === 'passed' ? 'ok' : 'bad', facts.peers.kind, facts.peers),
  ];
}
