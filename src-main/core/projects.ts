import type { CallHandlers } from './context.ts';
import { loadFor, soundProject } from './sound-project.ts';

export const handlers: Pick<CallHandlers, 'projects.create' | 'projects.check' | 'projects.plan'> = {
  'projects.create': async ({ directory, from, flare, confidential }, { core }) => {
    const { newProject } = await import('../services/projects/index.ts');
    return newProject(directory, {
      from,
      flare: flare ?? (await (await core.settings()).read()).flare,
      ...(confidential === undefined ? {} : { confidential }),
    });
  },

  'projects.check': async (input) => {
    const { createNameLookup } = await import('../services/projects/index.ts');
    const { findings, participantCount } = await loadFor({ ...input, lookUpName: createNameLookup() });
    return { findings, participants: participantCount };
  },

  'projects.plan': async (input, { core }) => {
    const { project, workspace } = await soundProject(input);
    const { planProvision } = await import('../services/provision/index.ts');
    return planProvision(project, {
      workspace,
      ...(input.reissue === undefined ? {} : { reissue: input.reissue }),
      clock: core.clock,
    });
  },
};
