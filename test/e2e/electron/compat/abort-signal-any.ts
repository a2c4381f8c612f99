/** `AbortSignal.any`, which neither Node 16 nor Chromium 108 has. */
type Any = (signals: Iterable<AbortSignal>) => AbortSignal;
const target = AbortSignal as unknown as { any?: Any };

target.any ??= (signals) => {
  const controller = new AbortController();
  for (const signal of signals) {
    const abort = (): void => {
      if (!controller.signal.aborted) controller.abort(signal.reason);
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }
  return controller.signal;
};
