import type { CallHandlers } from './context.ts';

export const handlers: Pick<CallHandlers, 'settings.get' | 'settings.set'> = {
  'settings.get': async (_input, { core }) => (await core.settings()).read(),
  'settings.set': async (part, { core }) => (await core.settings()).change(part),
};
