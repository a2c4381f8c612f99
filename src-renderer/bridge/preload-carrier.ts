import type { Envelope } from '../../src-main/contract/kernel.ts';
import type { Carrier, ChannelMessage, PromptMessage } from './carrier.ts';

/** The five functions the preload exposes; plain values only. */
export interface DeskApi {
  call(name: string, payload: unknown): Promise<Envelope<unknown>>;
  open(
    name: string,
    payload: unknown,
    onMessage: (message: ChannelMessage) => void,
  ): { send(item: unknown): void; credit(items: number): void; close(): void };
  cancel(id: string): void;
  onPrompt(ask: (prompt: PromptMessage) => void, withdrawn: (id: string) => void): () => void;
  answer(id: string, value: unknown): void;
}

/** Carries the contract over the preload of the desktop app. */
export function createPreloadCarrier(api: DeskApi): Carrier {
  return {
    call: (name, payload) => api.call(name, payload),
    open: (name, payload, onMessage) => api.open(name, payload, onMessage),
    onPrompt: (ask, withdrawn) => api.onPrompt(ask, withdrawn),
    answer: (id, value) => api.answer(id, value),
    state: () => 'open',
    onState: () => () => undefined,
  };
}
