/**
 * The only bridge between a page and main: five functions, plain values. Runs sandboxed; imports names and types only, for
 * parsing belongs to main. Everything flows over one message port that main gave to this very frame.
 */
import { contextBridge, ipcRenderer } from 'electron';
import { callNames, promptNames, stateNames, streamNames, taskNames } from '../contract/names.ts';

const known = new Set<string>([...callNames, ...taskNames, ...streamNames, ...stateNames]);
const prompts = new Set<string>(promptNames);

type Listener = (message: unknown) => void;

/** The page's own message port, which the types of Node know under other names. */
interface PagePort {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
}

const channel = new MessageChannel();
const port = channel.port1 as unknown as PagePort;
const answers = new Map<number, (envelope: unknown) => void>();
const open = new Map<number, Listener>();
const askers = new Set<{ ask: Listener; withdrawn: Listener }>();
const refusal = {
  ok: false,
  error: { code: 'denied', message: 'Main does not serve this page.', retryable: false },
};
let refused = false;
let next = 1;

/** Main serves the one page of its window: whatever another page waits for has come to its end. */
function refuse(): void {
  refused = true;
  for (const answer of answers.values()) answer(refusal);
  for (const listener of open.values()) listener({ kind: 'end', result: refusal });
  answers.clear();
  open.clear();
}

port.onmessage = (event) => {
  const message = event.data as { kind: string; id?: unknown; [key: string]: unknown };
  if (message.kind === 'answer') {
    answers.get(message.id as number)?.(message.envelope);
    answers.delete(message.id as number);
  } else if (message.kind === 'channel') {
    open.get(message.id as number)?.(message.message);
    if ((message.message as { kind?: string }).kind === 'end') open.delete(message.id as number);
  } else if (message.kind === 'prompt') {
    for (const asker of askers) asker.ask(message.prompt);
  } else if (message.kind === 'withdrawn') {
    for (const asker of askers) asker.withdrawn(message.id);
  } else if (message.kind === 'refused') {
    refuse();
  }
};
ipcRenderer.postMessage('desk:connect', null, [channel.port2]);

const check = (name: unknown): void => {
  if (typeof name !== 'string' || !known.has(name)) throw new Error('There is no such name in the contract.');
};

contextBridge.exposeInMainWorld('desk', {
  call(name: string, payload: unknown): Promise<unknown> {
    check(name);
    if (refused) return Promise.resolve(refusal);
    const id = next++;
    return new Promise((resolve) => {
      answers.set(id, resolve);
      port.postMessage({ kind: 'call', id, name, payload });
    });
  },
  open(name: string, payload: unknown, onMessage: Listener) {
    check(name);
    const id = next++;
    open.set(id, onMessage);
    if (refused) refuse();
    else port.postMessage({ kind: 'open', id, name, payload });
    return {
      send: (item: unknown): void => port.postMessage({ kind: 'up', id, item }),
      credit: (items: number): void => port.postMessage({ kind: 'credit', id, items }),
      close(): void {
        if (open.delete(id)) port.postMessage({ kind: 'close', id });
      },
    };
  },
  /** Withdraws an open prompt's dialog as answered with nothing: main takes that as a no. */
  cancel(id: string): void {
    port.postMessage({ kind: 'prompt-answer', id, value: null });
  },
  onPrompt(ask: Listener, withdrawn: Listener): () => void {
    const asker = {
      ask: (prompt: unknown) => {
        if (prompts.has((prompt as { name: string }).name)) ask(prompt);
      },
      withdrawn,
    };
    askers.add(asker);
    return () => void askers.delete(asker);
  },
  answer(id: string, value: unknown): void {
    port.postMessage({ kind: 'prompt-answer', id, value });
  },
});
