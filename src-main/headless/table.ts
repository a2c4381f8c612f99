/** Columns for people: two blanks between, the last one free. */
import { confine } from './confine.ts';

export function table(rows: readonly (readonly string[])[], header?: readonly string[]): string {
  const all = (header ? [header, ...rows] : [...rows]).map((row) =>
    row.map((cell) => confine(cell).replace(/\s+/g, ' ')),
  );
  const widths: number[] = [];
  for (const row of all) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  }
  return all
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
