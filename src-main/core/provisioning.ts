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
      return provision(project, {
        workspace,
        ...(input.reissue === undefined ? {} : { reissue: input.reissue }),
        clock: core.clock,
        signal: task.signal,
        report: task.report,
      });
    },
  },
};
