import type { Change, Envelope } from '../../src-main/contract/kernel.ts';

/** What main tells on an open channel: items of a stream, snapshots of a state, and the end. */
export type ChannelMessage =
  | { kind: 'item'; item: unknown }
  | { kind: 'snapshot'; version: number; value: unknown; first: boolean }
  | { kind: 'changes'; version: number; since: number; changes: Change[] }
  | { kind: 'end'; result: Envelope<unknown> };

/** One open stream or state. */
export interface Channel {
  /** Sends an item up (a stream that takes them). */
  send(item: unknown): void;
  /** Tells main that so many items were consumed; main stalls a stream that nobody reads. */
  credit(items: number): void;
  close(): void;
}

/** A question of main that a person must answer. */
export interface PromptMessage {
  id: string;
  name: string;
  question: unknown;
  /** Milliseconds since the epoch; no answer by then means no. */
  deadline: number;
}

export type CarrierState = 'connecting' | 'open' | 'lost';

/** The three ways to main (Electron preload, web socket, memory) look the same from here. */
export interface Carrier {
  call(name: string, payload: unknown): Promise<Envelope<unknown>>;
  open(name: string, payload: unknown, onMessage: (message: ChannelMessage) => void): Channel;
  onPrompt(listener: (prompt: PromptMessage) => void, onWithdrawn: (id: string) => void): () => void;
  answer(id: string, value: unknown): void;
  state(): CarrierState;
  onState(listener: (state: CarrierState) => void): () => void;
}
