import type { Clock, Logger } from '../../ports.ts';
import type { SessionStep } from './errors.ts';
import type { SessionTimeouts } from './timeouts.ts';

export interface OpenSessionOptions {
  /** 2.8 and later; the default study when missing. */
  study?: string;
  clock?: Clock;
  logger?: Logger;
  /** Stops the opening; later it has no effect. */
  signal?: AbortSignal;
  /** Told before each step of the opening. */
  onStep?: (step: SessionStep) => void;
  timeouts?: Partial<SessionTimeouts>;
}
