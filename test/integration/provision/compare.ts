import { isDeepStrictEqual } from 'node:util';
import type { Snapshot } from './snapshot.ts';

/** One thing that differs. `at` = where inside the file, as a path of keys; empty = the whole. */
export interface Difference {
  path: string;
  what: 'only in the reference' | 'only in ours' | 'mode' | 'content';
  at: string;
  reference: unknown;
  ours: unknown;
}

/** Every difference between two provisioned projects, each as deep inside a file as it can be told. */
export function compare(reference: Snapshot, ours: Snapshot): Difference[] {
  const differences: Difference[] = [];
  for (const path of new Set([...reference.keys(), ...ours.keys()])) {
    const theirs = reference.get(path);
    const own = ours.get(path);
    if (!theirs)
      differences.push({ path, what: 'only in ours', at: '', reference: undefined, ours: own?.mode });
    else if (!own)
      differences.push({
        path,
        what: 'only in the reference',
        at: '',
        reference: theirs.mode,
        ours: undefined,
      });
    else {
      if (theirs.mode !== own.mode) {
        differences.push({ path, what: 'mode', at: '', reference: theirs.mode, ours: own.mode });
      }
      for (const difference of differ(theirs.shape, own.shape, '')) {
        differences.push({ path, what: 'content', ...difference });
      }
    }
  }
  return differences;
}

type Inner = Pick<Difference, 'at' | 'reference' | 'ours'>;

function differ(reference: unknown, ours: unknown, at: string): Inner[] {
  if (isDeepStrictEqual(reference, ours)) return [];
  if (!isBranch(reference) || !isBranch(ours) || Array.isArray(reference) !== Array.isArray(ours)) {
    return [{ at, reference, ours }];
  }
  const keys = new Set([...Object.keys(reference), ...Object.keys(ours)]);
  const inner = [...keys].flatMap((key) =>
    differ(reference[key], ours[key], at === '' ? key : `${at}.${key}`),
  );
  // Equal members in another order count in the state only, where they are a list.
  return inner;
}

function isBranch(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
