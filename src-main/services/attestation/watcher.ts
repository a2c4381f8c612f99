/**
 * Watches a federation: asks each site for evidence in turn, the server for heartbeats, and fuses what comes with what other
 * sources tell (docs/reference/confidential-computing.md §6.4). One request at a time for all sites, never a burst.
 */
import { DeskError } from '../../contract/errors.ts';
import {
  type Alarm,
  type AlarmFacts,
  alarmsOf,
  emptyFederation,
  emptySite,
  type Evidence,
  type Expectations,
  type FederationEvent,
  type FederationMemory,
  isNews,
  parseReport,
  readToken,
  remember,
  rememberFederation,
  type SiteEvent,
  type SiteMemory,
  type SiteStatus,
  statusOf,
  type StopReport,
  stopReport,
  type Verdict,
  verdictWithout,
  wordsOf,
} from '../../domain/attestation/index.ts';
import type { Clock, Logger } from '../../ports.ts';
import type { AdminSession } from '../flare/index.ts';
import type { AttestationRepository } from '../store/index.ts';
import type { Anchors } from './anchors.ts';
import { judgeEvidence, markOf } from './judge.ts';
import type { VcekStore } from './vcek-store.ts';
import type { SignatureMemory } from './verify-report.ts';

export interface WatchedSite {
  /** Name of the participant. */
  name: string;
  /** Its cell. The server's is `server`. */
  fqcn: string;
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
}

