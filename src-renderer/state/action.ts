import { useCallback, useRef, useState } from 'react';
import type { ErrorAnswer } from '../../src-main/contract/errors.ts';
import type { Envelope } from '../../src-main/contract/kernel.ts';

export interface Action<Input, Value> {
  status: 'idle' | 'running' | 'done' | 'failed';
  value?: Value;
  error?: ErrorAnswer;
  run(input: Input): Promise<Envelope<Value>>;
  reset(): void;
}

/** One act of a person as data: idle, running, done or failed. A late answer of a superseded run is dropped. */
export function useAction<Input, Value>(
  act: (input: Input) => Promise<Envelope<Value>>,
): Action<Input, Value> {
  const [state, setState] = useState<Pick<Action<Input, Value>, 'status' | 'value' | 'error'>>({
    status: 'idle',
  });
  const generation = useRef(0);
  const latest = useRef(act);
  latest.current = act;
  const run = useCallback(async (input: Input) => {
    const mine = ++generation.current;
    setState({ status: 'running' });
    const result = await latest.current(input);
    if (mine === generation.current) {
      setState(
        result.ok ? { status: 'done', value: result.value } : { status: 'failed', error: result.error },
      );
    }
    return result;
  }, []);
  const reset = useCallback(() => {
    generation.current++;
    setState({ status: 'idle' });
  }, []);
  return { ...state, run, reset };
}
