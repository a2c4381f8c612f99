import type { CallHandlers } from './context.ts';
import { loadFor } from './sound-project.ts';

export const handlers: Pick<CallHandlers, 'projects.check'> = {
  'projects.check': async (input) => {
    const { project, findings } = await loadFor(input);
    return { findings, participants: project?.participants.length ?? 0 };
  },
};
