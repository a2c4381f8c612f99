/** `AbortSignal.any`, which neither Node 16 nor Chromium 108 has. */
type Any = (signals: Iterable<AbortSignal>) => AbortSignal;
const target = AbortSignal as unknown as { any?: Any };

/** Who follows a signal: one listener per signal, however many follow, as the real one does without any. */
const followers = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>();

function followersOf(signal: AbortSignal): Set<(reason: unknown) => void> {
  const known = followers.get(signal);
  if (known) return known;
  const made = new Set<(reason: unknown) => void>();
  followers.set(signal, made);
  const tell = (): void => {
    for (const follow of made) follow(signal.reason);
  };
  signal.addEventListener('abort', tell, { once: true });
  return made;
}

target.any ??= (signals) => {
  const controller = new AbortController();
  const sources = [...signals];
  const follow = (reason: unknown): void => {
    for (const source of sources) followers.get(source)?.delete(follow);
    controller.abort(reason);
  };
  const aborted = sources.find((source) => source.aborted);
  if (aborted) controller.abort(aborted.reason);
  else for (const source of sources) followersOf(source).add(follow);
  return controller.signal;
};
