import type { Envelope } from '../../src-main/contract/kernel.ts';
import type { Carrier, Channel, ChannelMessage, PromptMessage } from './carrier.ts';

export interface MemoryBackend {
  calls: Record<string, (payload: unknown) => Envelope<unknown> | Promise<Envelope<unknown>>>;
  /** First snapshots of the states; change one with `setState`. */
  states?: Record<string, unknown>;
  streams?: Record<
    string,
    (
      payload: unknown,
      emit: (message: ChannelMessage) => void,
    ) => { up?(item: unknown): void; close?(): void }
  >;
}

/** The carrier of component tests: no process, no network, every message visible. */
export function createMemoryCarrier(backend: MemoryBackend): Carrier & {
  setState(name: string, value: unknown): void;
  ask(prompt: PromptMessage): Promise<unknown>;
  sent: { name: string; payload: unknown }[];
} {
  const sent: { name: string; payload: unknown }[] = [];
  const values = new Map(Object.entries(backend.states ?? {}));
  const versions = new Map<string, number>();
  const watchers = new Map<string, Set<(message: ChannelMessage) => void>>();
  const promptListeners = new Set<(prompt: PromptMessage) => void>();
  const answers = new Map<string, (value: unknown) => void>();
  const snapshot = (name: string): ChannelMessage => ({
    kind: 'snapshot',
    first: false,
    version: versions.get(name) ?? 0,
    value: values.get(name),
  });
  return {
    sent,
    async call(name, payload) {
      sent.push({ name, payload });
      const handler = backend.calls[name];
      if (!handler) throw new Error(`The test's backend has no call ${name}.`);
      return handler(payload);
    },
    open(name, payload, onMessage): Channel {
      const stream = backend.streams?.[name];
      if (stream) {
        const running = stream(payload, onMessage);
        return {
          send: (item) => running.up?.(item),
          credit: () => undefined,
          close: () => running.close?.(),
        };
      }
      const set = watchers.get(name) ?? new Set();
      watchers.set(name, set.add(onMessage));
      if (values.has(name)) queueMicrotask(() => set.has(onMessage) && onMessage(snapshot(name)));
      return { send: () => undefined, credit: () => undefined, close: () => void set.delete(onMessage) };
    },
    setState(name, value) {
      values.set(name, value);
      versions.set(name, (versions.get(name) ?? 0) + 1);
      for (const listener of watchers.get(name) ?? []) listener(snapshot(name));
    },
    ask: (prompt) =>
      new Promise((resolve) => {
        answers.set(prompt.id, resolve);
        for (const listener of promptListeners) listener(prompt);
      }),
    onPrompt(listener) {
      promptListeners.add(listener);
      return () => void promptListeners.delete(listener);
    },
    answer(id, value) {
      answers.get(id)?.(value);
      answers.delete(id);
    },
    state: () => 'open',
    onState: () => () => undefined,
  };
}
