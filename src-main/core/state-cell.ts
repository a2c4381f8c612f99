/** The owner of one replicated state: whole snapshots, each with the next version. */
export interface StateCell<Value> {
  get(): Value;
  set(value: Value): void;
  subscribe(listener: (snapshot: { version: number; value: Value }) => void): () => void;
  /** How many look at it now. */
  watchers(): number;
}

/** `onWatchers` hears when the number of lookers changes, so that a source can rest while nobody looks. */
export function createStateCell<Value>(
  initial: Value,
  onWatchers?: (count: number) => void,
): StateCell<Value> {
  const listeners = new Set<(snapshot: { version: number; value: Value }) => void>();
  let value = initial;
  let version = 1;
  return {
    get: () => value,
    set(next) {
      value = next;
      version += 1;
      for (const listener of listeners) listener({ version, value });
    },
    subscribe(listener) {
      listeners.add(listener);
      listener({ version, value });
      onWatchers?.(listeners.size);
      return () => {
        if (listeners.delete(listener)) onWatchers?.(listeners.size);
      };
    },
    watchers: () => listeners.size,
  };
}
