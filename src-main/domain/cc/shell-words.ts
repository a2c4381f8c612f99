/**
 * A narrow reader of shell scripts: it never runs anything and understands plain commands, plain assignments,
 * variables, quotes and line continuation. What it does not understand it names, with the line, and leaves open
 * (docs/reference/confidential-computing.md §7.3).
 */

/** Text whose value is known, or the reason why it is not. */
export type Known = { text: string } | { unknown: string };

export interface ShellWord {
  value: Known;
  /** Whether any part was quoted: an unquoted empty result is no word at all. */
  quoted: boolean;
}

export interface ShellCommand {
  line: number;
  words: Known[];
  /** Files that output goes to or input comes from, as far as they are known. */
  redirections: Known[];
  /** Runs only when a condition holds: inside `if`, a loop, a function, after `&&` or `||`. */
  conditional: boolean;
}

export interface ShellProblem {
  line: number;
  message: string;
}

export interface ShellReading {
  commands: ShellCommand[];
  problems: ShellProblem[];
}

/** The script's own folder, as a path relative to it: what `$(dirname "$0")` stands for. */
const ownFolder = '.';
const ownFolderForms = new Set(
  [
    'dirname $0',
    'dirname "$0"',
    'dirname -- "$0"',
    'dirname "${BASH_SOURCE[0]}"',
    'dirname -- "${BASH_SOURCE[0]}"',
    'dirname "$(readlink -f "$0")"',
    'dirname "$(realpath "$0")"',
    'dirname "$(readlink -f "${BASH_SOURCE[0]}")"',
    'dirname "$(realpath "${BASH_SOURCE[0]}")"',
    'cd "$(dirname "$0")" && pwd',
    'cd "$(dirname "${BASH_SOURCE[0]}")" && pwd',
    'cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd',
    'cd "$(dirname "${BASH_SOURCE[0]}")" >/dev/null 2>&1 && pwd',
    'cd -- "$(dirname -- "${BASH_SOURCE[0]}")" &> /dev/null && pwd',
  ].map((form) => form.replaceAll(' ', '')),
);

const maxScriptLength = 1024 * 1024;
const maxValueLength = 64 * 1024;
const opening = new Set(['if', 'while', 'until', 'for', 'case', 'select', '{', '[[']);
const closing = new Set(['fi', 'done', 'esac', '}']);
const between = new Set(['then', 'else', 'elif', 'do']);
const assignment = /^([A-Za-z_][A-Za-z0-9_]*)(\+?)=/;

type Token =
  | { kind: 'word'; line: number; parts: Part[] }
  | { kind: 'operator'; line: number; text: string }
  | { kind: 'redirect'; line: number; text: string };

/** A piece of a word before variables are put in. */
type Part =
  | { kind: 'text'; text: string; quoted: boolean }
  | { kind: 'variable'; name: string; quoted: boolean }
  | { kind: 'unknown'; why: string };

class Unreadable extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

