import { dirname, join } from 'node:path';
import type { CallHandlers } from './context.ts';
import { loadFor, soundProject } from './sound-project.ts';

export const handlers: Pick<CallHandlers, 'projects.check' | 'projects.plan'> = {
  'projects.check': async (input) => {
    const { project, findings } = await loadFor(input);
    return { findings, participants: project?.participants.length ?? 0 };
  },

  'projects.plan': async (input, { core }) => {
    const project = await soundProject(input);
    const { planProvision } = await import('../services/provision/index.ts');
    return planProvision(project, {
      workspace: input.workspace ?? join(dirname(input.file), 'workspace'),
      ...(input.reissue === undefined ? {} : { reissue: input.reissue }),
      clock: core.clock,
    });
  },
};