export const paceOf = (verifyFrequency: number): WatchPace => ({
  periodMs: Math.max(verifyFrequency, 300) * 1000,
  statusMs: 10_000,
  sitesMs: 60_000,
  answerMs: 12_000,
  downMs: 5_000,
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
  /** Asks these sites (all when missing) now, one after the other. Resolves when all answered or were waited for. */
  check(sites: readonly string[] | undefined, signal?: AbortSignal): Promise<void>;
  /** This computer slept: nothing learnt before counts any more, and everything is asked anew, one site after the other. */
  slept(): void;
  dispose(): void;
}

const pauseAfter = 2;
const tickMs = 2_000;
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
  #jobs: { id: string; name: string; status: string }[] = [];
  #report: StopReport | undefined;
  #session: AdminSession | undefined;
  #lostAt: number | undefined;
  #queue: Promise<void> = Promise.resolve();
  #asking = false;
  #nextStatus = 0;
  #nextSites = 0;
  readonly #timer: NodeJS.Timeout;
  #busy = false;

  constructor(options: WatcherOptions, lastVerified: ReadonlyMap<string, number>) {
    this.#options = options;
    this.#pace = options.pace ?? paceOf(options.verifyFrequency);
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
    this.#timer = setInterval(() => void this.#tick(), Math.min(tickMs, this.#pace.statusMs));
    this.#timer.unref();
    void this.#tick();
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
    if (news) void this.#keep(event, {});
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
    for (const name of this.#due.keys()) this.#due.set(name, now);
    this.#changed();
    void this.#tick();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#stop.abort();
  }

  // The round

  async #tick(): Promise<void> {
    if (this.#busy || this.#stop.signal.aborted) return;
    this.#busy = true;
    try {
      const session = await this.#living();
      const now = this.#options.clock.now();
      if (session !== undefined) {
        if (now >= this.#nextStatus) {
          this.#nextStatus = now + this.#pace.statusMs;
          await this.#askStatus(session);
        }
        if (now >= this.#nextSites) {
          this.#nextSites = now + this.#pace.sitesMs;
          await this.#askSites(session);
        }
        this.#askNext(now);
      }
    } catch (error) {
      this.#options.logger.warn(`Attestation: ${again(error)}`);
    } finally {
      this.#busy = false;
      if (!this.#stop.signal.aborted) this.#changed();
    }
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

  async #living(): Promise<AdminSession | undefined> {
    const { clock } = this.#options;
    if (this.#session?.state === 'connected') {
      this.#lostAt = undefined;
      return this.#session;
    }
    if (this.#session !== undefined && this.#lostAt === undefined) {
      this.#lostAt = clock.now();
      this.#toldFederation({ class: 'L', kind: 'session_lost', at: clock.now(), source: 'admin session' });
    }
    if (this.#session === undefined || this.#session.state === 'closed') {
      try {
        this.#session = await this.#options.session(this.#stop.signal);
        this.#lostAt = undefined;
        this.#nextStatus = 0;
        return this.#session;
      } catch (error) {
        this.#lostAt ??= clock.now();
        this.#down(again(error));
        return undefined;
      }
    }
    this.#down('the connection to the server is lost');
    return undefined;
  }

  #down(reason: string): void {
    const now = this.#options.clock.now();
    if (this.#lostAt === undefined || now - this.#lostAt < this.#pace.downMs) return;
    if (this.#federation.server?.up === false) return;
    const memories = [...this.#memories.values()];
    this.#toldFederation({ class: 'L', kind: 'server_down', reason, at: now, source: 'admin session' });
    if (this.#federation.wasHealthy) {
      this.#report = stopReport(memories, this.#federation, this.#options.server, this.#jobs);
      void this.#options.timeline.add({
        project: this.#options.project,
        site: this.#report.first?.site ?? this.#options.server,
        at: now,
        class: 'I',
        kind: 'federation_stopped',
        source: 'this console',
        actor: this.#options.actor,
        message: this.#report.reason,
        detail: this.#report,
      });
    }
  }

  async #askStatus(session: AdminSession): Promise<void> {
    const reply = await session
      .execute('check_status server', { signal: this.#stop.signal })
      .catch(() => undefined);
    const { clock, sites, server } = this.#options;
    const at = clock.now();
    if (reply === undefined) return;
    const source = 'check_status server';
    const { server_start_time: startedAt, clients } = reply.meta;
    const restarted =
      typeof startedAt === 'number' || typeof startedAt === 'string' ? { startedAt: String(startedAt) } : {};
    this.#toldFederation({ class: 'L', kind: 'server_up', at, source, ...restarted });
    this.#report = undefined;
    if (!reply.ok) return;
    // Without a connected client the server leaves the list out (docs/reference/admin-protocol.md §8.2).
    const rows = (Array.isArray(clients) ? clients : []) as Record<string, unknown>[];
    for (const { name } of sites) {
      const row = rows.find((one) => one['client_name'] === name);
      const last = name === server ? at : this.#heartbeat(name, row?.['client_last_conn_time'], at);
      this.#take(
        last === undefined
          ? { site: name, class: 'L', kind: 'missing', at, source }
          : { site: name, class: 'L', kind: 'connected', at, source, lastHeartbeatAt: last },
      );
    }
  }

  /** The server dates heartbeats by its own clock: what counts is that a new one came, and when we learnt it. */
  #heartbeat(site: string, value: unknown, at: number): number | undefined {
    if (typeof value !== 'number') {
      this.#heartbeats.delete(site);
      return undefined;
    }
    const before = this.#heartbeats.get(site);
    const heardAt =
      before === undefined ? Math.min(at, value * 1000) : before.value === value ? before.heardAt : at;
    this.#heartbeats.set(site, { value, heardAt });
    return heardAt;
  }

  async #askSites(session: AdminSession): Promise<void> {
    const { sites, clock, server } = this.#options;
    const [found, jobs] = await Promise.all([
      session.confidentialSites({ signal: this.#stop.signal }).catch(() => undefined),
      this.#runningJobs(session),
    ]);
    if (jobs !== undefined) this.#jobs = jobs;
    if (found === undefined) return;
    const names = new Set(found.map(({ name, fqcn }) => (fqcn === 'server' ? server : name)));
    for (const { name } of sites) {
      this.#take({
        site: name,
        class: 'L',
        kind: 'takes_part',
        at: clock.now(),
        source: 'get_sites',
        yes: names.has(name),
      });
    }
  }

  async #runningJobs(
    session: AdminSession,
  ): Promise<{ id: string; name: string; status: string }[] | undefined> {
    const { listJobs } = await import('../jobs/index.ts');
    const rows = await listJobs(session, { newestFirst: true, limit: 100, signal: this.#stop.signal }).catch(
      () => undefined,
    );
    return rows
      ?.filter(({ phase }) => phase === 'running')
      .map(({ job_id: id, name, status }) => ({ id, name, status }));
  }

  // One site

  async #ask(site: WatchedSite): Promise<void> {
    const { clock, logger } = this.#options;
    const session = this.#session;
    const askedAt = clock.now();
    this.#due.set(site.name, askedAt + this.#pace.periodMs);
    if (session === undefined || session.state !== 'connected') return;
    const source = `cell request by ${session.identity.user}`;
    const { answerMs } = this.#pace;
    try {
      const answer = await session.freshEvidence(site.fqcn, {
        timeoutMs: answerMs,
        signal: this.#stop.signal,
      });
      const at = clock.now();
      // An answer that lay in wait while this computer slept says how it was before.
      if (at - askedAt > answerMs + lateMs || askedAt < this.#federation.since) {
        this.#due.set(site.name, at);
        return;
      }
      const own = site.fqcn.split('.').at(-1);
      if (answer.siteName !== own) {
        const message = `"${site.fqcn}" answered under the name "${answer.siteName}".`;
        await this.#judged(site, verdictWithout('refused', 'wrong_name', message), at, source, undefined);
        return;
      }
      const pieces = answer.tokens.map(({ namespace, token }) => readToken(namespace, token));
      // The hardware report counts; a GPU token beside it is shown, not judged.
      const piece: Evidence = pieces.find(({ kind }) => kind === 'snp') ??
        pieces.find(({ kind }) => kind === 'mock') ??
        pieces[0] ?? { kind: 'none', message: 'The site answered without any token.' };
      const raw = piece.kind === 'snp' ? piece.bytes : undefined;
      await this.#judged(site, await this.#judge(site.name, piece, at), at, source, raw);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const code = error instanceof DeskError ? error.code : undefined;
      if (code === 'unsupported') {
        this.#due.delete(site.name);
        logger.info(again(error));
        return;
      }
      // A broken connection says nothing about the site.
      if (code !== 'timeout' && code !== 'remote_failed') return;
      const event = {
        site: site.name,
        class: 'H',
        kind: 'no_answer',
        at: clock.now(),
        source,
        waitedMs: answerMs,
      } as const;
      this.#take(event);
      const message = code === 'timeout' ? `No answer within ${answerMs / 1000} s.` : again(error);
      await this.#keep(event, { message });
      this.#changed();
    }
  }

  async #judge(site: string, evidence: Evidence, at: number): Promise<Verdict> {
    const { expectations, anchors, store, timeline } = this.#options;
    const parts = { anchors, store, now: at, memory: this.#signatures };
    const before = this.#memories.get(site)?.evidence?.verdict;
    const lastFacts =
      before?.outcome === 'verified' && before.reportId && before.chipId && before.tcb
        ? { last: { reportId: before.reportId, chipId: before.chipId, tcb: before.tcb, at } }
        : {};
    const parsed = evidence.kind === 'snp' ? parseReport(evidence.bytes) : undefined;
    const seen = parsed?.ok === true ? await timeline.see(markOf(parsed.report), site, at) : undefined;
    const { verdict } = await judgeEvidence(
      evidence,
      expectations(site),
      { compared: true, ...lastFacts, ...(seen === undefined ? {} : { reportData: seen }) },
      parts,
    );
    return verdict;
  }

  async #judged(
    site: WatchedSite,
    verdict: Verdict,
    at: number,
    source: string,
    evidence: Uint8Array | undefined,
  ): Promise<void> {
    const event = { site: site.name, class: 'H', kind: 'evidence', at, source, verdict } as const;
    this.#take(event);
    await this.#keep(event, { verdict, ...(evidence === undefined ? {} : { evidence }) });
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

  async #keep(
    event: SiteEvent,
    more: { message?: string; verdict?: Verdict; evidence?: Uint8Array },
  ): Promise<void> {
    const { project, actor, timeline, logger } = this.#options;
    const { verdict, evidence } = more;
    await timeline
      .add({
        project,
        site: event.site,
        at: event.at,
        class: event.class,
        kind: event.kind,
        source: event.source,
        actor,
        message: more.message ?? wordsOf(event),
        // What a test root vouches for is not told as verified later.
        ...(verdict === undefined
          ? {}
          : {
              outcome: verdict.simulated ? `simulated ${verdict.outcome}` : verdict.outcome,
              detail: verdict,
            }),
        ...(verdict?.cause === undefined ? {} : { cause: verdict.cause }),
        ...(verdict?.chipId === undefined ? {} : { chip: verdict.chipId }),
        ...(evidence === undefined ? {} : { evidence }),
      })
      .catch((error: unknown) => logger.error(`The timeline could not be written: ${again(error)}`));
  }

  #changed(): void {
    const alarms = this.alarms();
    for (const alarm of alarms) if (!this.#told.has(alarm.key)) this.#options.onAlarm?.(alarm);
    this.#told = new Set(alarms.map(({ key }) => key));
    this.#options.onChange();
  }
}
