/** "Did you mean …?" for misspelt keys, names and class paths. */

const plainForm = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Edits (insert, delete, replace, swap of neighbours) from one text to the other; stops counting above `limit`. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const cost = left[i - 1] === right[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[right.length] ?? limit + 1;
}

/**
 * The known word that was most likely meant, or undefined when none is near. Case, blanks, hyphens and underscores
 * do not count as differences; one edit is allowed for short words, two from six letters, three from twelve.
 */
export function nearest(written: string, known: Iterable<string>): string | undefined {
  const word = plainForm(written);
  if (word === '') return undefined;
  const limit = word.length < 6 ? 1 : word.length < 12 ? 2 : 3;
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    const distance = editDistance(word, plainForm(candidate), limit);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
