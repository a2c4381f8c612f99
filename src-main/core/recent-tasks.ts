/** The replicated state `tasks.recent`: the newest tasks, told again a moment after each change. */
import type { StateValue } from '../contract/index.ts';
import type { CoreParts } from './context.ts';
import { toContractTask } from './tasks.ts';

type Listener = (snapshot: { version: number; value: StateValue<'tasks.recent'> }) => void;

const shown = 100;
/** Changes that come close together are told once: four times a second is as often as a person sees. */
const settleMs = 250;

export function createRecentTasks(core: Pick<CoreParts, 'tasks' | 'logger'>): {
  subscribe(listener: Listener): () => void;
} {
  const listeners = new Set<Listener>();
  let version = 0;
  let stopWatching: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  const snapshot = async (): Promise<StateValue<'tasks.recent'>> => {
    const runner = await core.tasks();
    const records = await runner.list(shown, { results: false });
    return {
      tasks: records.map((record) => toContractTask(record, runner)),
    };
  };
  const tell = async (to: Iterable<Listener>): Promise<void> => {
    try {
      const value = await snapshot();
      version += 1;
      for (const listener of to) listener({ version, value });
    } catch (error) {
      core.logger.error('The list of tasks could not be told.', { error });
    }
  };
  const soon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void tell(listeners);
    }, settleMs).unref();
  };

  return {
    subscribe(listener) {
      listeners.add(listener);
      void (async () => {
        const runner = await core.tasks();
        if (listeners.size > 0)
          stopWatching ??= runner.watch(undefined, (event) => event.kind === 'task' && soon());
        await tell([listener]);
      })().catch((error: unknown) => core.logger.error('The list of tasks could not be told.', { error }));
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stopWatching?.();
        stopWatching = undefined;
      };
    },
  };
}
