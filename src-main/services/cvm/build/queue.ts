/**
 * The queue of image builds over all builder hosts: one build at a time per host, the longest-waiting first. While a host
 * builds, its next build is made ready there; it begins as soon as the one before has ended, whose result is fetched and verified
 * meanwhile.
 */
import { join } from 'node:path';
import PQueue from 'p-queue';
import { DeskError, type ErrorAnswer } from '../../../contract/errors.ts';
import { expectedSeconds } from '../../../domain/cc/build-times.ts';
import type { Logger } from '../../../ports.ts';
import type { SshConnection } from '../../ssh/index.ts';
import { type BuildEnd, FollowCursor, stateOn } from './follow.ts';
import { localMachine, type Machine, remoteMachine } from './machine.ts';
import { builtArchive, recover } from './publish.ts';
import { type Build, type BuildTools, newBuildId, say } from './build.ts';
import { prepareAhead } from './ahead.ts';
import { checkHost } from './check-host.ts';
import { collect, resultOf } from './collect.ts';
import { closeBuilt, type EarlierBuild, hostOfEarlier, isUnfinished } from './earlier-run.ts';
import { cleanUp, endBuild, giveFree, noteLeftOvers } from './end-build.ts';
import { beginBuild, followBuild, reserveHost, sendBuild } from './run-build.ts';
import {
  hostKey,
  longestWaiting,
  newWorker,
  queueUp,
  toMakeReady,
  type Waiting,
  type Worker,
} from './turns.ts';
import type { BuilderHost, BuildRecord, BuildRequest, BuildStore } from './types.ts';

export interface BuildQueueOptions extends BuildTools {
  store: BuildStore;
  connect: (host: BuilderHost, signal: AbortSignal) => Promise<SshConnection>;
  describeError: (error: unknown) => ErrorAnswer;
  logger: Logger;
}

export interface BuildQueue {
  /**
   * Queues one build and resolves with its record when it has ended; never rejects for a build that fails. An image that is
   * there already is answered as `built` at once; a build that an earlier run of the program began is found on its host and
   * followed. Throws `conflict` when another living process is at it.
   */
  add(request: BuildRequest, context: BuildContext): Promise<BuildRecord>;
  /** Builds of this process that have not ended. */
  active(): BuildRecord[];
  watch(listener: (record: BuildRecord) => void): () => void;
  /** Cancels a build of this process; false when it has none by that id. */
  cancel(id: string): boolean;
  /**
   * Ends on its host what an earlier run of the program began for this participant. Undefined when there is nothing. Throws
   * `conflict` when another living process is at it, and the connection's errors.
   */
  endEarlier(request: BuildRequest, signal: AbortSignal): Promise<BuildRecord | undefined>;
  /** Lets go of everything: builds that run go on without us and are found again. */
  close(): Promise<void>;
}

export interface BuildContext {
  signal?: AbortSignal;
  /** Builds again although a record or an archive says it was done or begun; what runs is ended first. */
  anew?: boolean;
  onProgress?: (record: BuildRecord, bytes?: { done: number; total: number }) => void;
}

/** Between two looks whether a host that somebody else reserved is free. */
const heldMs = 2000;

