import { useCallback, useEffect, useRef, useState } from 'react';
import type { ErrorAnswer } from '../../src-main/contract/errors.ts';
import type { StateValue, TaskInput, TaskOutput, Tasks } from '../../src-main/contract/index.ts';
import type { Envelope } from '../../src-main/contract/kernel.ts';
import { useClient } from '../bridge/provider.tsx';

type Progress = NonNullable<StateValue<'tasks.recent'>['tasks'][number]['progress']>;

interface TaskState<Value> {
  status: 'idle' | 'running' | 'done' | 'failed' | 'cancelled';
  /** The step it is at. */
  step?: string;
  progress?: Progress;
  value?: Value;
  error?: ErrorAnswer;
}

export interface FollowedTask<Input, Value> extends TaskState<Value> {
  /** Starts it and follows it to its end. A page that is left stops following; the task goes on. */
  run(input: Input): Promise<Envelope<Value>>;
  cancel(): void;
  reset(): void;
}

/** One task of main as data, from its start to its result. */
export function useTask<Name extends keyof Tasks>(
  name: Name,
): FollowedTask<TaskInput<Name>, TaskOutput<Name>> {
  type Value = TaskOutput<Name>;
  const client = useClient();
  const [state, setState] = useState<TaskState<Value>>({ status: 'idle' });
  const generation = useRef(0);
  const current = useRef<{ id: string; close(): void }>(undefined);
  const leave = useCallback(() => {
    generation.current++;
    current.current?.close();
    current.current = undefined;
  }, []);
  useEffect(() => leave, [leave]);

  const run = useCallback(
    async (input: TaskInput<Name>): Promise<Envelope<Value>> => {
      leave();
      const mine = generation.current;
      const tell = (next: TaskState<Value>): void => {
        if (mine === generation.current) setState(next);
      };
      tell({ status: 'running' });
      const started = await client.start(name, input);
      if (!started.ok) {
        tell({ status: 'failed', error: started.error });
        return started;
      }
      const { id } = started.value;
      return new Promise((resolve) => {
        let end: Envelope<Value> = lost;
        const stream = client.open(
          'tasks.watch',
          { id },
          {
            onItem: (item) => {
              if (item.kind === 'progress') {
                const { progress } = item;
                return tell({ status: 'running', step: progress.step, progress });
              }
              if (item.task.id !== id) return;
              const { steps, progress, result, error } = item.task;
              if (error) end = { ok: false, error };
              else if (result !== undefined) end = { ok: true, value: result as Value };
              else {
                const step = progress?.step ?? steps.find((one) => one.state === 'running')?.name;
                tell({
                  status: 'running',
                  ...(step === undefined ? {} : { step }),
                  ...(progress ? { progress } : {}),
                });
              }
            },
            onEnd: () => {
              if (end.ok) tell({ status: 'done', value: end.value });
              else if (end.error.code === 'cancelled') tell({ status: 'cancelled' });
              else tell({ status: 'failed', error: end.error });
              resolve(end);
            },
          },
        );
        if (mine === generation.current) current.current = { id, close: () => stream.close() };
        else stream.close();
      });
    },
    [client, leave, name],
  );
  const cancel = useCallback(() => {
    const id = current.current?.id;
    if (id !== undefined) void client.call('tasks.cancel', { id });
  }, [client]);
  const reset = useCallback(() => {
    leave();
    setState({ status: 'idle' });
  }, [leave]);
  return { ...state, run, cancel, reset };
}

const lost: Envelope<never> = {
  ok: false,
  error: { code: 'interrupted', message: 'The end of the task is not known.', retryable: true },
};
