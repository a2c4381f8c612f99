import type { Change } from '../../src-main/contract/kernel.ts';

/** The value with the changes made. What did not change stays the same object. Throws for a change that does not fit. */
export const withChanges = (value: unknown, changes: readonly Change[]): unknown =>
  changes.reduce((made, [path, now]) => placed(made, path, now), value);

function placed(value: unknown, [key, ...rest]: readonly (string | number)[], now: unknown): unknown {
  if (key === undefined) return now;
  if (Array.isArray(value) && typeof key === 'number' && key < value.length)
    return value.with(key, placed(value[key], rest, now));
  if (typeof value !== 'object' || value === null || Array.isArray(value) || typeof key !== 'string')
    throw new Error(`No place for a change at ${key}.`);
  const before = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  // A computed key: one called __proto__ is a key like any other.
  return { ...value, [key]: placed(before, rest, now) };
}
