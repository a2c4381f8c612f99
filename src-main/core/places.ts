/** Swaps what a caller sent where an input names a place for the path behind it. */
import { DeskError } from '../contract/errors.ts';
import type { Caller } from '../ports.ts';

export function resolvePlaces(input: unknown, places: readonly string[], caller: Caller): unknown {
  if (typeof input !== 'object' || input === null || places.length === 0) return input;
  const resolve = (given: string, field: string): string => {
    const path = caller.placeOf(given);
    if (path !== undefined) return path;
    throw new DeskError('denied', `${caller.name} may not choose the path in "${field}".`, {
      hint: 'Choose the file or folder in a dialog.',
    });
  };
  const record = { ...(input as Record<string, unknown>) };
  for (const field of places) {
    const given = record[field];
    if (typeof given === 'string') record[field] = resolve(given, field);
    else if (Array.isArray(given)) record[field] = given.map((item) => resolve(String(item), field));
  }
  return record;
}
