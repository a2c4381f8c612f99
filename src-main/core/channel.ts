/** A bounded queue between a producer and one reader: the producer waits while it is full. */
export interface Channel<Item> {
  /** Resolves when there is room again. Items after `close` are dropped. */
  push(item: Item): Promise<void>;
  close(): void;
  readonly items: AsyncIterable<Item>;
  /** Items that wait for the reader. */
  readonly size: number;
}

export function createChannel<Item>(capacity: number): Channel<Item> {
  const queue: Item[] = [];
  let closed = false;
  let wakeReader: (() => void) | undefined;
  let wakeWriters: (() => void)[] = [];

  const wakeAll = (): void => {
    wakeReader?.();
    wakeReader = undefined;
    for (const wake of wakeWriters) wake();
    wakeWriters = [];
  };

  return {
    async push(item) {
      while (!closed && queue.length >= capacity) {
        await new Promise<void>((resolve) => wakeWriters.push(resolve));
      }
      if (closed) return;
      queue.push(item);
      wakeReader?.();
      wakeReader = undefined;
    },
    close() {
      closed = true;
      wakeAll();
    },
    get size() {
      return queue.length;
    },
    items: {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          while (queue.length > 0) {
            const item = queue.shift() as Item;
            const writers = wakeWriters;
            wakeWriters = [];
            for (const wake of writers) wake();
            yield item;
          }
          if (closed) return;
          await new Promise<void>((resolve) => {
            wakeReader = resolve;
          });
        }
      },
    },
  };
}
