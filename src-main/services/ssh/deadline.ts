import { cancelled } from './connection.ts';

/** A time limit that stands still while a person is asked. */
export class Deadline {
  #left: number;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #waiting = 0;
  #expire: ((error: Error) => void) | undefined;
  passed = false;

  /** `milliseconds` from the call of `race`. */
  constructor(milliseconds: number) {
    this.#left = milliseconds;
  }

  /** The work's result; or an error when the time is over (`passed` tells) or the signal fires. */
  async race<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    let onAbort = () => undefined as void;
    const end = new Promise<never>((_, reject) => {
      this.#expire = reject;
      onAbort = () => reject(cancelled());
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#run();
    });
    try {
      return await Promise.race([work, end]);
    } finally {
      work.catch(() => undefined);
      clearTimeout(this.#timer);
      this.#expire = undefined;
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Runs a question to a person without using up time. */
  async paused<T>(question: () => Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) {
      clearTimeout(this.#timer);
      this.#left -= this.#startedAt === 0 ? 0 : performance.now() - this.#startedAt;
    }
    try {
      return await question();
    } finally {
      if (--this.#waiting === 0) this.#run();
    }
  }

  #run(): void {
    if (!this.#expire || this.#waiting > 0) return;
    this.#startedAt = performance.now();
    this.#timer = setTimeout(
      () => {
        this.passed = true;
        this.#expire?.(new Error('the time is over'));
      },
      Math.max(this.#left, 0),
    );
  }
}
