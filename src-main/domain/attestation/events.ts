/**
 * What the sources of attestation tell, each with the time of this console's clock at which it was learnt and the source in
 * words (docs/reference/confidential-computing.md §6.1). The state machine folds these and nothing else.
 */
import type { Verdict } from './verdict.ts';

/** H hardware, K key broker, F peers of FLARE, L liveness, S host by ssh, I inference, P the project's own files. */
export type EvidenceClass = 'H' | 'K' | 'F' | 'L' | 'S' | 'I' | 'P';

interface Told {
  /** Name of the participant; the server by its participant name too. */
  site: string;
  /** Milliseconds since the epoch, console clock. */
  at: number;
  /** Who said it, for a person: `cell request by admin@hospital.org`, `https://kbs:8999`, `host hospital-a`. */
  source: string;
}

export type SiteEvent =
  /** The project or the kit says how the site is to prove itself. */
  | (Told & { class: 'P'; kind: 'configured'; how: 'real' | 'mock' | 'none' })
  /** A stage before the launch, as files or hosts show it. */
  | (Told & { class: 'P' | 'S'; kind: 'built' | 'delivered' | 'host_ready'; good: boolean; text: string })
  /** The site answered and its evidence was judged. */
  | (Told & { class: 'H'; kind: 'evidence'; verdict: Verdict })
  /** Nothing came within the time limit. Proves nothing either way. */
  | (Told & { class: 'H'; kind: 'no_answer'; waitedMs: number })
  /** The read-back policy has, or has not, a rule for the measurement of this site's bundle. */
  | (Told & { class: 'K'; kind: 'rule'; present: boolean })
  /** The release counter of this site's key grew after its launch. */
  | (Told & { class: 'K'; kind: 'released'; count: number })
  /** A line of a log of FLARE itself. */
  | (Told & { class: 'F'; kind: 'passed' | 'failed'; line: string })
  /** `check_status`: connected with its last heartbeat, or not listed. `skewMs`: the site's clock against ours. */
  | (Told & { class: 'L'; kind: 'connected'; lastHeartbeatAt: number; skewMs?: number })
  | (Told & { class: 'L'; kind: 'missing' })
  /** `get_sites`: whether the site takes part in the confidential computing of this federation. */
  | (Told & { class: 'L'; kind: 'takes_part'; yes: boolean })
  /** Its host: how many processes run this VM, since when, and whether its image is locked. */
  | (Told & { class: 'S'; kind: 'process'; count: number; startedAt?: number; locked?: boolean })
  /** Serial output of the VM. */
  | (Told & {
      class: 'S';
      kind: 'serial';
      stage: 'attesting' | 'unlocked' | 'stuck';
      /** Hex, as printed by the VM. */
      measurement?: string;
    });

/** What concerns all sites together. */
export type FederationEvent = { at: number; source: string } & (
  | { class: 'L'; kind: 'server_up'; startedAt?: string }
  | { class: 'L'; kind: 'server_down'; reason: string }
  /** The admin session broke: what was known is not known any more. */
  | { class: 'L'; kind: 'session_lost' }
  /** This computer slept: nobody looked meanwhile. */
  | { class: 'L'; kind: 'slept' }
  | { class: 'F'; kind: 'stopping'; line: string; site?: string }
);
