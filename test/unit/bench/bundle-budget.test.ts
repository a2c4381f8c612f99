import { describe, expect, it } from 'vitest';
import { type Chunk, weights } from '../../../bench/bundle-budget.ts';

const chunk = (fileName: string, bytes: number, more: Partial<Chunk> = {}): Chunk => ({
  fileName,
  isEntry: false,
  facadeModuleId: null,
  bytes,
  imports: [],
  styles: [],
  ...more,
});
const page = (name: string): Partial<Chunk> => ({ facadeModuleId: `/src/features/${name}/${name}-page.tsx` });

describe('the weight of a page', () => {
  it('counts everything it imports at once, each file one time, and of other pages only what they add', () => {
    const chunks = [
      chunk('index.js', 1000, { isEntry: true, imports: ['shared.js'], styles: ['index.css'] }),
      chunk('shared.js', 100, { imports: ['index.js'] }),
      chunk('table.js', 10),
      chunk('overview.js', 1, { ...page('overview'), imports: ['table.js', 'shared.js'] }),
      chunk('jobs.js', 2, {
        ...page('jobs'),
        imports: ['table.js', 'xterm.js'],
        styles: ['jobs.css', 'index.css'],
      }),
      chunk('xterm.js', 5000),
      chunk('nobody.js', 70_000),
    ];
    const styles = new Map([
      ['index.css', 20_000],
      ['jobs.css', 300],
    ]);
    expect(Object.fromEntries(weights(chunks, styles))).toEqual({ 'first page': 21_111, jobs: 5302 });
  });

  it('refuses a build without a first page', () => {
    expect(() => weights([chunk('index.js', 1, { isEntry: true })], new Map())).toThrow('overview');
  });
});
