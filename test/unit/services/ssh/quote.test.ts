import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteArguments } from '../../../../src-main/services/ssh/quote.ts';

const argument = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom("'", '"', '\\', '$', '`', ' ', '\n', '*', '~', '!', '-', '{', 'é', '\t', '#'),
  }),
  fc.constantFrom('', '-n', '~root', "it's", '$(id)', '`id`', 'a\nb', '${HOME}', '\\', "'''", '--', '%s'),
);

for (const shell of ['sh', 'bash']) {
  test(`every argument arrives byte for byte through a real ${shell}`, () => {
    fc.assert(
      fc.property(
        fc.array(
          argument.filter((text) => !text.includes('\0')),
          { maxLength: 6 },
        ),
        (args) => {
          const command = quoteArguments(['printf', '%s\\0', 'first', ...args]);
          const out = execFileSync(shell, ['-c', command], { encoding: 'utf8' });
          expect(out.split('\0').slice(0, -1)).toEqual(
            ['first', ...args].map((text) => Buffer.from(text).toString()),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
}

test('a zero byte and an empty command are refused', () => {
  expect(() => quoteArguments(['echo', 'a\0b'])).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  expect(() => quoteArguments([])).toThrow(expect.objectContaining({ code: 'invalid_input' }));
});
