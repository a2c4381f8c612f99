/** The composition root: makes the services when they are first needed and hands out clients of the contract. */
import type { DeskClient } from './contract/index.ts';
import { taskNames } from './contract/names.ts';
import type { Caller, CorePorts, Logger } from './ports.ts';
import type { CoreParts } from './core/context.ts';
import { describeError } from './core/errors.ts';
import { findHandler } from './core/handlers.ts';
import { createHostNews } from './core/host-news.ts';
import { createPlaceBook, type PlaceBook } from './core/place-book.ts';
import { createPromptQueue } from './core/prompt-queue.ts';
import { createRouter } from './core/router.ts';
import { createSessionPool } from './core/session-pool.ts';
import { watchSleep } from './core/sleep-watch.ts';
import { createDeferredLogger, createFileLogger } from './services/logging/index.ts';

export interface Core {
  /** Tokens for paths, for hosts whose callers may not name paths. */
  readonly places: PlaceBook;
  /** The core's own log, for its host. */
  readonly logger: Logger;
  /** A client that acts in the caller's name. */
  readonly clientFor: (caller: Caller) => DeskClient;
  /**
   * The computer slept, or may have: locks the signing key, makes sure of the connections, and asks anew what is watched. Noticed
   * without being told, too, though later.
   */
  readonly slept: () => void;
  /** Cancels what runs, closes sessions and files; once. */
  readonly dispose: () => Promise<void>;
}

const systemClock = { now: () => Date.now() };
const mebibyte = 1024 * 1024;

interface Once<Value> {
  readonly get: () => Promise<Value>;
  /** What was made so far, if anything. */
  readonly made: () => Promise<Value> | undefined;
}

/** Runs `make` once, when first asked for. */
function once<Value>(make: () => Promise<Value>): Once<Value> {
  let value: Promise<Value> | undefined;
  return { get: () => (value ??= make()), made: () => value };
}

/**
 * Builds the core. Cheap: the store, the tasks and each service are loaded when a call needs them.
 * Everything it throws to callers is an envelope (`contract/kernel.ts`).
 */
