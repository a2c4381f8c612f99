/**
 * Watches a federation: asks each site for evidence in turn, the server for heartbeats, and fuses what comes with what other
 * sources tell (docs/reference/confidential-computing.md §6.4). One request at a time for all sites, never a burst.
 */
import {
  type Alarm,
  type AlarmFacts,
  alarmsOf,
  emptyFederation,
  emptySite,
  type Expectations,
  type FederationEvent,
  type FederationMemory,
  isNews,
  remember,
  rememberFederation,
  type SiteEvent,
  type SiteMemory,
  type SiteStatus,
  statusOf,
  type StopReport,
  stopReport,
  type Verdict,
} from '../../domain/attestation/index.ts';
import type { Clock, Logger } from '../../ports.ts';
import type { AdminSession } from '../flare/index.ts';
import type { AttestationRepository } from '../store/index.ts';
import type { Anchors } from './anchors.ts';
import { type RunningJob, ServerQuestions } from './ask-server.ts';
import { type AskedSite, askSite } from './ask-site.ts';
import { judgeStored } from './judge-stored.ts';
import { timelineEntry } from './timeline-entry.ts';
import type { VcekStore } from './vcek-store.ts';
import type { SignatureMemory } from './verify-report.ts';

export interface WatchedSite extends AskedSite {
  configured: 'real' | 'mock' | 'none';
  /** A GPU attester calls a service of NVIDIA for each request: only asked when a person does. */
  gpu?: boolean;
}

export interface WatchPace {
  /** Between two requests to one site; at least the check interval of the federation and 300 s. */
  periodMs: number;
  statusMs: number;
  sitesMs: number;
  /** How long an answer is waited for: what FLARE's own sites wait, and a margin. */
  answerMs: number;
  /** Unreachable for so long, the server counts as down. */
  downMs: number;
  /** Connected but without an answer for so long, it does too. */
  silentMs: number;
}

export const paceOf = (verifyFrequency: number): WatchPace => ({
  periodMs: Math.max(verifyFrequency, 300) * 1000,
  statusMs: 10_000,
  sitesMs: 60_000,
  answerMs: 12_000,
  downMs: 5_000,
  silentMs: 25_000,
});

export interface WatcherOptions {
  project: string;
  /** Participant name of the server. */
  server: string;
  sites: readonly WatchedSite[];
  /** Seconds. */
  verifyFrequency: number;
  /** The running session; asked again when it is over. */
  session: (signal: AbortSignal) => Promise<AdminSession>;
  expectations: (site: string) => Expectations;
  anchors: Anchors;
  store: VcekStore;
  timeline: AttestationRepository;
  clock: Clock;
  logger: Logger;
  /** Whom the timeline names. */
  actor: string;
  pace?: WatchPace;
  onChange: () => void;
  onAlarm?: (alarm: Alarm) => void;
}

export interface Watcher {
  statuses(): SiteStatus[];
  federation(): FederationMemory;
  alarms(): Alarm[];
  /** Why the federation stopped, once it did. */
  report(): StopReport | undefined;
  /** The requests that are paused until a person asks, because two in a row were not answered. */
  paused(): string[];
  /** What another source learnt (hosts: S, key broker: K, logs: F). News is kept in the timeline, a repetition is not. */
  tell(event: SiteEvent): void;
  tellFederation(event: FederationEvent): void;
  /** What is named replaces what was known of it; `undefined` takes it back. */
  tellFacts(facts: AlarmFacts): void;
  /** Makes the verdicts on this run's reports anew, by the certificates and expectations of now. */
  rejudge(): Promise<void>;
  /** Asks these sites (all when missing) now, one after the other. Resolves when all answered or were waited for. */
  check(sites: readonly string[] | undefined, signal?: AbortSignal): Promise<void>;
  /** This computer slept: nothing learnt before counts any more, and everything is asked anew, one site after the other. */
  slept(): void;
  dispose(): void;
}

const pauseAfter = 2;
/** Checks that a look at the report alone cannot make. */
const fromElsewhere: ReadonlySet<string> = new Set(['fresh', 'gpu_token', 'gpu_nonce', 'site_name']);
const tickMs = 2_000;
/** Beyond its time limit an answer may be late by as much as this program is busy. */
const lateMs = 5_000;
const questionMs = 15_000;
