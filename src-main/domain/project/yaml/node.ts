/** A YAML document after reading: plain values that still know the file, line and column they were written at. */
import type { SourcePosition } from '../model.ts';
import type { ScalarType, ScalarValue } from './scalar.ts';

/** The file a node was read from. */
export interface YamlSource {
  /** Path as it is shown to a person. */
  file: string;
  /** Offset of the first character of every line. */
  lineStarts: number[];
}

interface YamlPlace {
  source: YamlSource;
  offset: number;
}

export interface YamlScalar extends YamlPlace {
  kind: 'scalar';
  type: ScalarType;
  value: ScalarValue;
}

export interface YamlSequence extends YamlPlace {
  kind: 'sequence';
  items: YamlNode[];
}

/** A mapping key: what it compares by, what it is called in a field path, and where it stands. */
export interface YamlEntry {
  name: string;
  key: YamlScalar;
  value: YamlNode;
}

export type YamlKey = string | number | bigint | boolean | null;

export interface YamlMapping extends YamlPlace {
  kind: 'mapping';
  entries: Map<YamlKey, YamlEntry>;
}

export type YamlNode = YamlScalar | YamlSequence | YamlMapping;

export function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

export function positionAt(source: YamlSource, offset: number): SourcePosition {
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((source.lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { file: source.file, line: low + 1, column: offset - (source.lineStarts[low] ?? 0) + 1 };
}

export function positionOf(node: YamlPlace): SourcePosition {
  return positionAt(node.source, node.offset);
}

/** The value under a text key of a mapping; undefined when the node is no mapping or has no such key. */
export function child(node: YamlNode | undefined, key: string): YamlNode | undefined {
  return node?.kind === 'mapping' ? node.entries.get(key)?.value : undefined;
}

export function isNull(node: YamlNode | undefined): boolean {
  return node?.kind === 'scalar' && node.type === 'null';
}

/** The text of a text scalar. */
export function textOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}

/** Python's truth of a value: null, false, 0, empty text and empty collections are false. */
export function isTruthy(node: YamlNode | undefined): node is YamlNode {
  if (!node) return false;
  if (node.kind === 'sequence') return node.items.length > 0;
  if (node.kind === 'mapping') return node.entries.size > 0;
  if (node.value instanceof Uint8Array) return node.value.length > 0;
  return node.value instanceof Date || Number.isNaN(node.value) || Boolean(node.value);
}

/** How a value is called in a message. */
export function describe(node: YamlNode): string {
  if (node.kind === 'mapping') return 'a mapping';
  if (node.kind === 'sequence') return 'a list';
  switch (node.type) {
    case 'null':
      return 'empty';
    case 'bool':
      return `the truth value ${String(node.value)}`;
    case 'int':
    case 'float':
      return `the number ${String(node.value)}`;
    case 'timestamp':
      return 'a date';
    case 'binary':
      return 'binary data';
    case 'str':
    case 'merge':
    case 'value':
      return `the text "${shorten(String(node.value))}"`;
  }
}

/** Text for a message: control characters made visible, long text cut. */
export function shorten(text: string, limit = 60): string {
  const visible = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return visible.length > limit ? `${visible.slice(0, limit)}…` : visible;
}

/** Plain JavaScript values. An aliased node becomes one shared object, so the cost stays that of the text. */
export function toPlain(node: YamlNode, seen: Map<YamlNode, unknown> = new Map()): unknown {
  if (node.kind === 'scalar') return node.value;
  const known = seen.get(node);
  if (known !== undefined) return known;
  if (node.kind === 'sequence') {
    const list: unknown[] = [];
    seen.set(node, list);
    for (const item of node.items) list.push(toPlain(item, seen));
    return list;
  }
  const mapping: Record<string, unknown> = {};
  seen.set(node, mapping);
  for (const entry of node.entries.values()) {
    Object.defineProperty(mapping, entry.name, {
      value: toPlain(entry.value, seen),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return mapping;
}
