/** What the pages weigh, as the build counted them: the first one with all it needs, each other one with what it adds. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Row } from './table.ts';

const report = join(import.meta.dirname, '../out/page-weights.json');

/** One row per page, the heaviest first. */
export async function benchWeights(): Promise<Row[]> {
  const { budget, pages } = JSON.parse(await readFile(report, 'utf8')) as {
    budget: number;
    pages: Record<string, number>;
  };
  const { 'first page': first = Number.NaN, ...others } = pages;
  const added = Object.entries(others).sort(([, one], [, other]) => other - one);
  return [
    {
      what: 'scripts and styles of the shell and the overview',
      ours: first / 1000,
      unit: 'kB',
      maxOurs: budget / 1000,
    },
    ...added.map(
      ([page, bytes]): Row => ({ what: `what the page ${page} adds`, ours: bytes / 1000, unit: 'kB' }),
    ),
  ];
}
