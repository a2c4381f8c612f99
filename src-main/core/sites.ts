import { DeskError } from '../contract/errors.ts';
import type { SiteResult } from '../services/sites/index.ts';
import type { ChildTask } from '../services/tasks/index.ts';
import type { TaskHandlers, WorkContext } from './context.ts';
import { eventsOfStep } from './attestation/host-evidence.ts';
import { leaveWith } from './leave-federation.ts';
import { adminKitOf, prodFolderOf, withImages } from './site-images.ts';
import { chooseSites } from './site-targets.ts';
import { sshOptionsOf } from './ssh-options.ts';
import { soundProject } from './sound-project.ts';

const bad: ReadonlySet<string> = new Set(['failed', 'cancelled']);

/** One child task per site, made when the site first reports. */
export function childrenOf(context: WorkContext) {
  const children = new Map<string, ChildTask>();
  const childFor = (target: string): ChildTask => {
    const child = children.get(target) ?? context.task.child(target);
    children.set(target, child);
    return child;
  };
  return {
    report: (progress: Parameters<WorkContext['task']['report']>[0]) =>
      progress.target === undefined
        ? context.task.report(progress)
        : childFor(progress.target).report(progress),
    end: ({ name, state, steps, status: found, error }: SiteResult) => {
      const status = state === 'failed' ? 'failed' : state === 'cancelled' ? 'cancelled' : 'succeeded';
      const result = { state, steps, ...(found ? { status: found } : {}) };
      childFor(name).end({ status, result, ...(error === undefined ? {} : { error }) });
    },
  };
}

export const handlers: Pick<TaskHandlers, 'sites.run'> = {
  'sites.run': {
    title: ({ verb }) => verb,
    target: ({ file }) => file,
    steps: ({ verb }) => [verb],
    idempotent: true,
    isPartly: ({ sites }) => sites.some(({ state }) => bad.has(state)),
    async run(input, context) {
      const { core, task, signal } = context;
      const { project, desk } = await soundProject(input);
      const { targets: plain, withoutHost } = chooseSites(project, desk, input);
      const { targets } = await withImages(core, project, plain, {
        signal,
        report: task.report,
        desk,
      });
      const builders = targets.flatMap(({ cvm }) => cvm?.image?.relay ?? []);
      const [first] = targets;
      const prodFolder = first === undefined ? undefined : prodFolderOf(first);
      const kit = input.kit ?? (prodFolder === undefined ? undefined : adminKitOf(project, prodFolder));
      if (input.verb === 'distribute' && targets.some(({ kit }) => kit === undefined)) {
        throw new DeskError('not_found', `No kits were provisioned for ${input.file} yet.`, {
          hint: `Make them first: flaredesk provision -p ${input.file}`,
        });
      }
      const [{ runSites }, { verifyKit }] = await Promise.all([
        import('../services/sites/index.ts'),
        import('../services/kits/index.ts'),
      ]);
      task.report({ step: input.verb, done: 0, total: targets.length, unit: 'sites' });
      const children = childrenOf(context);
      const { sites } = await runSites(
        {
          step: input.verb,
          targets,
          ssh: sshOptionsOf({
            core,
            signal,
            targets: [...targets, ...builders],
            accepted: input.accept_host_keys ?? {},
            task,
          }),
          narrate: (site, line) => core.logger.debug(line, { task: task.id, site }),
          ...(desk ? { parallel: desk.transfer.parallel } : {}),
          ...(kit === undefined ? {} : { leave: leaveWith(core, kit) }),
          ...(input.force === undefined ? {} : { force: input.force }),
          verifyKit: async (kit, { signal: stop }) => {
            const { problems } = await verifyKit(kit, {
              now: core.clock.now(),
              ...(stop ? { signal: stop } : {}),
            });
            const [first] = problems;
            if (!first) return;
            throw new DeskError('integrity', `The kit ${kit} is not whole: ${first.file} ${first.problem}.`, {
              hint: 'Provision again; a kit is never changed by hand.',
              fields: problems.map(({ file, problem }) => ({ file, message: problem })),
            });
          },
        },
        {
          signal,
          report: children.report,
          ended: (result) => {
            children.end(result);
            const target = targets.find(({ name }) => name === result.name);
            if (target)
              core.hostNews.tell(project.name, eventsOfStep(input.verb, target, result, core.clock.now()));
          },
        },
      );
      signal.throwIfAborted();
      return {
        sites: [
          ...sites.map((site) => ({
            name: site.name,
            state: site.state,
            steps: site.steps,
            ...(site.status ? { status: { ...site.status } } : {}),
            ...(site.error ? { error: site.error } : {}),
          })),
          ...withoutHost.map((name) => ({ name, state: 'no_host', steps: [] })),
        ],
      };
    },
  },
};
