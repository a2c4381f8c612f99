/**
 * Text from another machine, made harmless for a terminal and a log: one line, no control or invisible characters, at
 * most `limit` characters, no full stop at its end (it goes into sentences of ours).
 */
export function printable(text: string, limit = 500): string {
  return text
    .replace(/\s*\r?\n\s*/g, '; ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim()
    .slice(0, limit)
    .replace(/\.$/, '');
}
