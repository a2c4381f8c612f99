import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonSyntaxError, parsePlacedJson } from '../../../../src-main/domain/job/json-places.ts';

const problemOf = (text: string): JsonSyntaxError => {
  try {
    parsePlacedJson(text);
  } catch (error) {
    return error as JsonSyntaxError;
  }
  throw new Error('it was read');
};

describe('JSON with places', () => {
  test('reads what JSON.parse reads, to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(JSON.stringify(parsePlacedJson(text).value)).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  test('refuses what JSON.parse refuses, but for the numbers only Python reads', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:01.eE+-truefalsn \n\\') }), (text) => {
        let theirs: unknown;
        let refused = false;
        try {
          theirs = JSON.parse(text);
        } catch {
          refused = true;
        }
        if (refused) expect(problemOf(text)).toBeInstanceOf(JsonSyntaxError);
        else expect(JSON.stringify(parsePlacedJson(text).value)).toBe(JSON.stringify(theirs));
      }),
      { numRuns: 2000 },
    );
  });

  test('reads NaN and the infinities as Python does', () => {
    expect(parsePlacedJson('[NaN, Infinity, -Infinity]').value).toEqual([NaN, Infinity, -Infinity]);
  });

  test('knows where a value starts, and the parent of one that is not there', () => {
    const text = '{\n  "a": 1,\n  "list": [\n    {"b": true}\n  ]\n}';
    const document = parsePlacedJson(text);
    expect(document.placeOf(['a'])).toEqual({ line: 2, column: 8 });
    expect(document.placeOf(['list', 0, 'b'])).toEqual({ line: 4, column: 11 });
    expect(document.placeOf(['list', 0, 'missing'])).toEqual({ line: 4, column: 5 });
    expect(document.placeOf(['missing'])).toEqual({ line: 1, column: 1 });
  });

  test.each([
    ['{"a": 1,}', 1, 9],
    ['{\n "a" 1\n}', 2, 6],
    ['[1, 2', 1, 6],
    ['{} x', 1, 4],
    ['{"a": "x\ny"}', 1, 7],
    ['\ufeff{}', 1, 1],
  ])('names the place of the mistake in %j', (text, line, column) => {
    expect(problemOf(text).place).toEqual({ line, column });
  });

  test('does not run out of stack in a text of brackets', () => {
    expect(problemOf('['.repeat(100_000)).message).toContain('levels');
  });

  test('lets the last of two equal keys count, and tells of it', () => {
    const document = parsePlacedJson('{"a": 1,\n "a": 2}');
    expect(document.value).toEqual({ a: 2 });
    expect(document.duplicateKeys).toEqual([{ path: ['a'], place: { line: 2, column: 2 } }]);
  });

  test('takes "__proto__" for a key like any other', () => {
    const { value } = parsePlacedJson('{"__proto__": {"x": 1}}');
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect((value as Record<string, unknown>).x).toBeUndefined();
  });
});
