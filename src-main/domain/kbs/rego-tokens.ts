/** The words and signs of a Rego text, and a reader that goes through them. */

export interface Token {
  kind: 'name' | 'string' | 'number' | 'sign' | 'newline';
  text: string;
  line: number;
}

const signs = [
  ':=',
  '==',
  '!=',
  '<=',
  '>=',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  ',',
  '.',
  '=',
  ':',
  ';',
  '|',
  '<',
  '>',
];

/** Outside the part of the language that is read here. */
export class NotUnderstood extends Error {}

/** The words and signs of a text; comments are left out. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at, at + 4096);
    const space = /^[ \t\r]+/.exec(rest)?.[0] ?? /^#[^\n]*/.exec(rest)?.[0];
    if (space) {
      at += space.length;
      continue;
    }
    if (rest.startsWith('\n')) {
      tokens.push({ kind: 'newline', text: '\n', line });
      line += 1;
      at += 1;
      continue;
    }
    const found = nextToken(rest, line);
    tokens.push(found.token);
    at += found.length;
    line += found.lines;
  }
  return tokens;
}

function nextToken(rest: string, line: number): { token: Token; length: number; lines: number } {
  const quoted = /^"(?:[^"\\\n]|\\.)*"/.exec(rest)?.[0];
  if (quoted) {
    const plain = parsedString(quoted);
    return plain === undefined
      ? { token: { kind: 'sign', text: quoted, line }, length: quoted.length, lines: 0 }
      : { token: { kind: 'string', text: plain, line }, length: quoted.length, lines: 0 };
  }
  const raw = /^`[^`]*`/.exec(rest)?.[0];
  if (raw) {
    return {
      token: { kind: 'string', text: raw.slice(1, -1), line },
      length: raw.length,
      lines: raw.split('\n').length - 1,
    };
  }
  const name = /^[A-Za-z_]\w*/.exec(rest)?.[0];
  if (name) return { token: { kind: 'name', text: name, line }, length: name.length, lines: 0 };
  const number = /^-?\d+(?:\.\d+)?/.exec(rest)?.[0];
  if (number) return { token: { kind: 'number', text: number, line }, length: number.length, lines: 0 };
  const sign = signs.find((one) => rest.startsWith(one)) ?? rest.charAt(0);
  return { token: { kind: 'sign', text: sign, line }, length: sign.length, lines: 0 };
}

function parsedString(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}

/** One after the other, with a way back. */
export class Reader {
  private readonly tokens: Token[];
  private at = 0;
  constructor(tokens: Token[]) {
    this.tokens = tokens;
  }
  get line(): number {
    return (this.tokens[this.at] ?? this.tokens.at(-1))?.line ?? 1;
  }
  get ended(): boolean {
    return this.at >= this.tokens.length;
  }
  /** A place to come back to. */
  get position(): number {
    return this.at;
  }
  set position(at: number) {
    this.at = at;
  }
  peek(ahead = 0): Token | undefined {
    return this.tokens[this.at + ahead];
  }
  is(text: string): boolean {
    const token = this.peek();
    return token !== undefined && token.kind !== 'string' && token.text === text;
  }
  take(): Token {
    const token = this.tokens[this.at];
    if (!token) throw new NotUnderstood();
    this.at += 1;
    return token;
  }
  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at += 1;
    return true;
  }
  expect(text: string): void {
    if (!this.accept(text)) throw new NotUnderstood();
  }
  skipLines(): void {
    while (this.peek()?.kind === 'newline') this.at += 1;
  }
  /** The words from `from` up to here, for a person. */
  textFrom(from: number): string {
    const words = this.tokens.slice(from, this.at).filter((token) => token.kind !== 'newline');
    const text = words
      .map((token) => (token.kind === 'string' ? JSON.stringify(token.text) : token.text))
      .join(' ');
    return text.length > 120 ? `${text.slice(0, 119)}…` : text;
  }
}
