/**
 * JSON as Python's `json` module reads it (docs/reference/admin-protocol.md §9.1: the server does), with the place of
 * every value: NaN and the infinities are numbers, the last of two equal keys wins.
 */

export interface Place {
  /** Both count from 1. */
  line: number;
  column: number;
}

export type FieldPath = readonly (string | number)[];

export interface PlacedDocument {
  value: unknown;
  /** Where the value at the path starts; its nearest known parent when it has no place of its own. */
  placeOf(path: FieldPath): Place | undefined;
  /** Keys that occur twice in one object, each with the place of the later one. */
  duplicateKeys: { path: FieldPath; place: Place }[];
}

export class JsonSyntaxError extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.name = 'JsonSyntaxError';
    this.place = place;
  }
}

const maxDepth = 400;
const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const space = /[ \t\n\r]*/y;
const words: Record<string, unknown> = {
  true: true,
  false: false,
  null: null,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

const keyOf = (path: FieldPath): string => JSON.stringify(path);

/** Line and column of an offset. */
function placeAt(text: string, offset: number): Place {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
    start = at + 1;
  }
  return { line, column: offset - start + 1 };
}

/** Parses one JSON text. Throws JsonSyntaxError with the place. Objects have no prototype. */
export function parsePlacedJson(text: string): PlacedDocument {
  const offsets = new Map<string, number>();
  const duplicates: { path: FieldPath; place: Place }[] = [];
  let at = 0;

  const fail = (message: string, offset = at): never => {
    throw new JsonSyntaxError(message, placeAt(text, offset));
  };
  const skipSpace = (): void => {
    space.lastIndex = at;
    space.exec(text);
    at = space.lastIndex;
  };

  const readString = (): string => {
    const start = at;
    for (let end = at + 1; end < text.length; end += 1) {
      const char = text[end];
      if (char === '\\') end += 1;
      else if (char === '"') {
        at = end + 1;
        try {
          return JSON.parse(text.slice(start, at)) as string;
        } catch {
          return fail('this text holds a control character or a bad escape', start);
        }
      } else if (char === '\n') return fail('this text is not closed before the end of the line', start);
    }
    return fail('this text is not closed', start);
  };

  const readValue = (path: FieldPath): unknown => {
    if (path.length > maxDepth) fail(`nested deeper than ${maxDepth} levels`);
    skipSpace();
    offsets.set(keyOf(path), at);
    const char = text[at];
    if (char === undefined) return fail('the text ends where a value is expected');
    if (char === '"') return readString();
    if (char === '{') return readObject(path);
    if (char === '[') return readArray(path);
    for (const [word, value] of Object.entries(words)) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return value;
      }
    }
    numberForm.lastIndex = at;
    const number = numberForm.exec(text)?.[0];
    if (number === undefined) return fail(`a value cannot start with ${JSON.stringify(char)}`);
    at += number.length;
    return Number(number);
  };

  const readObject = (path: FieldPath): Record<string, unknown> => {
    const object = Object.create(null) as Record<string, unknown>;
    at += 1;
    skipSpace();
    if (text[at] === '}') {
      at += 1;
      return object;
    }
    for (;;) {
      skipSpace();
      const keyOffset = at;
      if (text[at] !== '"') fail('a key in double quotes is expected here (a comma too many before it?)');
      const key = readString();
      const inner = [...path, key];
      if (key in object) duplicates.push({ path: inner, place: placeAt(text, keyOffset) });
      skipSpace();
      if (text[at] !== ':') fail(`":" is expected after the key "${key}"`);
      at += 1;
      object[key] = readValue(inner);
      skipSpace();
      if (text[at] === '}') break;
      if (text[at] !== ',') fail('"," or "}" is expected here');
      at += 1;
    }
    at += 1;
    return object;
  };

  const readArray = (path: FieldPath): unknown[] => {
    const array: unknown[] = [];
    at += 1;
    skipSpace();
    if (text[at] === ']') {
      at += 1;
      return array;
    }
    for (;;) {
      array.push(readValue([...path, array.length]));
      skipSpace();
      if (text[at] === ']') break;
      if (text[at] !== ',') fail('"," or "]" is expected here');
      at += 1;
    }
    at += 1;
    return array;
  };

  if (text.startsWith('\ufeff')) fail('the file starts with a byte order mark, which the server refuses');
  const value = readValue([]);
  skipSpace();
  if (at < text.length) fail('something follows the end of the document');

  return {
    value,
    duplicateKeys: duplicates,
    placeOf(path) {
      for (let length = path.length; length >= 0; length -= 1) {
        const offset = offsets.get(keyOf(path.slice(0, length)));
        if (offset !== undefined) return placeAt(text, offset);
      }
      return undefined;
    },
  };
}
