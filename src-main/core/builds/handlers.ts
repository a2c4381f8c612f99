import { basename } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { BuildRecord } from '../../services/cvm/index.ts';
import type { ChildTask } from '../../services/tasks/index.ts';
import { createChannel } from '../channel.ts';
import type { CallHandlers, StreamHandlers, TaskHandlers, WorkContext } from '../context.ts';
import { planBuilds, requestsOf } from './plan.ts';
import { toContractBuilder } from './view.ts';

type Handlers = Pick<TaskHandlers, 'builds.run'> &
  Pick<CallHandlers, 'builds.list' | 'builds.cancel'> &
  Pick<StreamHandlers, 'builds.log'>;

const bad: ReadonlySet<string> = new Set(['failed', 'cancelled', 'interrupted']);

/** One child task per image, told as its record changes. */
function childOf(context: WorkContext, site: string) {
  let child: ChildTask | undefined;
  const of = (): ChildTask => (child ??= context.task.child(site));
  return {
    report: (record: BuildRecord, bytes?: { done: number; total: number }) =>
      of().report({
        step: record.state,
        target: site,
        ...(bytes ? { ...bytes, unit: 'bytes' as const } : {}),
        ...messageOf(record),
      }),
    end: (record: BuildRecord) => {
      const status =
        record.state === 'built' ? 'succeeded' : record.state === 'cancelled' ? 'cancelled' : 'failed';
      of().end({ status, result: { state: record.state }, ...(record.error ? { error: record.error } : {}) });
    },
  };
}

function messageOf({ note, stage, host, state }: BuildRecord): { message?: string } {
  if (note !== undefined) return { message: note };
  if (state === 'building' && stage !== undefined)
    return { message: `${stage.replaceAll('_', ' ')} on ${host ?? 'its host'}` };
  return host === undefined ? {} : { message: `on ${host}` };
}

export const handlers: Handlers = {
  'builds.run': {
    title: () => 'Build images',
    target: ({ file }) => file,
    steps: () => ['images'],
    idempotent: true,
    isPartly: ({ images }) => images.some(({ state }) => bad.has(state)),
    async run(input, context) {
      const { core, task, signal } = context;
      const plan = await planBuilds(input, core.stateFolder);
      const requests = await requestsOf(plan, {
        allowRunningVms: input.allow_running_vms ?? false,
        task: task.id,
      });
      const builds = await core.builds();
      let done = 0;
      const total = requests.length;
      task.report({ step: 'images', done, total, unit: 'sites' });
      const records = await Promise.all(
        requests.map(async (request) => {
          const child = childOf(context, request.site);
          const record = await builds.queue.add(request, {
            signal,
            ...(input.anew === undefined ? {} : { anew: input.anew }),
            onProgress: (now, bytes) => {
              if (bytes) builds.fetched.set(now.id, bytes);
              child.report(now, bytes);
            },
          });
          child.end(record);
          task.report({ step: 'images', done: ++done, total, unit: 'sites' });
          return record;
        }),
      );
      (await core.workspace()).refresh().catch(() => undefined);
      const left = records.filter(({ state }) => state === 'interrupted');
      if (left.length > 0)
        throw new DeskError(
          'interrupted',
          `The program ended while ${left.length} images were being built.`,
          {
            hint: 'Resume: builds that run are found again on their hosts.',
            retryable: true,
          },
        );
      signal.throwIfAborted();
      return { prod: basename(plan.folder ?? ''), images: records.map(builds.show) };
    },
  },

  'builds.list': async (input, { core }) => {
    const plan = await planBuilds(input, core.stateFolder);
    const builds = await core.builds();
    return {
      ...(plan.prod === undefined ? {} : { prod: plan.prod }),
      builders: plan.hosts.map(toContractBuilder),
      builds: await builds.list(plan),
    };
  },

  'builds.cancel': async ({ file, site, prod }, { core, signal }) => {
    const plan = await planBuilds({ file, prod, only: [site] }, core.stateFolder);
    const builds = await core.builds();
    const { folder = '' } = plan;
    const running = builds.queue.active().find((one) => one.prod === folder && one.site === site);
    if (running !== undefined) {
      const ended = new Promise<BuildRecord>((resolve) => {
        const stop = builds.queue.watch((record) => {
          if (record.id !== running.id || record.endedAt === undefined) return;
          stop();
          resolve(record);
        });
      });
      builds.queue.cancel(running.id);
      const { state, leftOvers = [] } = await ended;
      return { site, state, left_overs: leftOvers };
    }
    const [request] = await requestsOf(plan, { allowRunningVms: false, task: 'cancel' });
    const record = request && (await builds.queue.endEarlier(request, signal));
    if (record === undefined)
      throw new DeskError('not_found', `No image of ${site} is being built.`, {
        hint: 'flaredesk cvm queue shows what is built where.',
      });
    return { site, state: record.state, left_overs: record.leftOvers ?? [] };
  },

  'builds.log': async ({ id }, { core, signal, send }) => {
    const builds = await core.builds();
    const batches = createChannel<Parameters<typeof send>[0]>(100_000);
    const close = (): void => batches.close();
    const stopLog = await builds.logs.follow(id, (lines) => {
      void batches.push({
        lines: lines.map(({ at, from, text }) => ({ at: new Date(at).toISOString(), from, text })),
      });
    });
    const isActive = () => builds.queue.active().some((record) => record.id === id);
    // The last lines come with the end.
    const endSoon = (): void => void setTimeout(close, 300);
    const stopWatch = builds.queue.watch((record) => {
      if (record.id === id && record.endedAt !== undefined) endSoon();
    });
    if (!isActive()) endSoon();
    signal.addEventListener('abort', close, { once: true });
    try {
      for await (const batch of batches.items) await send(batch);
    } finally {
      stopLog();
      stopWatch();
      signal.removeEventListener('abort', close);
    }
  },
};
