import type { EventEmitter } from 'node:events';
import type { TransportEvents } from './types.ts';

/** Whether a connection is over, and the way to end it without being told. */
export interface Closing {
  readonly done: boolean;
  silence: (this: void) => void;
  /** Reports the end, once. */
  end: (this: void, cause: Error | undefined) => void;
}

/** Reports the end of a connection exactly once. */
export function closingOf(events: TransportEvents): Closing {
  let done = false;
  return {
    get done() {
      return done;
    },
    silence: () => {
      done = true;
    },
    end: (cause) => {
      if (done) return;
      done = true;
      events.onClose(cause);
    },
  };
}

/** Follows a socket-like emitter to its end; the error, when there was one, is the cause. */
export function watchSocket(socket: EventEmitter, events: TransportEvents): Closing {
  const closing = closingOf(events);
  let cause: Error | undefined;
  socket.on('error', (error: Error) => {
    cause ??= error;
  });
  socket.on('close', () => closing.end(cause));
  if ((socket as { destroyed?: boolean }).destroyed === true) queueMicrotask(() => closing.end(cause));
  return closing;
}
