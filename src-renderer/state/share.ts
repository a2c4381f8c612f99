/**
 * The new snapshot, with every part that says the same as before replaced by the part of before: what did not change keeps
 * its identity, and what is drawn from it is not drawn again. Values are plain JSON.
 */
export function share<Value>(before: unknown, next: Value): Value {
  if (Object.is(before, next)) return next;
  if (typeof before !== 'object' || typeof next !== 'object' || before === null || next === null) return next;
  if (Array.isArray(next)) return Array.isArray(before) ? (shareList(before, next) as Value) : next;
  if (Array.isArray(before)) return next;
  return shareRecord(before as Record<string, unknown>, next as Record<string, unknown>) as Value;
}

function shareList(before: readonly unknown[], next: unknown[]): unknown[] {
  const shared = next.map((item, index) => share(before[index], item));
  const same =
    before.length === shared.length && shared.every((item, index) => Object.is(item, before[index]));
  return same ? (before as unknown[]) : shared;
}

function shareRecord(
  before: Record<string, unknown>,
  next: Record<string, unknown>,
): Record<string, unknown> {
  const entries = Object.entries(next).map(([key, value]): [string, unknown] => [
    key,
    Object.hasOwn(before, key) ? share(before[key], value) : value,
  ]);
  const same =
    entries.length === Object.keys(before).length &&
    entries.every(([key, value]) => Object.hasOwn(before, key) && Object.is(value, before[key]));
  // Not by assignment: a key called __proto__ is a key like any other.
  return same ? before : Object.fromEntries(entries);
}
