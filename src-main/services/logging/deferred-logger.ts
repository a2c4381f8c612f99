/** A logger that can be written to before it is known where and how: lines wait, in order, until it is. */
import type { Logger } from '../../ports.ts';

export interface DeferredLogger extends Logger {
  /** Resolves when everything said so far is written. */
  flushed(): Promise<void>;
}

/** Makes the real logger with the first line. `make` must not reject. */
export function createDeferredLogger(make: () => Promise<Logger>): DeferredLogger {
  let last: Promise<void> | undefined;
  let real: Promise<Logger> | undefined;
  const write = (level: keyof Logger) => (message: string, data?: Record<string, unknown>) => {
    real ??= make();
    const logger = real;
    last = (last ?? Promise.resolve()).then(async () => (await logger)[level](message, data));
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    flushed: async () => last,
  };
}
