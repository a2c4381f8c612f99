/** Notices that the computer slept, where nobody tells: the clock went on while the timers stood still. */

const beatMs = 5_000;
/** A busy program is late by seconds. */
const gapMs = 30_000;

export interface SleepWatch {
  /** Told by somebody else: the same gap is not noticed once more. */
  known(): void;
  stop(): void;
}

/** Calls `slept` after each sleep. Does not keep the process alive. */
export function watchSleep(slept: () => void, now: () => number = Date.now): SleepWatch {
  let last = now();
  const timer = setInterval(() => {
    const before = last;
    last = now();
    if (last - before > beatMs + gapMs) slept();
  }, beatMs).unref();
  return {
    known: () => void (last = now()),
    stop: () => clearInterval(timer),
  };
}