export function createBuildQueue(options: BuildQueueOptions): BuildQueue {
  const { store, clock, logs, logger } = options;
  const workers = new Map<string, Worker>();
  const waiting: Waiting[] = [];
  const active = new Map<string, Waiting>();
  const listeners = new Set<(record: BuildRecord) => void>();
  const collecting = new PQueue({ concurrency: 4 });
  /** Builds on their way into the queue: they come in in the order they were asked for, before any begins. */
  let entering = 0;
  let turns = 0;
  let entered: Promise<unknown> = Promise.resolve();
  let closed = false;

  const tell = (record: BuildRecord): void => {
    for (const listener of listeners) listener(structuredClone(record));
  };
  const changer = (record: BuildRecord, onProgress: Waiting['onProgress']) => {
    return async (changes: Partial<BuildRecord>): Promise<void> => {
      Object.assign(record, changes, { process: options.process });
      for (const key of Object.keys(changes) as (keyof BuildRecord)[])
        if (changes[key] === undefined) delete record[key];
      tell(record);
      onProgress(structuredClone(record));
      try {
        await store.write(structuredClone(record));
      } catch (error) {
        logger.error('The record of a build could not be written.', { build: record.id, error });
      }
    };
  };

  const machineOf = async (worker: Worker, signal: AbortSignal): Promise<Machine> => {
    const made = await worker.machine?.catch(() => undefined);
    if (made?.isOpen === true) return made;
    worker.machine =
      worker.host.ssh === undefined
        ? Promise.resolve(localMachine(worker.host))
        : options.connect(worker.host, signal).then((connection) => remoteMachine(worker.host, connection));
    return worker.machine;
  };

  /** Ends a build's way through the queue with its outcome. */
  const finish = async (build: Waiting, changes: Partial<BuildRecord>): Promise<void> => {
    await build.change({ ...changes, note: undefined, endedAt: clock.now() });
    const { error } = build.record;
    if (error !== undefined) {
      const text = `${error.message}${error.hint === undefined ? '' : ` ${error.hint}`}`;
      say(build, options, text);
    }
    active.delete(build.record.id);
    build.settle(structuredClone(build.record));
  };

  const failWith = async (build: Waiting, error: unknown): Promise<void> => {
    if (closed && build.signal.aborted) {
      // The record stays as it is: the build is found again by the next run of the program.
      active.delete(build.record.id);
      build.settle({ ...structuredClone(build.record), state: 'interrupted' });
      return;
    }
    const answer = options.describeError(error);
    const state = answer.code === 'cancelled' ? 'cancelled' : 'failed';
    await finish(build, { state, ...(state === 'failed' ? { error: answer } : {}) });
  };

  /** Fetch, verify, put in place; the host is free already. */
  const collectLater = (build: Waiting, machine: Machine, ended: BuildEnd): void => {
    void collecting.add(async () => {
      try {
        const found = await resultOf(build, machine, ended);
        const seconds = (ended.endedAt - (build.record.startedAt ?? ended.endedAt)) / 1000;
        const result = await collect(build, machine, options, found, (done, total) =>
          build.onProgress(structuredClone(build.record), { done, total }),
        );
        await cleanUp(build, machine);
        if (!build.begun && seconds > 0) await store.addDuration(machine.label, seconds);
        await finish(build, { state: 'built', result });
      } catch (error) {
        await noteLeftOvers(build, machine, options).catch(() => undefined);
        if (!closed) await cleanUp(build, machine);
        await failWith(build, error);
      }
    });
  };

  /** This host cannot build it: another one may. */
  const refuse = async (build: Waiting, worker: Worker, error: unknown): Promise<void> => {
    build.refusals.set(hostKey(worker.host), error);
    const left = build.request.hosts.filter((host) => !build.refusals.has(hostKey(host)));
    if (build.signal.aborted || left.length === 0) return failWith(build, error);
    const { message } = options.describeError(error);
    say(build, options, message);
    await build.change({ state: 'queued', host: undefined, startedAt: undefined });
    queueUp(waiting, build);
  };

  /** Somebody else has the host: it is asked again a little later. */
  const postpone = async (build: Waiting, worker: Worker, held: string): Promise<void> => {
    worker.heldUntil = clock.now() + heldMs;
    setTimeout(next, heldMs + 10).unref();
    if (build.record.note !== held) say(build, options, held);
    await build.change({ state: 'waiting', host: undefined, startedAt: undefined, note: held });
    queueUp(waiting, build);
  };

  /** The account's home on the host when it is ours for this build; undefined when somebody else has it or it cannot build. */
  const takeHost = async (build: Waiting, worker: Worker): Promise<{ home: string } | undefined> => {
    let isTaken = false;
    try {
      const machine = await machineOf(worker, build.signal);
      await build.change({ state: 'checking', host: worker.host.name });
      const held = await reserveHost(build, machine, options);
      if (held !== undefined) {
        await postpone(build, worker, held);
        return undefined;
      }
      isTaken = true;
      worker.lockOf = undefined;
      const { home, notes } = await checkHost(build, machine);
      for (const note of notes) say(build, options, note);
      return { home };
    } catch (error) {
      if (isTaken) await giveFree(build, await machineOf(worker, build.signal)).catch(() => undefined);
      await refuse(build, worker, error);
      return undefined;
    }
  };

  /** Begins a build on a host; false when it cannot be there, and waits again or has its outcome. */
  const begin = async (build: Waiting, worker: Worker): Promise<boolean> => {
    const { ahead } = build;
    build.ahead = undefined;
    const isReady = ahead?.worker === worker && (await ahead.ready);
    try {
      if (!isReady) {
        await ahead?.discard();
        const verified = options.verifyKit(join(build.request.prod, build.request.site), build.signal);
        verified.catch(() => undefined);
        const taken = await takeHost(build, worker);
        if (taken === undefined) return false;
        await verified;
        await build.change({ state: 'sending' });
        await sendBuild(build, await machineOf(worker, build.signal), options, taken.home);
      }
      const machine = await machineOf(worker, build.signal);
      const { [worker.host.name]: here = [], ...elsewhere } = await store.durations();
      build.record.expected = expectedSeconds(here, Object.values(elsewhere).flat());
      const obstacle = await beginBuild(build, machine, options);
      if (typeof obstacle !== 'string') worker.lockOf = undefined;
      if (obstacle === undefined) return true;
      await endBuild(build, machine, options).catch(() => undefined);
      if (typeof obstacle === 'string') await postpone(build, worker, obstacle);
      else await refuse(build, worker, obstacle);
      return false;
    } catch (error) {
      const end = async () => endBuild(build, await machineOf(worker, AbortSignal.timeout(5000)), options);
      if (!closed) await end().catch(() => undefined);
      throw error;
    }
  };

  /** From the host being free to the host being free again. */
  const occupy = async (build: Waiting, worker: Worker): Promise<void> => {
    try {
      if (!build.begun && !(await begin(build, worker))) return;
      worker.isBuilding = true;
      worker.beganAt = build.record.startedAt ?? 0;
      next();
      const ended = await followThrough(build, worker).finally(() => (worker.isBuilding = false));
      const machine = await machineOf(worker, build.signal);
      if (ended.code !== 0 || ended.ready === undefined)
        await noteLeftOvers(build, machine, options).catch(() => undefined);
      if (nextFor(worker) === undefined) await giveFree(build, machine);
      else worker.lockOf = { build, machine };
      collectLater(build, machine, ended);
    } catch (error) {
      await failWith(build, error);
    }
  };

  const nextFor = (worker: Worker): Waiting | undefined =>
    closed || entering > 0 || worker.adopting > 0 || clock.now() < worker.heldUntil
      ? undefined
      : longestWaiting(waiting, worker);

  const takeNext = (worker: Worker): Waiting | undefined => {
    const build = nextFor(worker);
    if (build === undefined) return undefined;
    waiting.splice(waiting.indexOf(build), 1);
    // What another project says of this host counts for its own builds: the command may differ.
    const key = hostKey(worker.host);
    const host = build.request.hosts.find((one) => hostKey(one) === key) ?? worker.host;
    if (host.command !== worker.host.command || host.name !== worker.host.name) {
      worker.host = host;
      worker.machine = undefined;
    }
    return build;
  };

  /** One build after the other, as long as there are any for this host. */
  const serve = async (first: Waiting, worker: Worker): Promise<void> => {
    worker.busy = true;
    for (let build: Waiting | undefined = first; build !== undefined; build = takeNext(worker))
      await occupy(build, worker);
    const { lockOf } = worker;
    worker.lockOf = undefined;
    if (lockOf !== undefined) await giveFree(lockOf.build, lockOf.machine).catch(() => undefined);
    worker.busy = false;
    next();
  };

  /** Makes the next build of a host ready while it builds. */
  const makeReady = (worker: Worker): void => {
    if (closed || entering > 0 || worker.adopting > 0 || !worker.isBuilding) return;
    const build = toMakeReady(waiting, worker);
    if (build === undefined) return;
    const ahead = {
      ...prepareAhead(build, (signal) => machineOf(worker, signal), options),
      worker,
    };
    build.ahead = ahead;
    void ahead.ready.then((isReady) => {
      if (isReady) return;
      build.notAhead.add(hostKey(worker.host));
      if (build.ahead === ahead) build.ahead = undefined;
      next();
    });
  };

  /** A connection that breaks does not end a build: it is dialled again and the build found by its id. */
  const followThrough = async (build: Waiting, worker: Worker): Promise<BuildEnd> => {
    const cursor = new FollowCursor();
    for (let attempt = 1; ; attempt += 1) {
      const machine = await machineOf(worker, build.signal);
      try {
        return await followBuild(build, machine, options, cursor, () => closed);
      } catch (error) {
        const isLost = error instanceof DeskError && error.code === 'unreachable' && !machine.isOpen;
        if (!isLost || attempt > 5 || build.signal.aborted) throw error;
        logger.warn('The connection to a builder was lost; trying again.', { host: worker.host.name });
      }
    }
  };

  const next = (): void => {
    for (const worker of workers.values()) {
      const build = worker.busy ? undefined : takeNext(worker);
      if (build !== undefined) void serve(build, worker);
    }
    for (const worker of workers.values()) makeReady(worker);
  };

  const workerOf = (host: BuilderHost): Worker => {
    const key = hostKey(host);
    const worker = workers.get(key) ?? newWorker(host);
    workers.set(key, worker);
    return worker;
  };

  const buildOf = (
    request: BuildRequest,
    record: BuildRecord,
    signal: AbortSignal,
    onProgress: Waiting['onProgress'] = () => undefined,
  ): Build => ({ request, record, signal, change: changer(record, onProgress) });

  /** What an earlier run of the program left behind for this participant, if anything. */
  const earlier = async (
    request: BuildRequest,
    { anew = false }: BuildContext,
    signal: AbortSignal,
    record: BuildRecord | undefined,
  ): Promise<EarlierBuild | undefined> => {
    if (!isUnfinished(record)) return undefined;
    const host = hostOfEarlier(record, request, anew, options);
    if (host === undefined) return undefined;
    const worker = workerOf(host);
    worker.adopting += 1;
    try {
      const machine = await machineOf(worker, signal);
      return { record, host, machine, state: await stateOn(machine, record.id, signal) };
    } finally {
      // The caller queues it first, within this turn.
      setImmediate(() => {
        worker.adopting -= 1;
        next();
      });
    }
  };

  const add = async (request: BuildRequest, context: BuildContext): Promise<BuildRecord> => {
    const { signal = new AbortController().signal, onProgress = () => undefined } = context;
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    for (const { record } of active.values())
      if (record.prod === request.prod && record.site === request.site)
        throw new DeskError('conflict', `${request.site} is being built already.`, {
          hint: 'See it in the queue.',
        });
    const fresh: BuildRecord = {
      id: newBuildId(),
      site: request.site,
      project: request.project,
      prod: request.prod,
      state: 'queued',
      queuedAt: clock.now(),
      ...(request.task === undefined ? {} : { task: request.task }),
    };
    const turn = (turns += 1);
    const enqueue = (record: BuildRecord, begun: boolean, hosts: readonly BuilderHost[]) =>
      new Promise<BuildRecord>((resolve) => {
        const build: Waiting = {
          request: { ...request, hosts },
          record,
          signal: both,
          change: changer(record, onProgress),
          // A build that has begun keeps its host until it has ended.
          turn: begun ? 0 : turn,
          begun,
          ahead: undefined,
          notAhead: new Set(),
          settle: resolve,
          refusals: new Map(),
          stop,
          onProgress,
        };
        active.set(record.id, build);
        for (const host of hosts) workerOf(host);
        both.addEventListener('abort', () => {
          const index = waiting.indexOf(build);
          if (index < 0) return;
          waiting.splice(index, 1);
          void Promise.resolve(build.ahead?.discard())
            .then(() => failWith(build, new DeskError('cancelled', 'Cancelled.')))
            .then(next);
        });
        if (both.aborted) {
          void failWith(build, new DeskError('cancelled', 'Cancelled.'));
          return;
        }
        queueUp(waiting, build);
        void build.change({}).then(next);
      });
    const before = entered;
    entering += 1;
    let enter: () => void = () => undefined;
    entered = new Promise<void>((resolve) => {
      enter = () => {
        enter = () => undefined;
        entering -= 1;
        resolve();
      };
    });
    try {
      await before;
      await recover(request.prod, request.site);
      const record = await store.read(request.prod, request.site);
      const there = context.anew === true ? undefined : await builtArchive(request.prod, request.site);
      if (there !== undefined) {
        enter();
        const told = record ?? fresh;
        if (told.state === 'built') return told;
        const found = await earlier(request, {}, both, record).catch(() => undefined);
        await closeBuilt(buildOf(request, told, both), there, found, clock.now());
        return told;
      }
      const looking = earlier(request, context, both, record);
      if (isUnfinished(record)) enter();
      const found = await looking;
      if (found !== undefined) {
        const build = buildOf(request, found.record, both, onProgress);
        if (context.anew === true) await endBuild(build, found.machine, options);
        else if (found.state === 'running' || found.state === 'ended' || found.state === 'gone') {
          logs.reset(found.record.id);
          say(build, options, 'Found again on its host.');
          if (request.task !== undefined) found.record.task = request.task;
          return await enqueue({ ...found.record, state: 'building' }, true, [found.host]);
        } else if (found.state === 'prepared') await endBuild(build, found.machine, options);
      }
      const queued = enqueue(fresh, false, request.hosts);
      enter();
      return await queued;
    } catch (error) {
      const answer = options.describeError(error);
      if (answer.code === 'cancelled') return { ...fresh, state: 'cancelled' };
      // Not written down: the record of the earlier build must not be lost.
      Object.assign(fresh, { state: 'failed', error: answer, endedAt: clock.now() });
      tell(fresh);
      return fresh;
    } finally {
      enter();
      next();
    }
  };

  const endEarlier: BuildQueue['endEarlier'] = async (request, signal) => {
    const found = await earlier(request, {}, signal, await store.read(request.prod, request.site));
    if (found === undefined) return undefined;
    const { record, machine } = found;
    const build = buildOf(request, record, signal);
    await endBuild(build, machine, options);
    await build.change({ state: 'cancelled', note: undefined, endedAt: clock.now() });
    return record;
  };

  return {
    add,
    endEarlier,
    active: () => [...active.values()].map(({ record }) => structuredClone(record)),
    watch: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    cancel: (id) => {
      const build = active.get(id);
      build?.stop.abort(new DeskError('cancelled', 'Cancelled.'));
      return build !== undefined;
    },
    async close() {
      closed = true;
      const ready = waiting.flatMap(({ ahead }) => ahead ?? []);
      for (const build of active.values())
        build.stop.abort(new DeskError('interrupted', 'The program ended.'));
      await Promise.all(ready.map(({ discard }) => discard()));
      await collecting.onIdle();
      await logs.flushed();
      for (const worker of workers.values()) (await worker.machine?.catch(() => undefined))?.close();
    },
  };
}
