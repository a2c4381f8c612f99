/** Passes at most one value per interval and key on; the last one is never lost. */
export interface Throttle<Value> {
  push(key: string, value: Value): void;
  /** Passes on what waits, and forgets the rest. */
  flush(): void;
}

export function createThrottle<Value>(
  intervalMs: number,
  pass: (key: string, value: Value) => void,
): Throttle<Value> {
  const waiting = new Map<string, Value>();
  const timers = new Map<string, NodeJS.Timeout>();

  const open = (key: string): void => {
    timers.delete(key);
    if (!waiting.has(key)) return;
    const value = waiting.get(key) as Value;
    waiting.delete(key);
    arm(key);
    pass(key, value);
  };
  const arm = (key: string): void => {
    timers.set(key, setTimeout(open, intervalMs, key).unref());
  };

  return {
    push(key, value) {
      if (timers.has(key)) {
        waiting.set(key, value);
        return;
      }
      arm(key);
      pass(key, value);
    },
    flush() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      const rest = [...waiting];
      waiting.clear();
      for (const [key, value] of rest) pass(key, value);
    },
  };
}
