import type { StreamItem } from '../../../src-main/contract/index.ts';
import { confine } from './confine.ts';
import { tableText } from './table-text.ts';

type Reply = Extract<StreamItem<'session.console'>, { kind: 'reply' }>['reply'];

const rowsOf = (item: Record<string, unknown>): string[][] | undefined =>
  item.type === 'table' && Array.isArray(item.rows) ? (item.rows as string[][]) : undefined;

/** A reply as lines for a terminal of that many columns. */
export function replyText(reply: Reply, columns: number): string[] {
  const lines = reply.items.flatMap((item): string[] => {
    const rows = rowsOf(item);
    if (rows) return tableText(rows, columns);
    if (item.type === 'dict') return confine(JSON.stringify(item.data, null, 2)).split('\n');
    return typeof item.data === 'string' && item.data !== '' ? confine(item.data).split('\n') : [];
  });
  return lines.length === 0 && reply.message ? [confine(reply.message)] : lines;
}

/** The first table of a reply, or its dict as a table of two columns; undefined when there is neither. */
export function tableOf(reply: Reply): string[][] | undefined {
  for (const item of reply.items) {
    const rows = rowsOf(item);
    if (rows && rows.length > 1) return rows.map((row) => row.map((cell) => confine(String(cell))));
    if (item.type === 'dict' && typeof item.data === 'object' && item.data !== null) {
      return [
        ['KEY', 'VALUE'],
        ...Object.entries(item.data).map(([key, value]) => [
          confine(key),
          confine(typeof value === 'string' ? value : JSON.stringify(value)),
        ]),
      ];
    }
  }
  return undefined;
}
