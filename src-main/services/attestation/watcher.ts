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
} from '../../domain/attestation/index.ts';
import type { Clock, Logger } from '../../ports.ts';
import type { AdminSession } from '../flare/index.ts';
import type { AttestationRepository } from '../store/index.ts';
import type { Anchors } from './anchors.ts';
import { type RunningJob, ServerQuestions } from './ask-server.ts';
import { type AskedSite, askSite } from './ask-site.ts';
import { judgedAnew } from './judge-stored.ts';
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
const tickMs = 2_000;
const questionMs = 15_000;
/** Beyond its time limit an answer may be late by as much as this program is busy. */
const lateMs = 5_000;
const again = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Starts watching. */
export async function watchFederation(options: WatcherOptions): Promise<Watcher> {
  const lastVerified = await options.timeline.lastVerified(options.project);
  return new RunningWatcher(options, lastVerified);
}

class RunningWatcher implements Watcher {
  readonly #options: WatcherOptions;
  readonly #pace: WatchPace;
  readonly #memories = new Map<string, SiteMemory>();
  readonly #due = new Map<string, number>();
  readonly #heartbeats = new Map<string, { value: number; heardAt: number }>();
  readonly #stop = new AbortController();
  readonly #signatures: SignatureMemory = new Map();
  #federation: FederationMemory = emptyFederation;
  #facts: AlarmFacts = {};
  #told = new Set<string>();
  readonly #questions: ServerQuestions;
  #jobs: RunningJob[] = [];
  #report: StopReport | undefined;
  #session: AdminSession | undefined;
  #unfollow: (() => void) | undefined;
  #lostAt: number | undefined;
  /** The first of the status questions that were not answered since the last answer. */
  #silentSince: number | undefined;
  #openError: string | undefined;
  #queue: Promise<void> = Promise.resolve();
  #asking = false;
  #nextStatus = 0;
  #nextSites = 0;
  readonly #timer: NodeJS.Timeout;
  #busy = false;

  constructor(options: WatcherOptions, lastVerified: ReadonlyMap<string, number>) {
    this.#options = options;
    this.#pace = options.pace ?? paceOf(options.verifyFrequency);
    this.#questions = new ServerQuestions(options);
    const now = options.clock.now();
    const asked = options.sites.filter(({ configured }) => configured !== 'none');
    for (const { name, configured } of options.sites) {
      this.#memories.set(name, emptySite(name, lastVerified.get(name)));
      this.#take({ site: name, class: 'P', kind: 'configured', at: now, source: 'kit', how: configured });
    }
    // Staggered over one period, the first at once.
    for (const [index, { name }] of asked.filter(({ gpu }) => gpu !== true).entries()) {
      this.#due.set(name, now + (index * this.#pace.periodMs) / Math.max(1, asked.length));
    }
    this.#timer = setInterval(() => this.#tick(), Math.min(tickMs, this.#pace.statusMs));
    this.#timer.unref();
    this.#tick();
  }

