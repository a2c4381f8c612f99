/** What differs between two values of a state, so that a large one need not be told whole each time. Pure; plain JSON. */
import type { Change } from '../contract/kernel.ts';
import { isRecord } from '../domain/record.ts';

/** More changes than this within a part: the part is told whole. */
const mostChanges = 500;

/**
 * The changes that make `before` into `next`, neither of which may change any more: parts that are the same object are not
 * looked into. Undefined when `next` has to be told whole: it is of fewer parts than `least`, or another kind of thing.
 */
export function changesBetween(before: unknown, next: unknown, least = 1000): Change[] | undefined {
  const changes: Change[] = [];
  const path: (string | number)[] = [];
  let parts = 0;

  /** False when it has to be replaced as a whole. */
  const compare = (old: unknown, now: unknown): boolean => {
    parts += 1;
    if (Object.is(old, now)) return true;
    if (Array.isArray(old)) {
      return (
        Array.isArray(now) && old.length === now.length && now.every((item, at) => take(at, old[at], item))
      );
    }
    if (!isRecord(old) || !isRecord(now)) return false;
    const isLost = (key: string): boolean =>
      old[key] !== undefined && (!Object.hasOwn(now, key) || now[key] === undefined);
    if (Object.keys(old).some(isLost)) return false;
    return Object.entries(now).every(([key, value]) =>
      take(key, Object.hasOwn(old, key) ? old[key] : undefined, value),
    );
  };
  /** Notes what changed in a part. False when that is too much. */
  const take = (key: string | number, old: unknown, now: unknown): boolean => {
    const known = changes.length;
    path.push(key);
    if (!compare(old, now)) {
      changes.length = known;
      changes.push([[...path], now]);
    }
    path.pop();
    return changes.length <= mostChanges;
  };

  return compare(before, next) && parts >= least ? changes : undefined;
}
