import type { Logger } from '../../src-main/ports.ts';

/** For work whose log a test does not look at. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
