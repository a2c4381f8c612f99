import { confine } from './confine.ts';

/** Without the half of a character that a cut left at the end. */
const whole = (text: string): string => text.replace(/[\ud800-\udbff]$/, '');

/** Rows as aligned text no wider than `columns`: the widest columns give way first, cut cells end in an ellipsis. */
export function tableText(rows: string[][], columns: number): string[] {
  const clean = rows.map((row) => row.map((cell) => confine(cell).replaceAll(/[\n\t]/g, ' ')));
  const count = Math.max(0, ...clean.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, index) =>
    Math.max(1, ...clean.map((row) => (row[index] ?? '').length)),
  );
  const gaps = 2 * Math.max(0, count - 1);
  const total = (): number => widths.reduce((sum, width) => sum + width, gaps);
  while (total() > columns) {
    const widest = Math.max(...widths);
    if (widest <= 4) break;
    const others = Math.max(4, ...widths.filter((width) => width < widest));
    const same = widths.filter((width) => width === widest).length;
    const cut = Math.min(widest - others || 1, Math.ceil((total() - columns) / same));
    widths.forEach((width, index) => {
      if (width === widest) widths[index] = width - cut;
    });
  }
  const line = (row: string[]): string =>
    widths
      .map((width, index) => {
        const cell = row[index] ?? '';
        return cell.length > width ? `${whole(cell.slice(0, width - 1))}…`.padEnd(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return clean.map(line);
}
