/** The server's replies as a console shows them. */
import type { StreamItem } from '../contract/index.ts';
import type { CommandReply, ReplyItem } from '../services/flare/index.ts';

/** So much of a client's session token tells two sessions of one client apart. */
const shownOfToken = 8;

/**
 * `check_status server` lists every client's session token. People compare them and never use them, so a table's column TOKEN
 * is shortened before it reaches a screen, a log or a picture (docs/reference/admin-protocol.md §8.3).
 */
function withoutTokens(item: ReplyItem): ReplyItem {
  if (item.type !== 'table') return item;
  const [head = [], ...rows] = item.rows;
  const column = head.indexOf('TOKEN');
  if (column < 0) return item;
  return {
    ...item,
    rows: [
      head,
      ...rows.map((row) =>
        row.map((cell, index) =>
          index === column && cell.length > shownOfToken ? `${cell.slice(0, shownOfToken)}…` : cell,
        ),
      ),
    ],
  };
}

/** A reply as an item of the console's stream. */
export const replyOf = ({
  line,
  ok,
  status,
  message,
  items,
  meta,
}: CommandReply): StreamItem<'session.console'> => ({
  kind: 'reply',
  reply: {
    line,
    ok,
    status,
    ...(message === undefined ? {} : { message }),
    items: items.map(withoutTokens),
    meta,
  },
});
