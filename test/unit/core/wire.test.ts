import { beforeEach, describe, expect, it } from 'vitest';
import type { DeskClient } from '../../../src-main/contract/index.ts';
import { createWire, type Wire } from '../../../src-main/core/wire.ts';

type Message = {
  kind: string;
  id: unknown;
  envelope?: unknown;
  message?: { kind: string; item?: unknown; result?: unknown };
};
let told: Message[];
let asked: [string, unknown][];
let sentUp: unknown[];
let closedStreams: number;
let unsubscribed: number;
let wire: Wire;
let produced: number;

/** A client that answers what it was asked, and a stream of numbers without end. */
const client = {
  call: (name: string, payload: unknown) => {
    asked.push([name, payload]);
    return Promise.resolve({ ok: true, value: name });
  },
  start: (name: string, payload: unknown) => {
    asked.push([name, payload]);
    return Promise.resolve({ ok: true, value: { id: 'task' } });
  },
  open: () => {
    let end: (() => void) | undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    let running = true;
    return Promise.resolve({
      ok: true,
      value: {
        items: (async function* () {
          while (running) {
            produced += 1;
            yield await Promise.resolve(produced);
          }
        })(),
        ended: over.then(() => ({ ok: true, value: null })),
        send: (item: unknown) => {
          sentUp.push(item);
          return item === 'bad'
            ? { ok: false, error: { code: 'invalid_input', message: 'no', retryable: false } }
            : { ok: true, value: null };
        },
        close: () => {
          closedStreams += 1;
          running = false;
          end?.();
        },
      },
    });
  },
  subscribe: (_name: string, listener: (snapshot: unknown) => void) => {
    listener({ version: 3, value: 'a' });
    listener({ version: 4, value: 'b' });
    return () => (unsubscribed += 1);
  },
} as unknown as DeskClient;

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
const items = (id: number) =>
  told.filter((message) => message.id === id && message.message?.kind === 'item').length;
const end = (id: number) =>
  told.find((message) => message.id === id && message.message?.kind === 'end')?.message?.result;

beforeEach(() => {
  told = [];
  asked = [];
  sentUp = [];
  closedStreams = unsubscribed = produced = 0;
  wire = createWire(client, (message) => told.push(message as Message));
});

describe('calls over the wire', () => {
  it('are answered with their id; tasks are started', async () => {
    wire.receive({ kind: 'call', id: 7, name: 'diagnostics.about', payload: {} });
    wire.receive({ kind: 'call', id: 8, name: 'jobs.submit', payload: { a: 1 } });
    await settle();
    expect(told).toEqual([
      { kind: 'answer', id: 7, envelope: { ok: true, value: 'diagnostics.about' } },
      { kind: 'answer', id: 8, envelope: { ok: true, value: { id: 'task' } } },
    ]);
  });

  it.each(['no.such', 'constructor', '__proto__', 'workspace.current', ''])(
    'refuse the name %j',
    async (name) => {
      wire.receive({ kind: 'call', id: 1, name, payload: {} });
      await settle();
      expect(told[0]?.envelope).toMatchObject({ ok: false, error: { code: 'invalid_input' } });
      expect(asked).toEqual([]);
    },
  );

  it.each([
    null,
    'call',
    [],
    { kind: 'call' },
    { kind: 'call', id: 0, name: 'diagnostics.about', payload: {} },
    { kind: 'call', id: '1', name: 'diagnostics.about', payload: {} },
    { kind: 'call', id: 1, name: 'x'.repeat(101), payload: {} },
    { kind: 'call', id: 1, name: 'diagnostics.about', payload: {}, extra: 1 },
    { kind: 'credit', id: 1, items: -5 },
    { kind: 'credit', id: 1, items: Number.POSITIVE_INFINITY },
    { kind: 'shout', id: 1 },
  ])('pass over the malformed message %j', async (message) => {
    wire.receive(message);
    await settle();
    expect(told).toEqual([]);
    expect(asked).toEqual([]);
  });
});

