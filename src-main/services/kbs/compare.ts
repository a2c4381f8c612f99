import { diff3Merge, diffPatch } from 'node-diff3';

export interface DiffLine {
  /** `same` lines are context. */
  kind: 'same' | 'added' | 'removed';
  text: string;
}

/** Lines of `before` and `after` beside each other, in order; everything, not only the changed ones. */
function compareTexts(before: string, after: string): DiffLine[] {
  const [old, next] = [before.split('\n'), after.split('\n')];
  const lines: DiffLine[] = [];
  let at = 0;
  for (const { buffer1, buffer2 } of diffPatch(old, next)) {
    for (; at < buffer1.offset; at++) lines.push({ kind: 'same', text: old[at] ?? '' });
    for (const text of buffer1.chunk) lines.push({ kind: 'removed', text });
    for (const text of buffer2.chunk) lines.push({ kind: 'added', text });
    at += buffer1.length;
  }
  for (; at < old.length; at++) lines.push({ kind: 'same', text: old[at] ?? '' });
  return lines;
}

export interface ThreeWay {
  /** True when both sides changed the same lines. */
  conflict: boolean;
  /** Both changes together; missing with a conflict. */
  merged?: string;
  /** What each side did to the base. */
  ours: DiffLine[];
  theirs: DiffLine[];
}

/** Two changes of one text: ours and theirs against the base, and both together where they do not meet. */
export function compareThree(base: string, ours: string, theirs: string): ThreeWay {
  const regions = diff3Merge(ours.split('\n'), base.split('\n'), theirs.split('\n'), {
    excludeFalseConflicts: true,
  });
  const conflict = regions.some((region) => region.conflict !== undefined);
  return {
    conflict,
    ...(conflict ? {} : { merged: regions.flatMap((region) => region.ok ?? []).join('\n') }),
    ours: compareTexts(base, ours),
    theirs: compareTexts(base, theirs),
  };
}
