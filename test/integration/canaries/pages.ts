/** Pages of a core without a browser: over the web socket of the web host, and over a message port as in the desktop app. */
import { MessageChannel } from 'node:worker_threads';
import { WebSocket } from 'ws';
import type { Envelope } from '../../../src-main/contract/kernel.ts';
import type { Core } from '../../../src-main/core.ts';
import { createWire, type Wire } from '../../../src-main/core/wire.ts';

interface Down {
  kind: 'answer' | 'channel' | 'prompt' | 'withdrawn';
  id: number;
  envelope: Envelope<unknown>;
  message: { kind: 'snapshot' | 'item' | 'end'; value?: unknown; item?: unknown; result?: Envelope<null> };
  prompt: { id: string; name: string; question: Record<string, unknown> };
}
type Loose = Record<string, unknown>;

export class Page {
  /** Everything that came, one text per message. Bytes stand in it as lists of numbers. */
  readonly heard: string[] = [];
  /** Answers the questions of main; null is a no. */
  answer: (name: string, question: Loose) => unknown = () => null;
  readonly #post: (message: unknown) => void;
  readonly #open = new Map<number, (down: Down) => void>();
  #next = 1;

  constructor(post: (message: unknown) => void) {
    this.#post = post;
  }

  receive(message: unknown): void {
    this.heard.push(typeof message === 'string' ? message : JSON.stringify(message));
    const down = (typeof message === 'string' ? JSON.parse(message) : message) as Down;
    if (down.kind === 'prompt') {
      const { id, name, question } = down.prompt;
      this.#post({ kind: 'prompt-answer', id, value: this.answer(name, question) });
    } else if (down.kind !== 'withdrawn') this.#open.get(down.id)?.(down);
  }

  call(name: string, payload: unknown = {}): Promise<Envelope<Loose>> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#open.set(id, ({ envelope }) => resolve(envelope as Envelope<Loose>));
      this.#post({ kind: 'call', id, name, payload });
    });
  }

  /** The value of a call that must go well. */
  async must<Value = Loose>(name: string, payload: unknown = {}): Promise<Value> {
    const envelope = await this.call(name, payload);
    if (!envelope.ok) throw new Error(`${name}: ${JSON.stringify(envelope.error)}`);
    return envelope.value as Value;
  }

  /** Watches a state for good; `current` is its newest value. */
  watch<Value>(name: string): { current(): Value | undefined } {
    let value: unknown;
    const id = this.#next++;
    this.#open.set(id, ({ message }) => (value = message.value));
    this.#post({ kind: 'open', id, name, payload: {} });
    return { current: () => value as Value | undefined };
  }

  /** Opens a stream, sends `ups`, and gives its items when it has ended. */
  stream(name: string, payload: unknown, ups: unknown[] = []): Promise<unknown[]> {
    const id = this.#next++;
    const items: unknown[] = [];
    return new Promise((resolve) => {
      this.#open.set(id, ({ message }) => {
        if (message.kind === 'item') {
          items.push(message.item);
          this.#post({ kind: 'credit', id, items: 1 });
        } else resolve(items);
      });
      this.#post({ kind: 'open', id, name, payload });
      for (const item of ups) this.#post({ kind: 'up', id, item });
    });
  }

  /** Starts a task, hears its progress and its log, and gives its record at the end. */
  async run(name: string, payload: unknown): Promise<{ status: string; result?: unknown; error?: unknown }> {
    const { id } = await this.must<{ id: string }>(name, payload);
    await Promise.all([this.stream('tasks.watch', { id }), this.stream('tasks.log', { id })]);
    const { task } = await this.must<{ task: { status: string } }>('tasks.get', { id });
    return task;
  }
}

/** Opens the printed address as a browser does, and the contract behind it. */
export async function openSocketPage(url: string): Promise<{ page: Page; close: () => void }> {
  const first = await fetch(url, { redirect: 'manual' });
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  const { origin, host } = new URL(url);
  const socket = new WebSocket(`ws://${host}/contract`, { headers: { cookie, origin } });
  const page = new Page((message) => socket.send(JSON.stringify(message)));
  socket.on('message', (data) => page.receive((data as Buffer).toString('utf8')));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return { page, close: () => socket.close() };
}

/** A page over a message port, as the desktop app serves it. */
export function openPortPage(core: Core): { page: Page; wire: Wire; close: () => void } {
  const { port1: ours, port2: theirs } = new MessageChannel();
  const client = core.clientFor({ name: 'window', placeOf: (given) => core.places.pathOf(given) });
  const wire = createWire(client, (message) => ours.postMessage(message));
  ours.on('message', (message) => wire.receive(message));
  const page = new Page((message) => theirs.postMessage(message));
  theirs.on('message', (message) => page.receive(message));
  return {
    page,
    wire,
    close: () => {
      wire.close();
      ours.close();
    },
  };
}