export function createCore(ports: CorePorts): Core {
  const clock = ports.clock ?? systemClock;
  const disposal = new AbortController();

  const settings = once(async () =>
    (await import('./services/settings/index.ts')).openSettings(ports.stateFolder),
  );
  // The settings say how much is logged; where they cannot be read, the defaults do.
  const ownLogger = createDeferredLogger(async () => {
    const { settingsSchema } = await import('./contract/settings.ts');
    const chosen = await (await settings.get()).read().catch(() => settingsSchema.parse({}));
    return createFileLogger({
      folder: ports.stateFolder,
      level: chosen.log_level,
      maxBytes: chosen.log_mebibytes * mebibyte,
      maxFiles: 5,
      clock,
    });
  });
  const logger: Logger = ports.logger ?? ownLogger;
  const store = once(async () => (await import('./services/store/index.ts')).openStore(ports.stateFolder));
  const audit = once(async () => {
    const { createAudit } = await import('./services/audit/index.ts');
    return createAudit((await store.get()).audit, ports.stateFolder, clock);
  });
  const work = once(async () => {
    const { createTaskRunner } = await import('./services/tasks/index.ts');
    const { createTaskLogs } = await import('./core/task-logs.ts');
    const runner = createTaskRunner({
      repository: (await store.get()).tasks,
      clock,
      logger,
      describeError: (error) => describeError(error, logger),
    });
    // From the beginning, whoever looks at them later.
    const logs = createTaskLogs(ports.stateFolder, clock, logger, runner);
    for (const name of taskNames) {
      const handler = await findHandler(name);
      if (!handler) continue;
      runner.register({
        name,
        title: (input) => handler.title(input as never),
        target: (input) => handler.target(input as never),
        steps: (input) => handler.steps(input as never),
        run: (input, task) => handler.run(input as never, { core: parts, signal: task.signal, task }),
        isPartly: (output) => handler.isPartly?.(output as never) ?? false,
        idempotent: handler.idempotent,
      });
    }
    await runner.recover();
    return { runner, logs };
  });
  const recent = once(async () => (await import('./core/recent-tasks.ts')).createRecentTasks(parts));
  const workspace = once(async () => {
    const { createWorkspace } = await import('./core/workspace/workspace.ts');
    return createWorkspace(parts, places);
  });
  const drafts = once(async () => {
    const { createDraftState } = await import('./core/draft-state.ts');
    return createDraftState(parts);
  });
  const board = once(async () => {
    const { createJobBoard } = await import('./core/job-board.ts');
    const opened = await workspace.get();
    return createJobBoard(parts, (names) => opened.sawConnected(names));
  });
  let custodyFollows: (() => void) | undefined;
  let custodyShown: string | undefined;
  const custody = once(async () => (await import('./core/custody.ts')).createCustody(parts));
  const hostMatrix = once(async () => (await import('./core/host-matrix.ts')).createHostMatrix(parts));
  let endTelling: (() => void) | undefined;
  const attestation = once(async () => {
    const { createAttestation } = await import('./core/attestation/attestation.ts');
    const { tellAttestation } = await import('./core/kbs/tell-attestation.ts');
    const made = await createAttestation(parts);
    const { watchHosts } = await import('./core/attestation/host-watch.ts');
    const ends = [tellAttestation(made, await workspace.get(), await kbs.get()), watchHosts(parts, made)];
    endTelling = () => {
      for (const end of ends) end();
    };
    return made;
  });
  const builds = once(async () => (await import('./core/builds/builds.ts')).createBuilds(parts));
  const kbs = once(async () => (await import('./core/kbs/watch.ts')).createKbsWatch(parts));
  const settingsState = once(async () => (await import('./core/settings.ts')).createSettingsState(parts));

  const secrets = once(async () => {
    const { openSecretStore } = await import('./services/secrets/index.ts');
    return openSecretStore({ folder: ports.stateFolder, box: ports.secretBox, clock, logger });
  });

  const places = createPlaceBook();
  const sessions = createSessionPool({ clock, logger, keepMs: ports.keepSessionsMs ?? 0 });
  const parts: CoreParts = {
    stateFolder: ports.stateFolder,
    version: ports.version,
    environment: ports.environment,
    clock,
    logger,
    prompts: createPromptQueue(ports.prompter, logger),
    dialogs: ports.dialogs,
    places,
    sessions,
    settings: settings.get,
    store: store.get,
    audit: audit.get,
    tasks: async () => (await work.get()).runner,
    taskLogs: async () => (await work.get()).logs,
    workspace: workspace.get,
    drafts: async () => (await drafts.get()).drafts,
    board: board.get,
    secrets: secrets.get,
    settingsState: settingsState.get,
    custody: custody.get,
    hostMatrix: hostMatrix.get,
    hostNews: createHostNews(),
    builds: builds.get,
    kbs: kbs.get,
    attestation: attestation.get,
  };
  const router = createRouter({
    core: parts,
    states: {
      'tasks.recent': recent.get,
      'workspace.current': async () => (await workspace.get()).state,
      'drafts.current': async () => (await drafts.get()).state,
      'session.connections': () => Promise.resolve(sessions.connections),
      'jobs.board': async () => (await board.get()).state,
      'settings.current': settingsState.get,
      'hosts.matrix': async () => (await hostMatrix.get()).state,
      'attestation.board': async () => (await attestation.get()).state,
      'kbs.current': async () => (await kbs.get()).state,
      'builds.board': async () => (await builds.get()).state,
      'custody.current': async () => {
        const held = await custody.get();
        // Another project may be open by now, or its first provisioning has made a key.
        const opened = await workspace.get();
        custodyFollows ??= opened.state.subscribe(({ value: { open } }) => {
          const shown = `${open?.label ?? ''} ${open?.prod ?? ''}`;
          if (shown === custodyShown) return;
          custodyShown = shown;
          void held.refresh();
        });
        return held.state;
      },
    },
    checkOutputs: ports.checkOutputs ?? false,
    disposed: disposal.signal,
  });

  const afterMade = <Part>(part: Promise<Part> | undefined, then: (part: Part) => void): void =>
    void part?.then(then).catch((error: unknown) => logger.error('Looking again failed.', { error }));
  const wake = (): void => {
    logger.info('This computer slept; connections and what is watched are looked at again.');
    sessions.probe();
    afterMade(custody.made(), (held) => held.lock());
    afterMade(attestation.made(), (desk) => desk.slept());
    afterMade(board.made(), (jobs) => jobs.lookAgain());
    afterMade(kbs.made(), (watch) => watch.lookAgain());
  };
  const sleepWatch = watchSleep(wake);
  const slept = (): void => {
    sleepWatch.known();
    wake();
  };

  const disposed = once(async () => {
    sleepWatch.stop();
    disposal.abort();
    (await board.made()?.catch(() => undefined))?.dispose();
    endTelling?.();
    await (await attestation.made()?.catch(() => undefined))?.dispose();
    (await hostMatrix.made()?.catch(() => undefined))?.dispose();
    (await kbs.made()?.catch(() => undefined))?.dispose();
    (await workspace.made()?.catch(() => undefined))?.dispose();
    custodyFollows?.();
    (await custody.made()?.catch(() => undefined))?.lock();
    // Before the tasks end: builds that run are left to their hosts and found again.
    await (await builds.made()?.catch(() => undefined))?.dispose();
    await sessions.dispose();
    const worked = await work.made()?.catch(() => undefined);
    await worked?.runner.dispose();
    await worked?.logs.dispose();
    await router.settled();
    const opened = await store.made()?.catch(() => undefined);
    opened?.close();
    await ownLogger.flushed();
  });

  return { places, logger, clientFor: router.clientFor, slept, dispose: disposed.get };
}
