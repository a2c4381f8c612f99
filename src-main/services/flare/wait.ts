import { DeskError } from '../../contract/errors.ts';

export interface WaitLimits {
  ms: number;
  /** Makes the error when the time is up. */
  timeout: () => Error;
  signal?: AbortSignal | undefined;
}

/** The error every cancelled call ends with. */
export function cancelled(): DeskError {
  return new DeskError('cancelled', 'Cancelled.');
}

/** Waits for `work` until the time is up or the signal fires. Leaves no timer and no listener behind. */
export function within<Value>(work: Promise<Value>, { ms, timeout, signal }: WaitLimits): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      act();
    };
    const abort = (): void => finish(() => reject(cancelled()));
    const timer = setTimeout(() => finish(() => reject(timeout())), ms);
    signal?.addEventListener('abort', abort, { once: true });
    work.then(
      (value) => finish(() => resolve(value)),
      (error: unknown) => finish(() => reject(error instanceof Error ? error : new Error(String(error)))),
    );
    if (signal?.aborted) abort();
  });
}

/** A pause that ends early, with `cancelled`, when the signal fires. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(cancelled());
      return;
    }
    const abort = (): void => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
