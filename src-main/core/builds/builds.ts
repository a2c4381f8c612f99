/** The image builds of this program: one queue, their logs, the builds of the open project. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { StateValue } from '../../contract/index.ts';
import {
  builtArchive,
  type BuilderHost,
  createBuildLogs,
  createBuildQueue,
} from '../../services/cvm/index.ts';
import type { CoreParts } from '../context.ts';
import { describeError } from '../errors.ts';
import { rememberImage } from '../image-facts.ts';
import type { Builds } from '../parts.ts';
import { sshOptionsOf } from '../ssh-options.ts';
import { createStateCell } from '../state-cell.ts';
import { planBuilds } from './plan.ts';
import { createBuildStore } from './store.ts';
import { verifyBundle } from './verify-bundle.ts';
import { toContractBuild, toContractBuilder, unbuilt } from './view.ts';

type Board = StateValue<'builds.board'>;

/** The longest a builder may be silent, and run in all, seconds. The guide tells 1000 s per image. */
const watchdog = { silentSeconds: 1800, longestSeconds: 6 * 3600 };
const pollMs = 250;
/** Changes that come close together are one picture. */
const settleMs = 100;
const ownerKey = 'installation';

/** This installation's name for locks on builder hosts, made once. */
async function ownerOf(core: CoreParts): Promise<string> {
  const { documents } = await core.store();
  const known = await documents.read(ownerKey);
  if (typeof known === 'string') return known;
  const made = randomUUID();
  await documents.write(ownerKey, made);
  return made;
}

const markOf = ({ pid, birth }: { pid: number; birth: string }): string => `${pid} ${birth}`;

export async function createBuilds(core: CoreParts): Promise<Builds> {
  const { isAlive, thisProcess } = await import('../../services/tasks/index.ts');
  const store = createBuildStore((await core.store()).documents);
  const logs = createBuildLogs(join(core.stateFolder, 'build-logs'), core.logger);
  const fetched = new Map<string, { done: number; total: number }>();
  const isProcessAlive = (mark: string): boolean => {
    const [pid = '', ...birth] = mark.split(' ');
    return isAlive({ pid: Number(pid), birth: birth.join(' ') });
  };
  const connectTo = async (host: BuilderHost, signal: AbortSignal) => {
    const { connect } = await import('../../services/ssh/index.ts');
    if (host.ssh === undefined) throw new DeskError('internal', 'This machine needs no connection.');
    const target = { name: host.name, ssh: host.ssh };
    return connect(host.ssh, {
      ...sshOptionsOf({ core, signal, targets: [target] }),
      signal,
      narrate: (line) => core.logger.debug(line, { builder: host.name }),
    });
  };
  const queue = createBuildQueue({
    clock: core.clock,
    logs,
    store,
    logger: core.logger,
    owner: await ownerOf(core),
    who: `${core.environment.user}@${hostname()}`,
    process: markOf(thisProcess()),
    isAlive: isProcessAlive,
    watchdog,
    pollMs,
    connect: connectTo,
    describeError: (error) => describeError(error, core.logger),
    verifyKit: async (kit, signal) => {
      const { verifyKit } = await import('../../services/kits/index.ts');
      const { problems } = await verifyKit(kit, { now: core.clock.now(), signal });
      const [first] = problems;
      if (first)
        throw new DeskError('integrity', `The kit ${kit} is not whole: ${first.file} ${first.problem}.`, {
          hint: 'Provision again; a kit is never changed by hand.',
          fields: problems.map(({ file, problem }) => ({ file, message: problem })),
        });
    },
    verifyBundle: async (archive, context) => {
      const { notes, facts } = await verifyBundle(archive, { ...context, now: core.clock.now() });
      // Nobody shall read 20 GB a second time to deliver them.
      await rememberImage(core, join(context.kit, `${context.site}.tgz`), facts);
      return { notes };
    },
  });

  const show: Builds['show'] = (record) =>
    toContractBuild(record, core.places, {
      isOurs: queue.active().some(({ id }) => id === record.id),
      isAlive: record.process !== undefined && isProcessAlive(record.process),
      fetched: fetched.get(record.id),
    });

  const list: Builds['list'] = async (plan) => {
    const { folder, prod } = plan;
    if (folder === undefined || prod === undefined) return [];
    const active = queue.active();
    return Promise.all(
      plan.sites.map(async ({ name }) => {
        const running = active.find((one) => one.prod === folder && one.site === name);
        const record = running ?? (await store.read(folder, name));
        if (record !== undefined) return show(record);
        const there = await builtArchive(folder, name);
        if (there === undefined) return unbuilt(name, prod);
        const { archive, bytes } = there;
        const place = { token: core.places.tokenOf(archive), label: archive };
        return {
          site: name,
          prod,
          state: 'built' as const,
          archive: { place, bytes, notes: [] },
          actions: [],
        };
      }),
    );
  };

  const state = createStateCell<Board>({ builders: [], builds: [] }, (count) => {
    if (count > 0) refresh();
  });
  let timer: NodeJS.Timeout | undefined;
  const picture = async (): Promise<Board> => {
    const opened = (await core.workspace()).opened();
    if (opened?.kind !== 'project') return { builders: [], builds: [] };
    try {
      const plan = await planBuilds({ file: opened.file }, core.stateFolder);
      return {
        ...(plan.prod === undefined ? {} : { prod: plan.prod }),
        builders: plan.hosts.map(toContractBuilder),
        builds: await list(plan),
      };
    } catch (error) {
      return { builders: [], builds: [], problem: describeError(error, core.logger).message };
    }
  };
  function refresh(): void {
    if (state.watchers() === 0) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      void picture().then((value) => state.set(value));
    }, settleMs).unref();
  }
  const stops = [queue.watch(refresh), (await core.workspace()).onRead(refresh)];

  return {
    queue,
    logs,
    state,
    store,
    list,
    show,
    fetched,
    refresh,
    async dispose() {
      clearTimeout(timer);
      for (const stop of stops) stop();
      await queue.close();
    },
  };
}
