/** The longest time a timer can run. */
const longestTimerMs = 2 ** 31 - 1;
/** A timer stands still while the computer sleeps: the clock is looked at again so often. */
const lookAgainMs = 60_000;

/** Calls `act` once nothing has been in use for `idleMs`. */
export class IdleWatch {
  readonly #idleMs: number;
  readonly #act: () => void;
  #busy = 0;
  #lastUse = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** @param idleMs 0 = never */
  constructor(idleMs: number, act: () => void) {
    this.#idleMs = idleMs;
    this.#act = act;
  }

  start(): void {
    this.#lastUse = performance.now();
    if (this.#idleMs > 0) this.#wait(this.#idleMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Counts as use from beginning to end. */
  async during<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#busy += 1;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
      this.#lastUse = performance.now();
    }
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(
      () => {
        const left = this.#busy > 0 ? this.#idleMs : this.#lastUse + this.#idleMs - performance.now();
        if (left > 0) this.#wait(left);
        else this.#act();
      },
      Math.min(ms, longestTimerMs),
    );
  }
}

/** Calls `act` at a moment that may be months away. Does not keep the process alive. Gives the way to stop it. */
export function callAt(moment: number, now: () => number, act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const left = moment - now();
    timer = setTimeout(() => (left > lookAgainMs ? wait() : act()), Math.max(0, Math.min(left, lookAgainMs)));
    timer.unref();
  };
  wait();
  return () => clearTimeout(timer);
}