  statuses(): SiteStatus[] {
    const { verifyFrequency, sites, clock } = this.#options;
    const timing = { verifyFrequency, sites: sites.length };
    return [...this.#memories.values()].map((memory) =>
      statusOf(memory, this.#federation, timing, clock.now()),
    );
  }

  federation(): FederationMemory {
    return this.#federation;
  }

  alarms(): Alarm[] {
    return alarmsOf(this.statuses(), this.#federation, this.#facts, this.#options.clock.now());
  }

  report(): StopReport | undefined {
    return this.#report;
  }

  paused(): string[] {
    return [...this.#memories.values()].flatMap(({ site, silence }) =>
      (silence?.count ?? 0) >= pauseAfter ? [site] : [],
    );
  }

  tell(event: SiteEvent): void {
    const memory = this.#memories.get(event.site);
    if (memory === undefined) return;
    const news = isNews(memory, event);
    this.#take(event);
    if (news) void this.#keep(event);
    this.#changed();
  }

  tellFederation(event: FederationEvent): void {
    this.#federation = rememberFederation(this.#federation, event);
    this.#changed();
  }

  tellFacts(facts: AlarmFacts): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#changed();
  }

  check(sites: readonly string[] | undefined, signal?: AbortSignal): Promise<void> {
    const wanted = this.#options.sites.filter(
      ({ name, configured }) => configured !== 'none' && (sites === undefined || sites.includes(name)),
    );
    const work = this.#queue.then(async () => {
      for (const site of wanted) {
        if (signal?.aborted || this.#stop.signal.aborted) return;
        await this.#ask(site);
      }
    });
    this.#queue = work.catch(() => undefined);
    return work;
  }

  slept(): void {
    const now = this.#options.clock.now();
    this.#toldFederation({ class: 'L', kind: 'slept', at: now, source: 'this computer' });
    this.#nextStatus = this.#nextSites = 0;
    this.#lostAt = this.#silentSince = undefined;
    for (const name of this.#due.keys()) this.#due.set(name, now);
    this.#changed();
    this.#tick();
  }

  async rejudge(): Promise<void> {
    const { project, timeline, expectations, anchors, store, clock } = this.#options;
    const parts = { anchors, store, now: clock.now(), memory: this.#signatures };
    const kept = await timeline.latestEvidence(project);
    for (const { event, bytes } of await judgedAnew(
      [...this.#memories.values()],
      kept,
      expectations,
      parts,
    )) {
      this.#take(event);
      await this.#keep(event, { verdict: event.verdict, evidence: bytes });
    }
    this.#changed();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#unfollow?.();
    this.#stop.abort();
  }

  // The round

  #tick(): void {
    if (this.#stop.signal.aborted) return;
    // What a slow answer keeps waiting must not hide that the server is gone.
    this.#lookAtSession();
    this.#changed();
    if (this.#busy) return;
    this.#busy = true;
    void this.#round()
      .catch((error: unknown) => this.#options.logger.warn(`Attestation: ${again(error)}`))
      .finally(() => {
        this.#busy = false;
        if (!this.#stop.signal.aborted) this.#changed();
      });
  }

  async #round(): Promise<void> {
    const session = await this.#living();
    if (session === undefined) return;
    const now = this.#options.clock.now();
    if (now >= this.#nextStatus) {
      this.#nextStatus = now + this.#pace.statusMs;
      await this.#askStatus(session);
    }
    if (now >= this.#nextSites) {
      this.#nextSites = now + this.#pace.sitesMs;
      const limit = this.#limit();
      const [events, jobs] = await Promise.all([
        this.#questions.takingPart(session, limit),
        this.#questions.jobs(session, limit),
      ]);
      for (const event of events) this.#take(event);
      if (jobs !== undefined) this.#jobs = jobs;
    }
    this.#askNext(now);
  }

  /** No question holds the round longer than this. */
  #limit(): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(questionMs)]);
  }

  /** The site that is due longest; one request for all sites at a time. */
  #askNext(now: number): void {
    if (this.#asking) return;
    const paused = new Set(this.paused());
    const [next] = [...this.#due]
      .filter(([name, due]) => due <= now && !paused.has(name))
      .sort(([, one], [, other]) => one - other);
    const site = next && this.#options.sites.find(({ name }) => name === next[0]);
    if (site === undefined) return;
    this.#asking = true;
    void this.check([site.name]).finally(() => (this.#asking = false));
  }

  /** Whether the server is still there, as far as the session shows. */
  #lookAtSession(): void {
    const now = this.#options.clock.now();
    if (this.#session?.state === 'connected') {
      this.#lostAt = undefined;
      // A machine that was cut off ends no connection: it just does not answer any more.
      if (this.#silentSince !== undefined && now - this.#silentSince >= this.#pace.silentMs)
        this.#down('it does not answer any more');
      return;
    }
    if (this.#session === undefined) return;
    if (this.#lostAt === undefined) {
      this.#lostAt = now;
      this.#toldFederation({ class: 'L', kind: 'session_lost', at: now, source: 'admin session' });
    }
    if (now - this.#lostAt >= this.#pace.downMs) {
      this.#down(this.#openError ?? 'the connection to the server is lost');
    }
  }

  async #living(): Promise<AdminSession | undefined> {
    if (this.#session?.state === 'connected') return this.#session;
    if (this.#session !== undefined && this.#session.state !== 'closed') return undefined;
    try {
      const opened = await this.#options.session(this.#stop.signal);
      this.#unfollow?.();
      this.#unfollow = opened.onState(() => this.#tick());
      this.#session = opened;
      this.#lostAt = undefined;
      this.#silentSince = undefined;
      this.#openError = undefined;
      this.#nextStatus = 0;
      return opened;
    } catch (error) {
      const now = this.#options.clock.now();
      this.#openError = again(error);
      this.#lostAt ??= now;
      if (now - this.#lostAt >= this.#pace.downMs) this.#down(this.#openError);
      return undefined;
    }
  }

  #down(reason: string): void {
    const now = this.#options.clock.now();
    if (this.#federation.server?.up === false) return;
    const memories = [...this.#memories.values()];
    this.#toldFederation({ class: 'L', kind: 'server_down', reason, at: now, source: 'admin session' });
    if (!this.#federation.wasHealthy) return;
    this.#report = stopReport(memories, this.#federation, this.#options.server, this.#jobs);
    const { project, server, actor, timeline, logger } = this.#options;
    void timeline
      .add({
        project,
        site: this.#report.first?.site ?? server,
        at: now,
        class: 'I',
        kind: 'federation_stopped',
        source: 'this console',
        actor,
        message: this.#report.reason,
        detail: this.#report,
      })
      .catch((error: unknown) => logger.error(`The timeline could not be written: ${again(error)}`));
  }

  async #askStatus(session: AdminSession): Promise<void> {
    const asked = this.#options.clock.now();
    try {
      const { up, events } = await this.#questions.status(session, this.#limit());
      this.#silentSince = undefined;
      this.#toldFederation(up);
      this.#report = undefined;
      for (const event of events) this.#take(event);
    } catch {
      this.#silentSince ??= asked;
    }
  }

  // One site

  async #ask(site: WatchedSite): Promise<void> {
    const { clock, logger, expectations, anchors, store, timeline } = this.#options;
    const session = this.#session;
    const askedAt = clock.now();
    this.#due.set(site.name, askedAt + this.#pace.periodMs);
    if (session === undefined || session.state !== 'connected') return;
    const asked = await askSite(session, site, this.#memories.get(site.name), {
      expectations,
      anchors,
      store,
      timeline,
      clock,
      signatures: this.#signatures,
      answerMs: this.#pace.answerMs,
      signal: this.#stop.signal,
      // An answer that lay in wait while this computer slept says how it was before.
      isLate: (at) => at - askedAt > this.#pace.answerMs + lateMs || askedAt < this.#federation.since,
    });
    if (asked.kind === 'nothing') return;
    if (asked.kind === 'late') {
      this.#due.set(site.name, clock.now());
      return;
    }
    if (asked.kind === 'unsupported') {
      this.#due.delete(site.name);
      logger.info(asked.message);
      return;
    }
    this.#take(asked.event);
    await this.#keep(asked.event, asked);
    this.#changed();
  }

  // Keeping and telling

  #take(event: SiteEvent): void {
    const memory = this.#memories.get(event.site);
    if (memory !== undefined) this.#memories.set(event.site, remember(memory, event));
  }

  #toldFederation(event: FederationEvent): void {
    this.#federation = rememberFederation(this.#federation, event);
  }

  async #keep(event: SiteEvent, more: Parameters<typeof timelineEntry>[2] = {}): Promise<void> {
    const { project, actor, timeline, logger } = this.#options;
    await timeline
      .add(timelineEntry(event, { project, actor }, more))
      .catch((error: unknown) => logger.error(`The timeline could not be written: ${again(error)}`));
  }

  #changed(): void {
    const alarms = this.alarms();
    for (const alarm of alarms) if (!this.#told.has(alarm.key)) this.#options.onAlarm?.(alarm);
    this.#told = new Set(alarms.map(({ key }) => key));
    this.#options.onChange();
  }
}