describe('streams over the wire', () => {
  const openStream = (id = 1) => wire.receive({ kind: 'open', id, name: 'session.console', payload: {} });

  it('run no further ahead than their credit', async () => {
    openStream();
    await settle();
    expect(items(1)).toBe(256);
    await settle();
    expect(items(1)).toBe(256);
    expect(produced).toBeLessThan(260);
    wire.receive({ kind: 'credit', id: 1, items: 10 });
    await settle();
    expect(items(1)).toBe(266);
    wire.receive({ kind: 'close', id: 1 });
    await settle();
    expect(closedStreams).toBeGreaterThan(0);
    expect(items(1)).toBe(266);
  });

  it('carry items up, also those sent before the stream was open, and end at a wrong one', async () => {
    openStream();
    wire.receive({ kind: 'up', id: 1, item: 'first' });
    await settle();
    wire.receive({ kind: 'up', id: 1, item: 'second' });
    wire.receive({ kind: 'up', id: 1, item: 'bad' });
    await settle();
    expect(sentUp).toEqual(['first', 'second', 'bad']);
    expect(end(1)).toMatchObject({ ok: false });
  });

  it('are refused under an id in use, an unknown name, and beyond their number', async () => {
    openStream();
    openStream();
    wire.receive({ kind: 'open', id: 2, name: 'diagnostics.about', payload: {} });
    for (let id = 100; id < 170; id += 1)
      wire.receive({ kind: 'open', id, name: 'workspace.current', payload: {} });
    await settle();
    expect(end(1)).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('already') as string },
    });
    expect(end(2)).toMatchObject({ ok: false, error: { code: 'invalid_input' } });
    expect(end(169)).toMatchObject({ ok: false, error: { message: 'Too many open channels.' } });
    wire.close();
  });

  it('of a state begin with a snapshot that counts as the first', async () => {
    wire.receive({ kind: 'open', id: 5, name: 'workspace.current', payload: {} });
    expect(told.map((message) => message.message)).toEqual([
      { kind: 'snapshot', first: true, version: 3, value: 'a' },
      { kind: 'snapshot', first: false, version: 4, value: 'b' },
    ]);
    wire.receive({ kind: 'close', id: 5 });
    expect(unsubscribed).toBe(1);
    await settle();
  });

  it('are let go when the page is gone, and nothing is told any more', async () => {
    openStream();
    wire.receive({ kind: 'open', id: 5, name: 'workspace.current', payload: {} });
    await settle();
    wire.close();
    told = [];
    wire.receive({ kind: 'call', id: 9, name: 'diagnostics.about', payload: {} });
    await settle();
    expect(told).toEqual([]);
    expect(unsubscribed).toBe(1);
    expect(closedStreams).toBeGreaterThan(0);
  });
});

describe('questions over the wire', () => {
  const ask = (signal = new AbortController().signal) =>
    wire.ask('prompts.confirm', { question: 'Go?' }, signal, 99);

  it('are put to the page and take its answer once', async () => {
    const answer = ask();
    expect(told).toEqual([
      {
        kind: 'prompt',
        prompt: { id: 'q1', name: 'prompts.confirm', question: { question: 'Go?' }, deadline: 99 },
      },
    ]);
    wire.receive({ kind: 'prompt-answer', id: 'q2', value: { yes: true } });
    wire.receive({ kind: 'prompt-answer', id: 'q1', value: { yes: false } });
    wire.receive({ kind: 'prompt-answer', id: 'q1', value: { yes: true } });
    await expect(answer).resolves.toEqual({ yes: false });
  });

  it('are withdrawn when nobody waits any more', async () => {
    const waiting = new AbortController();
    const answer = ask(waiting.signal);
    waiting.abort(new Error('too late'));
    await expect(answer).rejects.toThrow('too late');
    expect(told.at(-1)).toEqual({ kind: 'withdrawn', id: 'q1' });
  });

  it('are refused when the page goes or is gone', async () => {
    const answer = ask();
    wire.close();
    await expect(answer).rejects.toThrow('The window is gone.');
    await expect(ask()).rejects.toThrow('The window is gone.');
  });
});
