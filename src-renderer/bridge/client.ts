import type {
  CallInput,
  CallOutput,
  Calls,
  PromptAnswer,
  PromptQuestion,
  Prompts,
  States,
  StateValue,
  StreamInput,
  StreamItem,
  Streams,
  StreamUp,
  TaskInput,
  Tasks,
} from '../../src-main/contract/index.ts';
import type { Envelope } from '../../src-main/contract/kernel.ts';
import { withChanges } from './changes.ts';
import type { Carrier, CarrierState } from './carrier.ts';

export interface StreamHandlers<Item> {
  /** Answer a promise to hold the flow back until the item was really consumed (drawn). */
  onItem(item: Item): void | Promise<void>;
  onEnd(result: Envelope<unknown>): void;
}

export interface OpenStream<Up> {
  send(item: Up): void;
  close(): void;
}

/** A question of main, with its type known by its name. */
export type Prompt = {
  [Name in keyof Prompts]: { id: string; name: Name; question: PromptQuestion<Name>; deadline: number };
}[keyof Prompts];

/** The typed client of the contract: what features use, whatever carries it. */
export interface Client {
  call<Name extends keyof Calls>(name: Name, input: CallInput<Name>): Promise<Envelope<CallOutput<Name>>>;
  /** Starts long work; the answer is the task's id. */
  start<Name extends keyof Tasks>(name: Name, input: TaskInput<Name>): Promise<Envelope<{ id: string }>>;
  open<Name extends keyof Streams>(
    name: Name,
    input: StreamInput<Name>,
    handlers: StreamHandlers<StreamItem<Name>>,
  ): OpenStream<StreamUp<Name>>;
  /** Follows a state of main: snapshots with rising versions, or what changed since the last one; one that arrives late is dropped. The first
   * after (re)connecting always counts: main may have started anew. Later changes are made to what `onValue` returns, an equal value. */
  watch<Name extends keyof States>(
    name: Name,
    onValue: (value: StateValue<Name>) => StateValue<Name>,
  ): () => void;
  onPrompt(listener: (prompt: Prompt) => void, onWithdrawn: (id: string) => void): () => void;
  answer<Name extends keyof Prompts>(id: string, value: PromptAnswer<Name>): void;
  connection(): CarrierState;
  onConnection(listener: (state: CarrierState) => void): () => void;
}

export function createClient(carrier: Carrier): Client {
  return {
    call: (name, input) => carrier.call(name, input) as Promise<Envelope<CallOutput<typeof name>>>,
    start: (name, input) => carrier.call(name, input) as Promise<Envelope<{ id: string }>>,
    open: (name, input, handlers) => {
      const channel = carrier.open(name, input, (message) => {
        if (message.kind === 'end') handlers.onEnd(message.result);
        if (message.kind !== 'item') return;
        const consumed = handlers.onItem(message.item as StreamItem<typeof name>);
        if (consumed) void consumed.then(() => channel.credit(1));
        else channel.credit(1);
      });
      return channel;
    },
    watch: (name, onValue) => {
      let version = -1;
      let held: unknown;
      const channel = carrier.open(name, {}, (message) => {
        let next: unknown;
        if (message.kind === 'changes') {
          // Of a snapshot that was dropped here: nothing newer is lost.
          if (message.since !== version) return;
          next = withChanges(held, message.changes);
        } else if (message.kind === 'snapshot' && (message.first || message.version > version)) {
          next = message.value;
        } else return;
        version = message.version;
        held = onValue(next as StateValue<typeof name>);
      });
      return () => channel.close();
    },
    onPrompt: (listener, onWithdrawn) =>
      carrier.onPrompt((prompt) => listener(prompt as Prompt), onWithdrawn),
    answer: (id, value) => carrier.answer(id, value),
    connection: () => carrier.state(),
    onConnection: (listener) => carrier.onState(listener),
  };
}
