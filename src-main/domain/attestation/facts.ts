/** What holds of a site at one moment: the memory seen through the time windows (docs/reference/confidential-computing.md §6). */
import type { FederationMemory, SiteMemory } from './memory.ts';

export interface AttestationTiming {
  /** `verify_frequency` of the federation, seconds. */
  verifyFrequency: number;
  /** Sites that take part; each costs a peer check up to 10 s. */
  sites: number;
}

/** An event from the future is no evidence; so much is forgiven between two readings of one clock. */
const clockToleranceMs = 2_000;
const minutes = 60_000;

/** How long evidence of each kind counts, milliseconds. */
export function windowsOf({ verifyFrequency, sites }: AttestationTiming) {
  return {
    hardware: Math.max(2 * verifyFrequency * 1000, 15 * minutes),
    rule: 10 * minutes,
    peers: verifyFrequency * 1200 + sites * 10_000 + 10_000,
    heartbeat: 30_000,
    lost: 60_000,
    process: 90_000,
    boot: 180_000,
    hostReady: 6 * 60 * minutes,
  } as const;
}
export type Windows = ReturnType<typeof windowsOf>;

export interface Contradiction {
  id:
    | 'kit_elsewhere'
    | 'two_launches'
    | 'relaunched'
    | 'serial_differs'
    | 'clone'
    | 'not_locked'
    | 'peers_refuse'
    | 'outside'
    | 'clock';
  message: string;
}

export interface Facts {
  now: number;
  memory: SiteMemory;
  federation: FederationMemory;
  windows: Windows;
  configured: 'real' | 'mock' | 'none' | 'unknown';
  /** The newest evidence, when it counts now. */
  evidence: SiteMemory['evidence'];
  /** When the window of that evidence ends. */
  evidenceUntil: number | undefined;
  /** Requests without answer since the newest evidence, none of them forgotten by a reset. */
  unanswered: number;
  released: boolean;
  peers: SiteMemory['peers'];
  connected: boolean;
  lost: boolean;
  process: SiteMemory['process'];
  /** The probes of its host, when they still count. */
  hostReady: SiteMemory['hostReady'];
  hostSays: boolean;
  stopped: boolean;
  contradictions: Contradiction[];
}

export function factsOf(
  memory: SiteMemory,
  federation: FederationMemory,
  timing: AttestationTiming,
  now: number,
): Facts {
  const windows = windowsOf(timing);
  const counts = <Event extends { at: number }>(
    event: Event | undefined,
    window: number,
  ): Event | undefined =>
    event !== undefined && event.at <= now + clockToleranceMs && now - event.at <= window ? event : undefined;
  const sinceReset = <Event extends { at: number }>(event: Event | undefined): Event | undefined =>
    event !== undefined && event.at >= federation.since ? event : undefined;

  const evidence = sinceReset(counts(memory.evidence, windows.hardware));
  const silent =
    memory.silence === undefined ? undefined : sinceReset(counts(memory.silence.last, windows.hardware));
  const process = counts(memory.process, windows.process);
  const running = process !== undefined && process.count > 0;
  const live = sinceReset(counts(memory.live, windows.lost));
  const heartbeat = live?.kind === 'connected' ? live.lastHeartbeatAt : undefined;
  const connected = heartbeat !== undefined && now - heartbeat <= windows.heartbeat;
  const stopped = federation.server?.up === false && federation.wasHealthy;
  const lost =
    !stopped &&
    ((live?.kind === 'missing' && (memory.evidence !== undefined || memory.wasConnected === true)) ||
      (heartbeat !== undefined && now - heartbeat > windows.lost));
  const released =
    memory.released !== undefined &&
    memory.released.at >= federation.since &&
    launchOf(memory) <= memory.released.at;
  const facts: Facts = {
    now,
    memory,
    federation,
    windows,
    configured: memory.configured?.how ?? 'unknown',
    evidence,
    evidenceUntil: evidence === undefined ? undefined : evidence.at + windows.hardware,
    unanswered: silent === undefined ? 0 : (memory.silence?.count ?? 0),
    released: released && !(process !== undefined && !running),
    peers: sinceReset(counts(memory.peers, windows.peers)),
    connected,
    lost,
    process,
    hostReady: counts(memory.hostReady, windows.hostReady),
    hostSays:
      running ||
      counts(memory.serial, windows.boot) !== undefined ||
      counts(memory.delivered, windows.hostReady) !== undefined,
    stopped,
    contradictions: [],
  };
  facts.contradictions = contradictionsOf(facts);
  return facts;
}

/** When the host says that the VM was started; the beginning of time when it does not say. */
const launchOf = (memory: SiteMemory): number => memory.process?.startedAt ?? Number.NEGATIVE_INFINITY;

function contradictionsOf(facts: Facts): Contradiction[] {
  const { memory, process, connected, evidence, peers, now } = facts;
  const found: Contradiction[] = [];
  const add = (id: Contradiction['id'], message: string): void => void found.push({ id, message });
  if (process?.count === 0 && connected) {
    add(
      'kit_elsewhere',
      'Its host says that the VM does not run, yet its kit is connected: the kit may run elsewhere.',
    );
  }
  if (process !== undefined && process.count > 1) {
    add('clone', `Its host runs ${process.count} VMs of this bundle: a clone, or a lock that failed.`);
  }
  if (process !== undefined && process.count > 0 && process.locked === false) {
    add('not_locked', 'Its host says that the VM runs, yet no process holds the lock of its image.');
  }
  const launches = memory.launches.filter(({ lastAt }) => lastAt >= facts.federation.since);
  const ids = launches.map(({ reportId }) => reportId);
  const last = launches.at(-1);
  const before = launches.at(-2);
  if (new Set(ids).size < ids.length) {
    add('two_launches', 'Two launches answer in turn under this name: two VMs share one kit.');
  } else if (last !== undefined && before !== undefined) {
    const { startedAt } = process ?? {};
    if (startedAt !== undefined && startedAt < before.lastAt) {
      add(
        'two_launches',
        'The report is of another launch than before, yet its host says that the VM was not restarted.',
      );
    } else if (startedAt === undefined && last.answers < 2) {
      add('relaunched', 'The VM was launched anew since the check before. The next check confirms it.');
    }
  }
  const printed = memory.serial?.measurement;
  const measured = evidence?.verdict.measurement;
  if (
    printed !== undefined &&
    measured !== undefined &&
    printed !== measured &&
    (memory.serial?.at ?? 0) <= now
  ) {
    add('serial_differs', 'The measurement in its report is not the one its VM printed at boot.');
  }
  if (peers?.kind === 'failed' && evidence?.verdict.outcome === 'verified' && peers.at >= evidence.at) {
    add('peers_refuse', 'The other sites refuse its evidence, which this console verified before.');
  }
  const takes = memory.takesPart;
  if (
    takes?.yes === false &&
    connected &&
    facts.configured !== 'none' &&
    takes.at >= facts.federation.since
  ) {
    add('outside', 'It is connected, but the server does not count it among the confidential sites.');
  }
  if (
    [memory.evidence, memory.released, memory.peers].some(
      (event) => event !== undefined && event.at > now + clockToleranceMs,
    )
  ) {
    add(
      'clock',
      'Evidence is dated in the future: the clock of this machine was set back. It does not count.',
    );
  }
  return found;
}
