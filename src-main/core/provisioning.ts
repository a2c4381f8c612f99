import { join } from 'node:path';
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
      return provision(project, {
        workspace,
        ...(input.reissue === undefined ? {} : { reissue: input.reissue }),
        clock: core.clock,
        ...(unlockedKey === undefined ? {} : { unlockedKey }),
        signal: task.signal,
        report: task.report,
      });
    },
  },
};
