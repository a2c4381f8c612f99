import type { DataColumn } from './data-column.ts';

/** As in data-table.module.css: between two columns, and at both sides of a row. */
const gap = 12;
const padding = 32;
export const selectionWidth = 24;

/** The least width of a CSS grid track: the first length in it. */
const leastOf = (width: string): number => Number(/(\d+)px/.exec(width)?.[1] ?? 0);

/** The least width at which these columns stand side by side. */
export function leastWidth(columns: readonly { width: string }[], hasSelection: boolean): number {
  const tracks = [...(hasSelection ? [selectionWidth] : []), ...columns.map(({ width }) => leastOf(width))];
  return padding + gap * Math.max(0, tracks.length - 1) + tracks.reduce((sum, track) => sum + track, 0);
}

/**
 * The columns that have room in `available` pixels: where there is too little, the ones that may be left out go, the most
 * dispensable first. 0 = the room is not known yet, all of them.
 */
export function fittingColumns<Row>(
  columns: DataColumn<Row>[],
  available: number,
  hasSelection: boolean,
): DataColumn<Row>[] {
  if (available === 0 || leastWidth(columns, hasSelection) <= available) return columns;
  const dispensable = columns
    .filter((column) => column.dispensable !== undefined)
    .sort((one, other) => (other.dispensable ?? 0) - (one.dispensable ?? 0));
  let left = columns;
  for (const out of dispensable) {
    left = left.filter((column) => column !== out);
    if (leastWidth(left, hasSelection) <= available) break;
  }
  return left;
}
