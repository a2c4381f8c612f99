/**
 * Does the work for all items at once. The first failure aborts the rest and is thrown when everything has come to
 * rest, so that nothing still writes while the caller cleans up.
 */
export async function allOrNone<Item, Result>(
  items: readonly Item[],
  outer: AbortSignal | undefined,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const abort = new AbortController();
  const signal = outer === undefined ? abort.signal : AbortSignal.any([outer, abort.signal]);
  const errors: unknown[] = [];
  const results = await Promise.all(
    items.map(async (item): Promise<Result[]> => {
      try {
        return [await work(item, signal)];
      } catch (error) {
        errors.push(error);
        abort.abort();
        return [];
      }
    }),
  );
  if (errors.length > 0) throw errors[0];
  return results.flat();
}
