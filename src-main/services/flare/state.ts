import { DeskError } from '../../contract/errors.ts';
import type { Logger } from '../../ports.ts';
import { sessionOver } from './answers.ts';
import { reasonOf } from './errors.ts';
import type { SessionState } from './types.ts';
import { within } from './wait.ts';

/** The state of a session, and who follows it. */
export class StateCell {
  readonly #listeners = new Set<(state: SessionState) => void>();
  readonly #logger: Logger | undefined;
  #state: SessionState = 'connected';

  constructor(logger: Logger | undefined) {
    this.#logger = logger;
  }

  get now(): SessionState {
    return this.#state;
  }

  /** `closed` is final: nobody hears anything after it. */
  set(state: SessionState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      try {
        listener(state);
      } catch (error) {
        this.#logger?.error(`A listener of the session failed: ${reasonOf(error)}`);
      }
    }
    if (state === 'closed') this.#listeners.clear();
  }

  onChange(listener: (state: SessionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits at most `ms` for a connection. Throws `unreachable`, `session_lost`, `cancelled`. */
  async connected(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#state === 'connected') return;
    let stopListening: () => void = () => undefined;
    const back = new Promise<void>((resolve, reject) => {
      const look = (state: SessionState): void => {
        if (state === 'connected') resolve();
        else if (state === 'closed') reject(sessionOver());
      };
      stopListening = this.onChange(look);
      look(this.#state);
    });
    const timeout = (): DeskError =>
      new DeskError('unreachable', 'The server cannot be reached at the moment.', {
        retryable: true,
        hint: 'The session goes on trying to connect.',
      });
    await within(back, { ms, signal, timeout }).finally(stopListening);
  }
}
