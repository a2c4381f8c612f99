/** One line of the console: which command it is, and its words (docs/reference/admin-protocol.md §7.1, §8). */
import type { CommandInfo } from '../services/flare/index.ts';

/** Splits as a shell does: quotes hold blanks together, a backslash takes the next character as it is. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let begun = false;
  let quote = '';
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index] ?? '';
    if (character === '\\' && quote !== "'" && index + 1 < line.length) {
      index += 1;
      word += line[index] ?? '';
      begun = true;
    } else if (quote) {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      begun = true;
    } else if (/\s/.test(character)) {
      if (begun) words.push(word);
      word = '';
      begun = false;
    } else {
      word += character;
      begun = true;
    }
  }
  if (begun) words.push(word);
  return words;
}

/** The command a line names, bare or with its scope; undefined when it is unknown or the name is ambiguous. */
export function commandOf(word: string, commands: readonly CommandInfo[]): CommandInfo | undefined {
  const found = commands.filter(({ scope, name }) => word === name || word === `${scope}.${name}`);
  return found.length === 1 ? found[0] : undefined;
}

/**
 * What follows `#` in an `app_command` is data for the application, not a part of the line (docs/reference/admin-protocol.md
 * §7.1 `cmd_props`). In every other command `#` is a character like others.
 */
export function appCommandOf(
  line: string,
  command: CommandInfo | undefined,
): { text: string; data?: string } {
  const at = command?.name === 'app_command' ? line.indexOf('#') : -1;
  if (at < 0) return { text: line };
  return { text: line.slice(0, at).trim(), data: line.slice(at + 1).trim() };
}
