import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { ConfigFormat } from './job-folder.ts';
import {
  JsonSyntaxError,
  type FieldPath,
  type Place,
  type PlacedDocument,
  parsePlacedJson,
} from './json-places.ts';

export type ParsedConfig =
  | { kind: 'parsed'; document: PlacedDocument }
  | { kind: 'wrong'; message: string; place?: Place }
  /** A HOCON text that is no JSON: only the server can read it. */
  | { kind: 'unreadable' };

/** Reads a configuration text by its format. HOCON is read as far as it is JSON. */
export function parseConfig(text: string, format: ConfigFormat): ParsedConfig {
  if (format === 'yaml') return parseYamlConfig(text);
  try {
    return { kind: 'parsed', document: parsePlacedJson(text) };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    if (format === 'hocon') return { kind: 'unreadable' };
    return { kind: 'wrong', message: error.message, place: error.place };
  }
}

function parseYamlConfig(text: string): ParsedConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.1', lineCounter: lines, prettyErrors: false });
  const placeAtOffset = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const [error] = document.errors;
  if (error) return { kind: 'wrong', message: error.message, place: placeAtOffset(error.pos[0]) };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (failure) {
    return { kind: 'wrong', message: failure instanceof Error ? failure.message : 'it cannot be read' };
  }
  const placeOf = (path: FieldPath): Place | undefined => {
    for (let length = path.length; length >= 0; length -= 1) {
      const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
      if ((isScalar(node) || isMap(node)) && node.range) return placeAtOffset(node.range[0]);
    }
    return undefined;
  };
  return { kind: 'parsed', document: { value, placeOf, duplicateKeys: [] } };
}
