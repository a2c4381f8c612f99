import { expect, it } from 'vitest';
import { replyOf } from '../../../src-main/core/console-reply.ts';

it('shortens the session tokens of clients and leaves every other cell', () => {
  const reply = { line: 'check_status server', ok: true, status: 'ok', meta: {} };
  const jobs = {
    type: 'table',
    rows: [
      ['JOB_ID', 'APP NAME'],
      ['e6162aeb-18b2-4af3-9c85-bc82c68bd6d1', 'app'],
    ],
  } as const;
  const clients = {
    type: 'table',
    rows: [
      ['CLIENT', 'FQCN', 'TOKEN', 'LAST CONNECT TIME'],
      ['site-2', 'site-2', 'e6162aeb-18b2-4af3-9c85-bc82c68bd6d1', 'Tue Nov 24 18:17:12 2026'],
      ['site-1', 'site-1', '', 'Tue Nov 24 18:17:12 2026'],
    ],
  } as const;
  const items = [{ type: 'string', data: 'Registered clients: 2' }, jobs, clients] as never[];
  expect(replyOf({ ...reply, items })).toEqual({
    kind: 'reply',
    reply: {
      ...reply,
      items: [
        { type: 'string', data: 'Registered clients: 2' },
        jobs,
        {
          type: 'table',
          rows: [
            clients.rows[0],
            ['site-2', 'site-2', 'e6162aeb…', 'Tue Nov 24 18:17:12 2026'],
            clients.rows[2],
          ],
        },
      ],
    },
  });
});
