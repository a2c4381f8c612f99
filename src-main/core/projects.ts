import type { CallHandlers } from './context.ts';

export const handlers: Partial<CallHandlers> = {};
