import { stripVTControlCharacters } from 'node:util';

/** Without colours, cursor movements and any other control or invisible character. Keeps to one line per line. */
export function withoutControls(line: string): string {
  return stripVTControlCharacters(line).replace(/[\p{Cc}\p{Cf}]/gu, '');
}

/**
 * Text from another machine, made harmless for a terminal and a log: one line, no control or invisible characters, at
 * most `limit` characters, no full stop at its end (it goes into sentences of ours).
 */
export function printable(text: string, limit = 500): string {
  return withoutControls(text.trim().replace(/\s*\r?\n\s*/g, '; '))
    .trim()
    .slice(0, limit)
    .replace(/\.$/, '');
}