class Tokens {
  readonly #text: string;
  #at = 0;
  #line = 1;
  readonly tokens: Token[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): Token[] {
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] as string;
      if (char === ' ' || char === '\t') this.#at += 1;
      else if (this.#text.startsWith('\\\n', this.#at)) this.#skip(2);
      else if (char === '#') this.#comment();
      else if (char === '\n') {
        this.tokens.push({ kind: 'operator', line: this.#line, text: '\n' });
        this.#skip(1);
      } else if (';&|()'.includes(char) && !this.#text.startsWith('&>', this.#at)) this.#operator();
      else if ('<>'.includes(char) || this.#text.startsWith('&>', this.#at)) this.#redirect();
      else this.#word();
    }
    return this.tokens;
  }

  #skip(count: number): void {
    for (const char of this.#text.slice(this.#at, this.#at + count)) if (char === '\n') this.#line += 1;
    this.#at += count;
  }

  #comment(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #operator(): void {
    const two = this.#text.slice(this.#at, this.#at + 2);
    const text = ['&&', '||', ';;', '|&'].includes(two) ? two : (this.#text[this.#at] as string);
    this.tokens.push({ kind: 'operator', line: this.#line, text });
    this.#at += text.length;
  }

  #redirect(): void {
    const match = /^(?:&>>|&>|>>|>&|>\||<<<|<<-?|<&|<>|[<>])/.exec(this.#text.slice(this.#at, this.#at + 3));
    const text = match?.[0] ?? '>';
    if (text.startsWith('<<')) throw new Unreadable(this.#line, 'a here-document is not understood');
    if (this.#text[this.#at + text.length] === '(') {
      throw new Unreadable(this.#line, 'a process substitution is not understood');
    }
    const before = this.tokens.at(-1);
    if (before?.kind === 'word' && this.#touches(before)) this.tokens.pop();
    this.tokens.push({ kind: 'redirect', line: this.#line, text });
    this.#at += text.length;
  }

  /** `2>`: a number that touches the sign is part of it. */
  #touches(word: Token & { kind: 'word' }): boolean {
    const [part, ...others] = word.parts;
    return (
      others.length === 0 &&
      part?.kind === 'text' &&
      !part.quoted &&
      /^[0-9]$/.test(part.text) &&
      this.#text[this.#at - 1] === part.text
    );
  }

  #word(): void {
    const line = this.#line;
    const parts: Part[] = [];
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] as string;
      if (' \t\n;&|<>'.includes(char)) break;
      if (char === '(' || char === ')') {
        if (parts.length === 0 || char === ')') break;
        throw new Unreadable(this.#line, 'an array or a function is not understood');
      }
      if (this.#text.startsWith('\\\n', this.#at)) this.#skip(2);
      else if (char === '\\') this.#escaped(parts);
      else if (char === "'") this.#single(parts);
      else if (char === '"') this.#double(parts);
      else if (char === '$') parts.push(this.#dollar(false));
      else if (char === '`') throw new Unreadable(this.#line, 'backticks are not understood');
      else {
        this.#plain(parts, char);
      }
    }
    this.tokens.push({ kind: 'word', line, parts });
  }

  #plain(parts: Part[], char: string): void {
    const last = parts.at(-1);
    const test = parts.length === 0 ? /^\[\[?(?=[ \t])/.exec(this.#text.slice(this.#at, this.#at + 3)) : null;
    if (test) {
      parts.push({ kind: 'text', text: test[0], quoted: false });
      this.#at += test[0].length;
      return;
    }
    if ('*?['.includes(char))
      parts.push({ kind: 'unknown', why: `the file pattern "${char}" is not understood` });
    else if (
      char === '{' &&
      /^\{[^\s}]*(?:,|\.\.)[^\s}]*\}/.test(this.#text.slice(this.#at, this.#at + 200))
    ) {
      parts.push({ kind: 'unknown', why: 'a list in braces is not understood' });
    } else if (char === '~' && (last === undefined || (last.kind === 'text' && /[:=]$/.test(last.text)))) {
      parts.push({ kind: 'unknown', why: 'a home folder "~" is not understood' });
    } else if (last?.kind === 'text' && !last.quoted) last.text += char;
    else parts.push({ kind: 'text', text: char, quoted: false });
    this.#at += 1;
  }

  #escaped(parts: Part[]): void {
    const next = this.#text[this.#at + 1];
    if (next === undefined) throw new Unreadable(this.#line, 'the script ends in a backslash');
    parts.push({ kind: 'text', text: next, quoted: true });
    this.#skip(2);
  }

  #single(parts: Part[]): void {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw new Unreadable(this.#line, 'a quote is not closed');
    parts.push({ kind: 'text', text: this.#text.slice(this.#at + 1, end), quoted: true });
    this.#skip(end + 1 - this.#at);
  }

  #double(parts: Part[]): void {
    const line = this.#line;
    this.#at += 1;
    let text = '';
    const flush = (): void => {
      parts.push({ kind: 'text', text, quoted: true });
      text = '';
    };
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new Unreadable(line, 'a quote is not closed');
      if (char === '"') break;
      if (char === '`') throw new Unreadable(this.#line, 'backticks are not understood');
      if (char === '\\' && '$`"\\\n'.includes(this.#text[this.#at + 1] ?? 'x')) {
        if (this.#text[this.#at + 1] !== '\n') text += this.#text[this.#at + 1];
        this.#skip(2);
      } else if (char === '$') {
        flush();
        parts.push(this.#dollar(true));
      } else {
        text += char;
        this.#skip(1);
      }
    }
    this.#at += 1;
    flush();
  }

  #dollar(quoted: boolean): Part {
    const rest = this.#text.slice(this.#at, this.#at + 4096);
    const plain = /^\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/.exec(rest);
    if (plain) {
      this.#at += plain[0].length;
      return { kind: 'variable', name: plain[1] ?? (plain[2] as string), quoted };
    }
    if (rest.startsWith('$(')) return this.#substitution();
    if (rest.startsWith('${')) return this.#expansion(rest);
    const special = /^\$([0-9@*#?$!-])/.exec(rest);
    if (special) {
      this.#at += special[0].length;
      return { kind: 'unknown', why: `"${special[0]}" is only known when the script runs` };
    }
    if (/^\$["']/.test(rest))
      throw new Unreadable(this.#line, `${rest.slice(0, 2)} quoting is not understood`);
    this.#at += 1;
    return { kind: 'text', text: '$', quoted: true };
  }

  #substitution(): Part {
    const line = this.#line;
    let depth = 0;
    let end = this.#at + 1;
    let quote = '';
    for (; end < this.#text.length; end += 1) {
      const char = this.#text[end] as string;
      if (char === '\\') end += 1;
      else if (quote === "'") quote = char === "'" ? '' : quote;
      else if (char === "'" && quote === '') quote = "'";
      else if (char === '(') depth += 1;
      else if (char === ')' && --depth === 0) break;
    }
    if (end >= this.#text.length) throw new Unreadable(line, 'a bracket is not closed');
    const inside = this.#text.slice(this.#at + 2, end);
    this.#skip(end + 1 - this.#at);
    if (ownFolderForms.has(inside.replaceAll(/\s/g, '')))
      return { kind: 'text', text: ownFolder, quoted: true };
    return {
      kind: 'unknown',
      why: `the output of "${shortened(inside)}" is only known when the script runs`,
    };
  }

  #expansion(rest: string): Part {
    const end = rest.indexOf('}');
    if (end < 0) throw new Unreadable(this.#line, 'a brace is not closed');
    const inside = rest.slice(0, end + 1);
    if (/["'`$(\n]/.test(inside.slice(2)))
      throw new Unreadable(this.#line, `"${shortened(inside)}" is not understood`);
    this.#at += inside.length;
    return { kind: 'unknown', why: `"${shortened(inside)}" is not understood` };
  }
}

const shortened = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
};

/** Variables and how deep in conditions the reading is. */
class Reader {
  readonly #variables = new Map<string, Known>();
  readonly commands: ShellCommand[] = [];
  readonly problems: ShellProblem[] = [];
  #depth = 0;

  read(tokens: readonly Token[]): void {
    let current: Token[] = [];
    let afterCondition = false;
    const ended = (operator: string): void => {
      if (current.length > 0) this.#command(current, afterCondition, operator);
      current = [];
      afterCondition = operator === '&&' || operator === '||';
    };
    for (const token of tokens) {
      if (token.kind !== 'operator') current.push(token);
      else if (token.text === '(' || token.text === ')') {
        throw new Unreadable(token.line, 'a function or subshell is not understood');
      } else ended(token.text);
    }
    ended('\n');
  }

  #command(tokens: Token[], afterCondition: boolean, operator: string): void {
    const rest = this.#structure(tokens);
    const first = rest[0];
    if (!first) return;
    const { line } = first;
    const conditional = afterCondition || this.#depth > 0;
    const words: Token[] = [];
    const redirections: Known[] = [];
    for (let index = 0; index < rest.length; index += 1) {
      const token = rest[index] as Token;
      if (token.kind !== 'redirect') words.push(token);
      else {
        const target = rest[(index += 1)];
        if (target?.kind !== 'word')
          throw new Unreadable(token.line, 'a redirection without a file is not understood');
        redirections.push(this.#joined(target.parts));
      }
    }
    // In a pipe or in the background an assignment does not reach the script itself.
    const lost = operator === '|' || operator === '|&' || operator === '&';
    let index = 0;
    const assigned: [name: string, value: Known][] = [];
    for (; index < words.length; index += 1) {
      const pair = this.#assignment(words[index] as Token & { kind: 'word' }, conditional || lost);
      if (!pair) break;
      assigned.push(pair);
    }
    if (index === words.length) for (const [name, value] of assigned) this.#variables.set(name, value);
    const expanded = words
      .slice(index)
      .flatMap((token) => (token.kind === 'word' ? this.#split(token.parts) : []));
    if (expanded.length > 0) {
      if (assigned.length > 0 && 'text' in (expanded[0] as Known)) {
        this.#refuseEnvironment(assigned, line);
      }
      this.#declaration(expanded, conditional);
      this.commands.push({ line, words: expanded, redirections, conditional });
    }
  }

  #refuseEnvironment(assigned: readonly [string, Known][], line: number): void {
    for (const [name] of assigned) {
      if (/^(?:PATH|IFS|BASH_ENV|ENV|LD_)/.test(name)) {
        this.problems.push({ line, message: `${name} is changed for one command, which is not understood` });
      }
    }
  }

  /** Takes `if`, `then` and their kind from the front. */
  #structure(tokens: Token[]): Token[] {
    let rest = tokens;
    for (;;) {
      const word = plainText(rest[0]);
      if (word === undefined) return rest;
      if (word === 'function') throw new Unreadable(rest[0]?.line ?? 0, 'a function is not understood');
      if (word === 'for' || word === 'case' || word === 'select') {
        throw new Unreadable(rest[0]?.line ?? 0, `"${word}" is not understood`);
      }
      if (word === '[[') return [];
      if (opening.has(word)) this.#depth += 1;
      else if (closing.has(word)) this.#depth = Math.max(0, this.#depth - 1);
      else if (!between.has(word) && word !== '!') return rest;
      rest = rest.slice(1);
    }
  }

  #assignment(token: Token & { kind: 'word' }, uncertain: boolean): [string, Known] | undefined {
    const [head, ...others] = token.parts;
    if (head?.kind !== 'text' || head.quoted) return undefined;
    const match = assignment.exec(head.text);
    if (!match) return undefined;
    const name = match[1] as string;
    if (name === 'IFS' || name === 'PATH' || name === 'BASH_ENV') {
      this.problems.push({ line: token.line, message: `${name} is changed, which is not understood` });
    }
    if (uncertain) return [name, { unknown: `${name} is set under a condition (line ${token.line})` }];
    const given = this.#joined([{ ...head, text: head.text.slice(match[0].length) }, ...others]);
    if (match[2] !== '+' || 'unknown' in given) return [name, given];
    const before = this.#valueOf(name);
    return [name, 'unknown' in before ? before : { text: `${before.text}${given.text}` }];
  }

  /** `export A=b`, `readonly A=b`, `declare A=b`: as an assignment. Anything else that sets variables is not understood. */
  #declaration(words: readonly Known[], conditional: boolean): void {
    const name = 'text' in (words[0] as Known) ? (words[0] as { text: string }).text : '';
    if (!['export', 'readonly', 'declare', 'local', 'typeset'].includes(name)) return;
    for (const word of words.slice(1)) {
      if ('unknown' in word) continue;
      const match = assignment.exec(word.text);
      if (!match) continue;
      const value = word.text.slice(match[0].length);
      const certain = !conditional && match[2] === '' && name !== 'declare' && name !== 'typeset';
      this.#variables.set(
        match[1] as string,
        certain ? { text: value } : { unknown: `${match[1]} is set in a way that is not understood` },
      );
    }
  }

  #valueOf(name: string): Known {
    return this.#variables.get(name) ?? { unknown: `${name} is not set in the script` };
  }

  /** The word as one text: no splitting, as in an assignment. */
  #joined(parts: readonly Part[]): Known {
    let text = '';
    for (const part of parts) {
      const value: Known =
        part.kind === 'text'
          ? part
          : part.kind === 'unknown'
            ? { unknown: part.why }
            : this.#valueOf(part.name);
      if ('unknown' in value) return value;
      text += value.text;
      if (text.length > maxValueLength) return { unknown: 'a value is too long' };
    }
    return { text };
  }

  /** The words that one word of the script becomes: unquoted values are split at blanks. */
  #split(parts: readonly Part[]): Known[] {
    const words: Known[] = [];
    let current: string | undefined;
    for (const part of parts) {
      if (part.kind === 'unknown') return [{ unknown: part.why }];
      const value: Known = part.kind === 'text' ? part : this.#valueOf(part.name);
      if ('unknown' in value) return [value];
      if (part.kind === 'text' || part.quoted) {
        if (part.quoted || value.text !== '') current = (current ?? '') + value.text;
        continue;
      }
      if (/[*?[\\]/.test(value.text))
        return [{ unknown: `$${part.name} without quotes holds a file pattern` }];
      const pieces = value.text.split(/[ \t\n]+/);
      pieces.forEach((piece, index) => {
        if (index > 0 && current !== undefined) {
          words.push({ text: current });
          current = undefined;
        }
        if (piece !== '') current = (current ?? '') + piece;
      });
      if ((current?.length ?? 0) > maxValueLength) return [{ unknown: 'a value is too long' }];
    }
    if (current !== undefined) words.push({ text: current });
    return words;
  }
}

function plainText(token: Token | undefined): string | undefined {
  if (token?.kind !== 'word' || token.parts.length !== 1) return undefined;
  const part = token.parts[0] as Part;
  return part.kind === 'text' && !part.quoted ? part.text : undefined;
}

/** Reads a script. Nothing of it is run, and nothing outside of it is looked at. */
export function readShell(script: string): ShellReading {
  if (script.length > maxScriptLength)
    return { commands: [], problems: [{ line: 1, message: 'the script is too long' }] };
  const odd = /[^\t\n\x20-\x7e\u00a0-\uffff]/.exec(script);
  if (odd) {
    const line = script.slice(0, odd.index).split('\n').length;
    const what = odd[0] === '\r' ? 'lines end as on Windows' : 'it holds a control character';
    return { commands: [], problems: [{ line, message: what }] };
  }
  const reader = new Reader();
  try {
    reader.read(new Tokens(script).read());
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    reader.problems.push({ line: error.line, message: error.message });
  }
  return { commands: reader.commands, problems: reader.problems };
}
