/**
 * Serves one page over any pair of message pipes (a web socket, a message port): calls and tasks are answered, streams
 * flow by credit, states are told as snapshots and what changes in them, prompts are put to the page. Messages are plain JSON values.
 */
import { z } from 'zod';
import type { DeskClient, States } from '../contract/index.ts';
import { callNames, stateNames, streamNames, taskNames } from '../contract/names.ts';
import type { PromptName } from '../contract/names.ts';
import type { Envelope } from '../contract/kernel.ts';
import { changesBetween } from './changes.ts';

const idSchema = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const upSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('call'), id: idSchema, name: z.string().max(100), payload: z.unknown() }),
  z.strictObject({ kind: z.literal('open'), id: idSchema, name: z.string().max(100), payload: z.unknown() }),
  z.strictObject({ kind: z.literal('up'), id: idSchema, item: z.unknown() }),
  z.strictObject({ kind: z.literal('credit'), id: idSchema, items: z.int().min(1).max(100_000) }),
  z.strictObject({ kind: z.literal('close'), id: idSchema }),
  z.strictObject({ kind: z.literal('prompt-answer'), id: z.string().max(100), value: z.unknown() }),
]);

/** Items a stream may be ahead of what the page has consumed. */
const streamCredit = 256;
/** Large states of which a little changes again and again: told whole once, then by their changes. */
const toldByChanges: ReadonlySet<string> = new Set<keyof States>(['workspace.current']);
/** Streams and states one page may hold open. */
const mostChannels = 64;

export interface Wire {
  /** One message from the page, as it came. Anything malformed is refused without harm. */
  receive(message: unknown): void;
  /** Puts a question to this page's person; rejects when the page is gone. */
  ask(name: PromptName, question: unknown, signal: AbortSignal, deadline: number): Promise<unknown>;
  /** The page is gone: its streams are closed, its calls are forgotten. Tasks go on. */
  close(): void;
}

interface OpenChannel {
  close(): void;
  up?(item: unknown): void;
  grant?(items: number): void;
}

const has = (names: readonly string[], name: string): boolean => names.includes(name);
const refuse = (message: string): Envelope<never> => ({
  ok: false,
  error: { code: 'invalid_input', message, retryable: false },
});

/** Serves `client` to the page behind `send`. */
export function createWire(client: DeskClient, send: (message: unknown) => void): Wire {
  const channels = new Map<number, OpenChannel>();
  const questions = new Map<string, { answer(value: unknown): void; gone(): void }>();
  let nextQuestion = 1;
  let closed = false;
  const tell = (message: unknown): void => {
    if (!closed) send(message);
  };

  const call = async (id: number, name: string, payload: unknown): Promise<void> => {
    const envelope = has(callNames, name)
      ? await client.call(name as never, payload as never)
      : has(taskNames, name)
        ? await client.start(name as never, payload as never)
        : refuse('There is no such call.');
    tell({ kind: 'answer', id, envelope });
  };

  const openState = (id: number, name: string): void => {
    let last: { version: number; value: unknown } | undefined;
    const stop = client.subscribe(name as never, (snapshot: { version: number; value: unknown }) => {
      const { version, value } = snapshot;
      const changes = last && toldByChanges.has(name) ? changesBetween(last.value, value) : undefined;
      const message = changes
        ? { kind: 'changes', version, since: last?.version, changes }
        : { kind: 'snapshot', first: !last, version, value };
      tell({ kind: 'channel', id, message });
      last = snapshot;
    });
    channels.set(id, { close: stop });
  };

  const openStream = async (id: number, name: string, payload: unknown): Promise<void> => {
    const abort = new AbortController();
    let credit = streamCredit;
    let wake: (() => void) | undefined;
    const waiting: unknown[] = [];
    const channel: OpenChannel = {
      close: () => abort.abort(),
      up: (item) => void waiting.push(item),
      grant(items) {
        credit += items;
        wake?.();
      },
    };
    channels.set(id, channel);
    const end = (result: Envelope<unknown>): void => {
      if (channels.delete(id)) tell({ kind: 'channel', id, message: { kind: 'end', result } });
    };
    const opened = await client.open(name as never, payload as never, { signal: abort.signal });
    if (!opened.ok) return end(opened);
    const stream = opened.value as {
      items: AsyncIterable<unknown>;
      ended: Promise<Envelope<null>>;
      send(item: unknown): Envelope<null>;
      close(): void;
    };
    const sendUp = (item: unknown): void => {
      const answer = stream.send(item);
      if (!answer.ok) end(answer);
    };
    channel.up = sendUp;
    channel.close = () => stream.close();
    abort.signal.addEventListener('abort', () => stream.close(), { once: true });
    for (const item of waiting.splice(0)) sendUp(item);
    for await (const item of stream.items) {
      while (credit <= 0 && !closed && channels.has(id)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (closed || !channels.has(id)) break;
      credit -= 1;
      tell({ kind: 'channel', id, message: { kind: 'item', item } });
    }
    end(await stream.ended);
  };

  const open = (id: number, name: string, payload: unknown): void => {
    const end = (result: Envelope<never>): void =>
      tell({ kind: 'channel', id, message: { kind: 'end', result } });
    if (channels.has(id)) return end(refuse('That channel is open already.'));
    if (channels.size >= mostChannels) return end(refuse('Too many open channels.'));
    if (has(stateNames, name)) openState(id, name);
    else if (has(streamNames, name)) void openStream(id, name, payload);
    else end(refuse('There is no such stream or state.'));
  };

  return {
    receive(message) {
      const parsed = upSchema.safeParse(message);
      if (!parsed.success) return;
      const up = parsed.data;
      switch (up.kind) {
        case 'call':
          void call(up.id, up.name, up.payload);
          return;
        case 'open':
          return open(up.id, up.name, up.payload);
        case 'up':
          return channels.get(up.id)?.up?.(up.item);
        case 'credit':
          return channels.get(up.id)?.grant?.(up.items);
        case 'close': {
          const channel = channels.get(up.id);
          channels.delete(up.id);
          channel?.close();
          channel?.grant?.(1);
          return;
        }
        case 'prompt-answer':
          questions.get(up.id)?.answer(up.value);
          questions.delete(up.id);
          return;
      }
    },
    ask: (name, question, signal, deadline) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error('The window is gone.'));
        const id = `q${nextQuestion++}`;
        const withdraw = (): void => {
          if (questions.delete(id)) tell({ kind: 'withdrawn', id });
          reject(signal.reason as Error);
        };
        questions.set(id, {
          answer: (value) => {
            signal.removeEventListener('abort', withdraw);
            resolve(value);
          },
          gone: () => reject(new Error('The window is gone.')),
        });
        signal.addEventListener('abort', withdraw, { once: true });
        tell({ kind: 'prompt', prompt: { id, name, question, deadline } });
      }),
    close() {
      closed = true;
      for (const channel of channels.values()) {
        channel.close();
        channel.grant?.(1);
      }
      channels.clear();
      for (const question of questions.values()) question.gone();
      questions.clear();
    },
  };
}
