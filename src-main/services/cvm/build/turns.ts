/** Whose turn it is: the builds that wait, the hosts, and which build goes where next. */
import type { Ahead } from './ahead.ts';
import type { Build } from './build.ts';
import type { Machine } from './machine.ts';
import type { BuilderHost, BuildRecord } from './types.ts';

/** A build of this process that has no outcome yet. */
export interface Waiting extends Build {
  /** Its place among those that wait: the lowest goes first. */
  turn: number;
  /** Where it lies ready. */
  ahead: (Ahead & { worker: Worker }) | undefined;
  /** Hosts where it could not be made ready ahead: they try when its turn has come, and say why not. */
  notAhead: Set<string>;
  /** The build runs or has run on this host already. */
  begun: boolean;
  settle: (record: BuildRecord) => void;
  /** Why hosts cannot build it. */
  refusals: Map<string, unknown>;
  stop: AbortController;
  onProgress: (record: BuildRecord, bytes?: { done: number; total: number }) => void;
}

/** A host as the queue sees it. */
export interface Worker {
  host: BuilderHost;
  busy: boolean;
  /** A build runs on it. */
  isBuilding: boolean;
  /** When its last build began. */
  beganAt: number;
  /** The build that has ended there and whose lock is left for the next one to take over. */
  lockOf: { build: Build; machine: Machine } | undefined;
  machine: Promise<Machine> | undefined;
  /** Somebody else has reserved it: not asked again before this time. */
  heldUntil: number;
  /** Builds of an earlier run of the program that may still be on it: nothing new begins before they are looked at. */
  adopting: number;
}

/** Builds that began together are taken to end together. */
const togetherMs = 10_000;

/** One host, whatever projects call it. */
export const hostKey = ({ ssh, directory }: BuilderHost): string =>
  ssh === undefined ? 'this machine' : `${ssh.user ?? ''}@${ssh.host}:${ssh.port ?? ''} ${directory}`;

export const newWorker = (host: BuilderHost): Worker => ({
  host,
  busy: false,
  isBuilding: false,
  beganAt: 0,
  lockOf: undefined,
  machine: undefined,
  heldUntil: 0,
  adopting: 0,
});

/** Puts a build among those that wait, at its place. */
export function queueUp(waiting: Waiting[], build: Waiting): void {
  const later = waiting.findIndex(({ turn }) => turn > build.turn);
  waiting.splice(later < 0 ? waiting.length : later, 0, build);
}

const mayBuild = ({ request, refusals }: Waiting, key: string): boolean =>
  !refusals.has(key) && request.hosts.some((host) => hostKey(host) === key);

const liesReadyOn = (waiting: readonly Waiting[], worker: Worker): boolean =>
  waiting.some(({ ahead }) => ahead?.worker === worker);

/**
 * The build a host takes next: the longest-waiting one. One that lies ready on a host whose build began with ours is left to
 * that host, when there is another one ready here: both are free in a moment.
 */
export function longestWaiting(waiting: readonly Waiting[], worker: Worker): Waiting | undefined {
  const key = hostKey(worker.host);
  const hasOwn = liesReadyOn(waiting, worker);
  const isLeftTo = (other: Worker): boolean =>
    hasOwn && other.isBuilding && Math.abs(other.beganAt - worker.beganAt) < togetherMs;
  return waiting.find(
    (build) =>
      mayBuild(build, key) &&
      (build.ahead === undefined || build.ahead.worker === worker || !isLeftTo(build.ahead.worker)),
  );
}

/** The build to make ready on a host that builds: one at most, the longest-waiting that lies ready nowhere. */
export function toMakeReady(waiting: readonly Waiting[], worker: Worker): Waiting | undefined {
  if (liesReadyOn(waiting, worker)) return undefined;
  const key = hostKey(worker.host);
  const { command, name } = worker.host;
  return waiting.find(
    (build) =>
      build.ahead === undefined &&
      !build.begun &&
      !build.notAhead.has(key) &&
      mayBuild(build, key) &&
      build.request.hosts.some((host) => host.command === command && host.name === name),
  );
}
