/**
 * The table the bench prints: one row per comparison, with the bar of the project where there is one. A ratio is always our figure
 * divided by the other one: of times, so that 0.5 is twice as fast and a bar of 1.25 means at least 0.8 of the other's speed.
 */

export interface Row {
  what: string;
  /** Seconds, unless `unit` says otherwise. */
  ours: number;
  /** Who was measured beside; default NVFlare 2.7.2. */
  beside?: string;
  theirs?: number;
  unit?: 's' | 'ms' | 'kB' | 'MB';
  peakOurs?: number;
  peakTheirs?: number;
  /** The largest allowed ours / theirs. */
  maxRatio?: number;
  /** The largest allowed value of ours, in `unit`. */
  maxOurs?: number;
}

const maxPeak = 400;
const format = (value: number | undefined, unit = '') =>
  value === undefined
    ? '–'
    : `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)}${unit && ` ${unit}`}`;

/** The bars a row misses; empty = passed. */
export function misses(row: Row): string[] {
  const missed: string[] = [];
  // Written so that a figure that is not a number is a miss.
  if (row.maxRatio !== undefined && row.theirs !== undefined && !(row.ours / row.theirs <= row.maxRatio))
    missed.push(`ratio > ${row.maxRatio}`);
  if (row.maxOurs !== undefined && !(row.ours <= row.maxOurs))
    missed.push(`> ${format(row.maxOurs, row.unit ?? 's')}`);
  if (row.peakOurs !== undefined && !(row.peakOurs <= maxPeak)) missed.push(`> ${maxPeak} MB`);
  return missed;
}

function bar(row: Row): string {
  const bars: string[] = [];
  if (row.maxRatio !== undefined) bars.push(`≤ ${row.maxRatio} × ${row.beside ?? ''}`.trim());
  if (row.maxOurs !== undefined) bars.push(`≤ ${format(row.maxOurs, row.unit ?? 's')}`);
  if (row.peakOurs !== undefined) bars.push(`≤ ${maxPeak} MB`);
  return bars.join(', ');
}

/** The rows as a Markdown table. */
export function markdown(rows: Row[]): string {
  const head = ['', 'FLARE Desk', 'beside', 'ratio ours / beside', 'peak, ours', 'peak, theirs', 'bar', ''];
  const lines = rows.map((row) => {
    const unit = row.unit ?? 's';
    const missed = misses(row);
    const verdict = missed.length > 0 ? `MISSED: ${missed.join(', ')}` : bar(row) && 'ok';
    const ratio = row.theirs === undefined ? '–' : (row.ours / row.theirs).toFixed(2);
    const peaks = [row.peakOurs, row.peakTheirs].map((peak) => format(peak, 'MB'));
    const beside =
      row.theirs === undefined ? '–' : `${row.beside ?? 'NVFlare 2.7.2'} ${format(row.theirs, unit)}`;
    return [row.what, format(row.ours, unit), beside, ratio, ...peaks, bar(row), verdict];
  });
  const table = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0), 3));
  const print = (line: string[]) =>
    `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [print(head), rule, ...lines.map(print)].join('\n');
}
