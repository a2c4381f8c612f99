/**
 * The narrow part of Rego that resource policies of confidential FLARE deployments are written in. Everything else is kept
 * as "not understood" with its line, and whoever evaluates it must say "unknown": this is not a Rego implementation.
 */

import { NotUnderstood, Reader, type Token, tokensOf } from './rego-tokens.ts';

export type Term =
  | { kind: 'literal'; value: string | number | boolean | null }
  /** `input.a["b"]`, `data["resource-path"][1]`, or a rule's or variable's name; a part is a term: `off[input.x]`. */
  | { kind: 'ref'; head: string; path: Term[] }
  | { kind: 'set'; items: Term[] }
  | { kind: 'array'; items: Term[] }
  | { kind: 'call'; name: string; args: Term[] };

export type Expression =
  | { kind: 'compare'; operator: '==' | '!=' | ':=' | '='; left: Term; right: Term; line: number }
  | { kind: 'in'; left: Term; right: Term; line: number }
  | { kind: 'term'; term: Term; line: number }
  | { kind: 'not'; of: Expression; line: number }
  | { kind: 'unknown'; text: string; line: number };

export interface PolicyRule {
  name: string;
  line: number;
  /** Written `name {`, the form before Rego v1. */
  withoutIf: boolean;
  /** Written `name if …` without braces. */
  inline: boolean;
  /** Value of the rule when its body holds; missing = true. */
  value?: Term;
  body: Expression[];
}

export interface Policy {
  package?: string;
  imports: string[];
  /** Default values by rule name. */
  defaults: Map<string, { value: Term; line: number }>;
  rules: PolicyRule[];
  /** Statements that are outside this part of the language. */
  notUnderstood: { line: number; text: string }[];
}

/** Reads a policy text; never throws. Lines count from 1. */
export function readPolicy(text: string): Policy {
  const policy: Policy = { imports: [], defaults: new Map(), rules: [], notUnderstood: [] };
  const reader = new Reader(tokensOf(text));
  for (;;) {
    while (reader.peek()?.kind === 'newline' || reader.is(';')) reader.take();
    if (reader.ended) return policy;
    const from = reader.position;
    const { line } = reader;
    try {
      readStatement(reader, policy);
      if (!reader.ended && reader.peek()?.kind !== 'newline' && !reader.is(';')) throw new NotUnderstood();
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      reader.position = from;
      skipStatement(reader);
      policy.notUnderstood.push({ line, text: reader.textFrom(from) });
    }
  }
}

/** To the end of the line that closes every bracket opened on the way. */
function skipStatement(reader: Reader): void {
  let open = 0;
  while (!reader.ended) {
    const token = reader.take();
    if (token.kind === 'newline' && open <= 0) return;
    if (token.kind !== 'sign') continue;
    if ('{[('.includes(token.text)) open += 1;
    if ('}])'.includes(token.text)) open -= 1;
  }
}

function readStatement(reader: Reader, policy: Policy): void {
  const first = reader.take();
  if (first.kind !== 'name') throw new NotUnderstood();
  if (first.text === 'package' || first.text === 'import') {
    const path = dottedName(reader);
    if (first.text === 'package') policy.package ??= path;
    else policy.imports.push(path);
    return;
  }
  if (first.text === 'default') {
    const name = reader.take();
    if (name.kind !== 'name' || !(reader.accept(':=') || reader.accept('='))) throw new NotUnderstood();
    policy.defaults.set(name.text, { value: readTerm(reader), line: first.line });
    return;
  }
  readRule(reader, policy, first);
}

function dottedName(reader: Reader): string {
  const parts = [reader.take().text];
  while (reader.accept('.')) parts.push(reader.take().text);
  return parts.join('.');
}

