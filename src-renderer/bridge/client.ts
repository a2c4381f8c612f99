import type {
  CallDeclaration,
  Envelope,
  InputOf,
  OutputOf,
  StateDeclaration,
  StreamDeclaration,
} from '../../src-main/contract/kernel.ts';
import type { z } from 'zod';
import type { Carrier, CarrierState, ChannelMessage, PromptMessage } from './carrier.ts';

export interface StreamHandlers<Item> {
  onItem(item: Item): void;
  onEnd(result: Envelope<unknown>): void;
}

export interface OpenStream<Up> {
  send(item: Up): void;
  /** Credit goes back to main when an item was really consumed (drawn). */
  credit(items: number): void;
  close(): void;
}

/** The typed client of the contract: what features use, whatever carries it. */
export interface Client {
  call<D extends CallDeclaration>(declaration: D, input: InputOf<D>): Promise<Envelope<OutputOf<D>>>;
  open<D extends StreamDeclaration>(
    declaration: D,
    input: z.input<D['input']>,
    handlers: StreamHandlers<z.output<D['item']>>,
  ): OpenStream<z.input<D['up']>>;
  watch<D extends StateDeclaration>(declaration: D, onValue: (value: z.output<D['value']>) => void): () => void;
  onPrompt(listener: (prompt: PromptMessage) => void, onWithdrawn: (id: string) => void): () => void;
  answer(id: string, value: unknown): void;
  connection(): CarrierState;
  onConnection(listener: (state: CarrierState) => void): () => void;
}

export function createClient(carrier: Carrier): Client {
  return {
    call: (declaration, input) =>
      carrier.call(declaration.name, input) as Promise<Envelope<OutputOf<typeof declaration>>>,
    open: (declaration, input, handlers) =>
      carrier.open(declaration.name, input, (message: ChannelMessage) => {
        if (message.kind === 'item') handlers.onItem(message.item as z.output<(typeof declaration)['item']>);
        if (message.kind === 'end') handlers.onEnd(message.result);
      }),
    watch: (declaration, onValue) => {
      // A replica: main sends whole snapshots with rising versions; an older one that arrives late is dropped.
      let version = -1;
      const channel = carrier.open(declaration.name, {}, (message) => {
        if (message.kind !== 'snapshot' || message.version <= version) return;
        version = message.version;
        onValue(message.value as z.output<(typeof declaration)['value']>);
      });
      return () => channel.close();
    },
    onPrompt: (listener, onWithdrawn) => carrier.onPrompt(listener, onWithdrawn),
    answer: (id, value) => carrier.answer(id, value),
    connection: () => carrier.state(),
    onConnection: (listener) => carrier.onState(listener),
  };
}
