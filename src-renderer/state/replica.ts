import { create, type StoreApi, type UseBoundStore } from 'zustand';
import type { States, StateValue } from '../../src-main/contract/index.ts';
import type { Client } from '../bridge/client.ts';
import { share } from './share.ts';

export interface Replica<Value> {
  /** Undefined until main's first snapshot arrived: show a skeleton, not an empty list. */
  value: Value | undefined;
}

export interface ReplicaStore<Value> {
  use: UseBoundStore<StoreApi<Replica<Value>>>;
  follow(client: Client): () => void;
}

/** One zustand store for one state of main. The renderer never writes it. */
export function createReplica<Name extends keyof States>(name: Name): ReplicaStore<StateValue<Name>> {
  const use = create<Replica<StateValue<Name>>>(() => ({ value: undefined }));
  return {
    use,
    follow: (client) =>
      client.watch(name, (next) => {
        const value = share(use.getState().value, next);
        use.setState({ value });
        return value;
      }),
  };
}