function readRule(reader: Reader, policy: Policy, name: Token): void {
  let value: Term | undefined;
  if (reader.accept(':=') || reader.accept('=')) value = readTerm(reader);
  const conditional = reader.accept('if');
  const block = reader.is('{');
  if (!conditional && !block && value === undefined) {
    // `allow` alone on its line: a rule that always holds. What follows on the same line is outside this subset.
    if (reader.peek()?.kind === 'newline' || reader.ended) {
      policy.rules.push({ name: name.text, line: name.line, withoutIf: false, inline: false, body: [] });
      return;
    }
    throw new NotUnderstood();
  }
  const body = block ? readBlock(reader) : conditional ? [readExpression(reader)] : [];
  policy.rules.push({
    name: name.text,
    line: name.line,
    withoutIf: block && !conditional,
    inline: conditional && !block,
    ...(value === undefined ? {} : { value }),
    body,
  });
}

function readBlock(reader: Reader): Expression[] {
  reader.expect('{');
  const body: Expression[] = [];
  for (;;) {
    while (reader.peek()?.kind === 'newline' || reader.is(';')) reader.take();
    if (reader.accept('}')) return body;
    if (reader.ended) throw new NotUnderstood();
    body.push(readExpression(reader));
  }
}

function readExpression(reader: Reader): Expression {
  const from = reader.position;
  const { line } = reader;
  try {
    const expression = readKnownExpression(reader, line);
    const next = reader.peek();
    if (next && next.kind !== 'newline' && !reader.is(';') && !reader.is('}')) throw new NotUnderstood();
    return expression;
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    reader.position = from;
    let open = 0;
    while (!reader.ended) {
      const token = reader.peek();
      if (open === 0 && (token?.kind === 'newline' || reader.is(';') || reader.is('}'))) break;
      reader.take();
      if (token?.kind === 'sign' && '{[('.includes(token.text)) open += 1;
      if (token?.kind === 'sign' && '}])'.includes(token.text)) open -= 1;
    }
    return { kind: 'unknown', text: reader.textFrom(from), line };
  }
}

function readKnownExpression(reader: Reader, line: number): Expression {
  if (reader.accept('not')) return { kind: 'not', of: readKnownExpression(reader, line), line };
  const left = readTerm(reader);
  for (const operator of ['==', '!=', ':=', '='] as const) {
    if (reader.accept(operator)) return { kind: 'compare', operator, left, right: readTerm(reader), line };
  }
  if (reader.accept('in')) return { kind: 'in', left, right: readTerm(reader), line };
  return { kind: 'term', term: left, line };
}

function readTerm(reader: Reader): Term {
  const token = reader.take();
  if (token.kind === 'string') return { kind: 'literal', value: token.text };
  if (token.kind === 'number') return { kind: 'literal', value: Number(token.text) };
  if (token.kind === 'sign' && token.text === '{') return { kind: 'set', items: readItems(reader, '}') };
  if (token.kind === 'sign' && token.text === '[') return { kind: 'array', items: readItems(reader, ']') };
  if (token.kind !== 'name') throw new NotUnderstood();
  if (token.text === 'true' || token.text === 'false')
    return { kind: 'literal', value: token.text === 'true' };
  if (token.text === 'null') return { kind: 'literal', value: null };
  if (['some', 'every', 'with', 'else', 'as', 'contains'].includes(token.text) && !reader.is('(')) {
    throw new NotUnderstood();
  }
  if (reader.is('(')) {
    reader.take();
    return { kind: 'call', name: token.text, args: readItems(reader, ')') };
  }
  const path: Term[] = [];
  for (;;) {
    if (reader.accept('.')) {
      const part = reader.take();
      if (part.kind !== 'name') throw new NotUnderstood();
      path.push({ kind: 'literal', value: part.text });
    } else if (reader.accept('[')) {
      path.push(readTerm(reader));
      reader.expect(']');
    } else {
      return { kind: 'ref', head: token.text, path };
    }
  }
}

function readItems(reader: Reader, close: string): Term[] {
  const items: Term[] = [];
  for (;;) {
    reader.skipLines();
    if (reader.accept(close)) return items;
    items.push(readTerm(reader));
    reader.skipLines();
    if (reader.accept(close)) return items;
    reader.expect(',');
  }
}
