/** The proofs that SECURITY.md names must exist, and no recommendation may be left without one. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const rows = readFileSync(join(root, 'SECURITY.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [number, , , where = '', proof = ''] = line
      .split(' | ')
      .map((cell) => cell.replace(/^\| | \|$/g, ''));
    return /^\d+$/.test(number ?? '') ? [{ number: Number(number), where, proof }] : [];
  });

describe('the table of recommendations in SECURITY.md', () => {
  it('has a line for each of the twenty', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it.each(rows)('names files and tests that exist for number $number', ({ where, proof }) => {
    const files = [...where.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
    expect(files).not.toEqual([]);
    for (const file of files) expect(existsSync(join(root, file)), file).toBe(true);

    const proofs = [...proof.matchAll(/`(test\/[^`]+\.test\.ts)` "([^"]+)"/g)];
    expect(proofs).not.toEqual([]);
    expect(proofs.map(([text]) => text).join('; ')).toBe(proof);
    for (const [, file = '', title = ''] of proofs) {
      expect(existsSync(join(root, file)), file).toBe(true);
      // The title of a test, not words that stand somewhere.
      const titles = [`'${title}'`, `"${title}"`, `\`${title}\``];
      const text = readFileSync(join(root, file), 'utf8');
      expect(
        titles.some((quoted) => new RegExp(`(it|\\))\\(\\s*${escaped(quoted)},`).test(text)),
        `${file}: ${title}`,
      ).toBe(true);
    }
  });
});
