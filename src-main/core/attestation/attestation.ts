/** The one watch of this process, and what it needs: anchors, chip certificates, a session, the kits of a run. */
import { dirname, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { DeskError } from '../../contract/errors.ts';
import type { StateValue } from '../../contract/index.ts';
import type { TestRoot, Watcher } from '../../services/attestation/index.ts';
import type { AdminSession } from '../../services/flare/index.ts';
import type { CoreParts } from '../context.ts';
import type { Alarm } from '../../domain/attestation/index.ts';
import { createStateCell } from '../state-cell.ts';
import { calendarOf, endsOf } from './calendar.ts';
import type { AttestationDesk } from './desk.ts';
import { expectedOf, knownFederation } from './federation.ts';
import { expectationsBy, readRules, type Rules, writeRules } from './rules.ts';
import { reportOf, siteOf } from './shapes.ts';

type Board = StateValue<'attestation.board'>;

const nothing: Board = { watching: false, simulated: false, server: 'unknown', sites: [], alarms: [] };
/** Changes within this time are told together. */
const gatherMs = 200;
/** Ends are days away: four looks a day. */
const calendarMs = 6 * 3_600_000;

async function testRoot(path: string | undefined): Promise<TestRoot | undefined> {
  if (path === undefined) return undefined;
  const [ark, ask] =
    (await readFile(path, 'utf8')).match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ??
    [];
  if (ark === undefined || ask === undefined) {
    throw new DeskError('invalid_input', `${path} must hold the test ARK and the test ASK, in this order.`);
  }
  return { product: 'Milan', ark: Buffer.from(ark), ask: Buffer.from(ask) };
}

export async function createAttestation(core: CoreParts): Promise<AttestationDesk> {
  const { createAnchors, createWebhook, openVcekStore, watchFederation } = await import(
    '../../services/attestation/index.ts'
  );
  const anchors = createAnchors(await testRoot(core.environment.testAttestationRoot));
  const vceks = openVcekStore(join(core.stateFolder, 'vcek'), anchors, core.clock);
  const { attestation: timeline, documents } = await core.store();
  const state = createStateCell<Board>({ ...nothing, simulated: anchors.simulated });
  let watcher: Watcher | undefined;
  let session: AdminSession | undefined;
  let looking: string | undefined;
  let project: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let rules: Rules | undefined;
  let allowed: ReadonlyMap<string, readonly string[]> = new Map();
  let stop = new AbortController();
  let calendar: NodeJS.Timeout | undefined;

  const board = (): Board => {
    if (watcher === undefined) return { ...nothing, simulated: anchors.simulated };
    const paused = new Set(watcher.paused());
    const { server } = watcher.federation();
    const report = watcher.report();
    const posted = webhook.state();
    return {
      watching: true,
      simulated: anchors.simulated,
      ...(project === undefined ? {} : { project }),
      server: server === undefined ? 'unknown' : server.up ? 'up' : 'down',
      sites: watcher.statuses().map((status) => siteOf(status, paused.has(status.site))),
      alarms: watcher.alarms(),
      ...(report === undefined ? {} : { report: reportOf(report) }),
      ...(posted === undefined ? {} : { webhook: { ...posted, at: new Date(posted.at).toISOString() } }),
    };
  };
  const changed = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      state.set(board());
    }, gatherMs).unref();
  };
  const webhook = createWebhook({ post: globalThis.fetch, clock: core.clock, onChange: changed });
  const tellAlarm = (alarm: Alarm): void => {
    const { kind, message } = alarm;
    core.logger.warn(`Attestation alarm: ${message}`, { kind });
    const named = project ?? '';
    void core
      .settings()
      .then((settings) => settings.read())
      .then(({ alarm_webhook: address }) =>
        address === '' ? undefined : webhook.send(address, named, alarm),
      )
      .catch((error: unknown) => core.logger.error('An alarm could not be posted.', { error }));
  };
  const end = async (): Promise<void> => {
    watcher?.dispose();
    watcher = undefined;
    allowed = new Map();
    clearTimeout(timer);
    timer = undefined;
    clearInterval(calendar);
    stop.abort(new DeskError('cancelled', 'Nobody watches any more.'));
    stop = new AbortController();
    const old = session;
    session = undefined;
    await old?.close();
  };

  const namedProject = async (): Promise<string> => {
    const named = project ?? (await core.workspace()).state.get().open?.name;
    if (named === undefined) throw notWatching();
    return named;
  };
  /** Feeds the alarms with what ends: the kits of this run, the chips, the key broker of the open project. */
  const lookAtEnds = async (kitFolder: string, { signal }: AbortController): Promise<void> => {
    const kbs = await brokerOfOpen(core, project);
    const found = await calendarOf(
      core,
      { vceks, projectFolder: dirname(dirname(kitFolder)), ...(kbs === undefined ? {} : { kbs }) },
      signal,
    );
    if (!signal.aborted) watcher?.tellFacts({ ends: endsOf(found) });
  };

  return {
    state,
    keys: { anchors, vceks },
    project: () => project,
    async look(kit, signal) {
      if (kit === looking && watcher !== undefined) return watcher.statuses().length;
      await end();
      looking = kit;
      state.set(board());
      if (kit === undefined) return 0;
      const opened = await core.sessions.open({ kit }, { signal });
      session = opened.session;
      project = opened.kit.projectName;
      const federation = await knownFederation(opened.kit.folder, session);
      rules = await readRules(documents, project);
      const expectations = await expectedOf(opened.kit.folder, await chipsOf(core), core.clock.now());
      watcher = await watchFederation({
        project,
        ...federation,
        session: async (stop) => {
          if (session === undefined || session.state === 'closed') {
            session = (await core.sessions.open({ kit }, { signal: stop })).session;
          }
          return session;
        },
        expectations: (site) => {
          const measurements = allowed.get(site);
          return {
            ...expectations(site),
            ...(rules === undefined ? {} : expectationsBy(rules)),
            ...(measurements ? { policyMeasurements: measurements } : {}),
          };
        },
        anchors,
        store: vceks,
        timeline,
        clock: core.clock,
        logger: core.logger,
        actor: opened.kit.user,
        onChange: changed,
        onAlarm: tellAlarm,
      });
      const look = (): void =>
        void lookAtEnds(opened.kit.folder, stop).catch((error: unknown) =>
          core.logger.debug('When certificates end is not known.', { error }),
        );
      look();
      calendar = setInterval(look, calendarMs).unref();
      state.set(board());
      return federation.sites.length;
    },
    async rules() {
      const named = await namedProject();
      return { project: named, rules: await readRules(documents, named) };
    },
    async setRules(next) {
      const named = await namedProject();
      await writeRules(documents, named, next);
      if (named === project) {
        rules = next;
        await watcher?.rejudge();
        state.set(board());
      }
      return { project: named, rules: next };
    },
    async rejudge() {
      await watcher?.rejudge();
      state.set(board());
    },
    async check(sites, signal) {
      if (watcher === undefined) throw notWatching();
      await watcher.check(sites, signal);
      state.set(board());
      return board();
    },
    tell: (event) => watcher?.tell(event),
    tellFederation: (event) => watcher?.tellFederation(event),
    tellFacts: (facts) => watcher?.tellFacts(facts),
    tellAllowed: (measurements) => {
      allowed = measurements;
    },
    session() {
      if (session === undefined) throw notWatching();
      return session;
    },
    slept() {
      watcher?.slept();
      if (watcher !== undefined) state.set(board());
    },
    dispose: async () => {
      webhook.dispose();
      await end();
    },
  };
}

/** The key broker of the open project, when that is the one that is watched. */
async function brokerOfOpen(core: CoreParts, project: string | undefined) {
  const opened = (await core.workspace()).opened();
  if (opened?.kind !== 'project') return undefined;
  const { loadFor } = await import('../sound-project.ts');
  const loaded = await loadFor({ file: opened.file });
  return loaded.project?.name === project ? loaded.desk?.kbs : undefined;
}

const notWatching = (): DeskError =>
  new DeskError('not_found', 'No federation is watched.', { hint: 'Choose an admin kit to watch with.' });

/** The chips of the open project's hosts, by participant. */
async function chipsOf(core: CoreParts): Promise<ReadonlyMap<string, string>> {
  const opened = (await core.workspace()).opened();
  if (opened?.kind !== 'project') return new Map();
  const { loadFor } = await import('../sound-project.ts');
  const loaded = await loadFor({ file: opened.file }).catch(() => undefined);
  const hosts = [...(loaded?.desk?.hosts ?? [])];
  return new Map(
    hosts.flatMap(([name, { chipId }]) => (chipId === undefined ? [] : [[name, chipId] as const])),
  );
}
