import { describe, expect, it } from 'vitest';
import { markdown, misses } from '../../../bench/table.ts';

describe('the bars of the bench', () => {
  it.each([
    ['a ratio at its bar passes', { what: 'x', ours: 6, theirs: 10, maxRatio: 0.6 }, []],
    ['a ratio over its bar is missed', { what: 'x', ours: 6.1, theirs: 10, maxRatio: 0.6 }, ['ratio > 0.6']],
    ['a time over its bar is missed', { what: 'x', ours: 301, unit: 'ms', maxOurs: 300 }, ['> 300 ms']],
    ['memory counts in every row', { what: 'x', ours: 1, peakOurs: 401 }, ['> 400 MB']],
    [
      'all misses are told',
      { what: 'x', ours: 2, theirs: 1, maxRatio: 0.5, maxOurs: 1, peakOurs: 500 },
      ['ratio > 0.5', '> 1.00 s', '> 400 MB'],
    ],
  ] as const)('%s', (_, row, expected) => {
    expect(misses(row)).toEqual(expected);
  });

  it('a peer that was not measured never counts as a pass', () => {
    expect(misses({ what: 'x', ours: Number.NaN, theirs: 1, maxRatio: 0.6 })).toEqual(['ratio > 0.6']);
    expect(misses({ what: 'x', ours: 1, theirs: Number.NaN, maxRatio: 0.6 })).toEqual(['ratio > 0.6']);
  });

  it('prints one row each, verdict last', () => {
    const lines = markdown([
      { what: 'good', ours: 1, theirs: 10, maxRatio: 0.6 },
      { what: 'bad', ours: 9, theirs: 10, maxRatio: 0.6 },
    ]).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[2]).toMatch(/^\| good .* 0\.10 .* ok \|$/);
    expect(lines[3]).toMatch(/^\| bad .* MISSED: ratio > 0\.6 \|$/);
  });
});
