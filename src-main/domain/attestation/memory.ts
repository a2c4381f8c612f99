/** What is remembered of one site and of the federation while this program runs. Nothing of it survives a restart. */
import type { FederationEvent, SiteEvent } from './events.ts';

type Only<Event, Kind> = Event extends { kind: infer Kinds } ? (Kind extends Kinds ? Event : never) : never;
type Of<Kind extends SiteEvent['kind']> = Only<SiteEvent, Kind>;

export interface SiteMemory {
  readonly site: string;
  readonly configured?: Of<'configured'>;
  readonly built?: Of<'built'>;
  readonly delivered?: Of<'delivered'>;
  readonly hostReady?: Of<'host_ready'>;
  /** The newest answer, good or bad. */
  readonly evidence?: Of<'evidence'>;
  /** Unanswered requests since the newest answer. */
  readonly silence?: { count: number; last: Of<'no_answer'> };
  /** Launches of the VM in the order they were first seen. */
  readonly launches: readonly { reportId: string; firstAt: number; lastAt: number; answers: number }[];
  readonly rule?: Of<'rule'>;
  readonly released?: Of<'released'>;
  readonly peers?: Of<'passed'>;
  readonly live?: Of<'connected'> | Of<'missing'>;
  /** It was connected at least once in this run. */
  readonly wasConnected?: true;
  readonly takesPart?: Of<'takes_part'>;
  readonly process?: Of<'process'>;
  readonly serial?: Of<'serial'>;
  /** For "last attested at": when evidence was last verified, in this run or, by its own words, before. */
  readonly lastVerifiedAt?: number;
}

export interface FederationMemory {
  readonly server?: { up: boolean; at: number; source: string; reason?: string };
  readonly startedAt?: string;
  /** Evidence older than this does not count: the session broke, or the server was restarted. */
  readonly since: number;
  /** Why `since` moved, for a person. */
  readonly sinceWhy?: string;
  /** It was up with confidential computing at least once in this run. */
  readonly wasHealthy: boolean;
  readonly stopping?: { line: string; site?: string; at: number };
}

export const emptyFederation: FederationMemory = { since: Number.NEGATIVE_INFINITY, wasHealthy: false };
/** `lastVerifiedAt` may come from the timeline of earlier runs; it is words, never evidence. */
export const emptySite = (site: string, lastVerifiedAt?: number): SiteMemory => ({
  site,
  launches: [],
  ...(lastVerifiedAt === undefined ? {} : { lastVerifiedAt }),
});

const newer = <Event extends { at: number }>(old: Event | undefined, next: Event): boolean =>
  old === undefined || next.at >= old.at;

/** Takes one event in. An event older than what is known of its kind changes nothing. */
export function remember(memory: SiteMemory, event: SiteEvent): SiteMemory {
  switch (event.kind) {
    case 'configured':
      return newer(memory.configured, event) ? { ...memory, configured: event } : memory;
    case 'built':
      return newer(memory.built, event) ? { ...memory, built: event } : memory;
    case 'delivered':
      return newer(memory.delivered, event) ? { ...memory, delivered: event } : memory;
    case 'host_ready':
      return newer(memory.hostReady, event) ? { ...memory, hostReady: event } : memory;
    case 'evidence':
      return newer(memory.evidence, event) ? answered(memory, event) : memory;
    case 'no_answer': {
      if (memory.evidence !== undefined && event.at < memory.evidence.at) return memory;
      return { ...memory, silence: { count: (memory.silence?.count ?? 0) + 1, last: event } };
    }
    case 'rule':
      return newer(memory.rule, event) ? { ...memory, rule: event } : memory;
    case 'released':
      return newer(memory.released, event) ? { ...memory, released: event } : memory;
    case 'passed':
    case 'failed':
      return newer(memory.peers, event) ? { ...memory, peers: event } : memory;
    case 'connected':
    case 'missing':
      return newer(memory.live, event)
        ? { ...memory, live: event, ...(event.kind === 'connected' ? { wasConnected: true } : {}) }
        : memory;
    case 'takes_part':
      return newer(memory.takesPart, event) ? { ...memory, takesPart: event } : memory;
    case 'process':
      return newer(memory.process, event) ? { ...memory, process: event } : memory;
    case 'serial':
      return newer(memory.serial, event) ? { ...memory, serial: event } : memory;
  }
}

function answered(memory: SiteMemory, event: Of<'evidence'>): SiteMemory {
  const { silence, ...rest } = memory;
  const { verdict, at } = event;
  const stillSilent = silence !== undefined && silence.last.at > at ? { silence } : {};
  // Only what is proven to be a report of this VM tells launches apart.
  const proven = verdict.outcome === 'verified' || verdict.outcome === 'genuine';
  const reportId = proven ? verdict.reportId : undefined;
  return {
    ...rest,
    ...stillSilent,
    evidence: event,
    launches: reportId === undefined ? memory.launches : launchesWith(memory, reportId, at),
    ...(verdict.outcome === 'verified' && !verdict.simulated ? { lastVerifiedAt: at } : {}),
  };
}

function launchesWith(
  { launches, evidence }: SiteMemory,
  reportId: string,
  at: number,
): SiteMemory['launches'] {
  const last = launches.at(-1);
  if (last?.reportId !== reportId)
    return [...launches, { reportId, firstAt: at, lastAt: at, answers: 1 }].slice(-8);
  // The same answer, judged anew.
  if (last.lastAt === at && evidence?.at === at) return launches;
  return [...launches.slice(0, -1), { ...last, lastAt: at, answers: last.answers + 1 }];
}

/** Takes in what concerns all sites. */
export function rememberFederation(memory: FederationMemory, event: FederationEvent): FederationMemory {
  const { at, source } = event;
  switch (event.kind) {
    case 'server_up': {
      const restarted =
        memory.startedAt !== undefined &&
        event.startedAt !== undefined &&
        memory.startedAt !== event.startedAt;
      const { stopping, ...rest } = memory;
      return {
        ...rest,
        ...(stopping !== undefined && !restarted && memory.server?.up !== false ? { stopping } : {}),
        server: { up: true, at, source },
        ...(event.startedAt === undefined ? {} : { startedAt: event.startedAt }),
        wasHealthy: true,
        ...(restarted ? { since: at, sinceWhy: 'the server was restarted' } : {}),
      };
    }
    case 'server_down':
      return {
        ...memory,
        server: { up: false, at, source, reason: event.reason },
        since: at,
        sinceWhy: 'the server is not reachable',
      };
    case 'session_lost':
      return { ...memory, since: at, sinceWhy: 'the connection to the server was lost' };
    case 'slept':
      return { ...memory, since: at, sinceWhy: 'this computer slept' };
    case 'stopping':
      return {
        ...memory,
        stopping: memory.stopping ?? {
          line: event.line,
          at,
          ...(event.site === undefined ? {} : { site: event.site }),
        },
      };
  }
}
