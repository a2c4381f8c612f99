/** A reply of the server as text for a terminal. Everything in it is the server's: confined. */
import type { StreamItem } from '../../contract/index.ts';
import { confine } from '../confine.ts';
import { table } from '../table.ts';

export type Reply = Extract<StreamItem<'session.console'>, { kind: 'reply' }>['reply'];

const isRows = (value: unknown): value is unknown[][] => Array.isArray(value) && value.every(Array.isArray);

export function renderReply(reply: Reply): string {
  const parts = reply.items.map((item) => {
    if (item.type === 'table' && isRows(item['rows'])) {
      const [header, ...rows] = item['rows'].map((row) => row.map(String));
      return header ? table(rows, header) : '';
    }
    const data = item['data'];
    const text = typeof data === 'string' ? data : JSON.stringify(data, null, 2);
    return text === '' ? '' : `${confine(text).replace(/\n$/, '')}\n`;
  });
  const said = parts.join('');
  const reason =
    reply.ok || (reply.message !== undefined && said.includes(reply.message)) ? undefined : reply.message;
  return `${said}${reason === undefined ? '' : confine(`${reason}\n`)}`;
}
