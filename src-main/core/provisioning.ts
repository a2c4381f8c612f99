import { basename, join } from 'node:path';
import { makesImages } from './builds/plan.ts';
import type { TaskHandlers } from './context.ts';
import { soundProject } from './sound-project.ts';

export const handlers: Pick<TaskHandlers, 'provisioning.run'> = {
  'provisioning.run': {
    title: () => 'Provision',
    target: ({ file }) => file,
    steps: () => ['cert', 'kits', 'finalize'],
    idempotent: false,
    async run(input, { core, task }) {
      const { project, workspace } = await soundProject(input);
      const { provision } = await import('../services/provision/index.ts');
      const custody = await core.custody();
      const stateFolder = join(workspace, project.name, 'state');
      const unlockedKey = await task.waiting(() => custody.keyFor(stateFolder, task.signal));
      const provisioned = await provision(project, {
        workspace,
        ...(input.reissue === undefined ? {} : { reissue: input.reissue }),
        clock: core.clock,
        ...(unlockedKey === undefined ? {} : { unlockedKey }),
        signal: task.signal,
        report: task.report,
      });
      if (input.images === false || !makesImages(project)) return provisioned;
      const builds = {
        file: input.file,
        ...(input.flare === undefined ? {} : { flare: input.flare }),
        ...(input.add_clients === undefined ? {} : { add_clients: input.add_clients }),
        ...(input.add_users === undefined ? {} : { add_users: input.add_users }),
        ...(input.workspace === undefined ? {} : { workspace: input.workspace }),
        prod: basename(provisioned.prod),
      };
      const trail = await core.audit();
      await trail.append({
        actor: `task ${task.id}`,
        action: 'builds.run',
        target: input.file,
        outcome: 'started',
      });
      const { id } = await (await core.tasks()).start('builds.run', builds);
      return { ...provisioned, build_task: id };
    },
  },
};
