import type { CallHandlers } from './context.ts';
import { withSession } from './with-session.ts';

type Row = Record<string, unknown>;
const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined);

export const handlers: Pick<CallHandlers, 'session.info' | 'session.complete'> = {
  'session.complete': (input, context) =>
    withSession(input, context, async (session, kit) => {
      const { completeLine } = await import('./complete-line.ts');
      return completeLine(session, kit, input.line, input.cursor, context.signal);
    }),

  'session.info': (input, context) =>
    withSession(input, context, async (session) => {
      // docs/reference/admin-protocol.md §8.2 `check_status server`
      const reply = await session.execute('check_status server', { signal: context.signal });
      const clients = (Array.isArray(reply.meta['clients']) ? reply.meta['clients'] : []) as Row[];
      return {
        ...session.identity,
        server: {
          version: session.serverVersion,
          status: text(reply.meta['server_status']) ?? (reply.ok ? 'unknown' : reply.status),
          clients: clients.map((client) => ({
            name: text(client['client_name']) ?? '',
            fqcn: text(client['fqcn']),
            last_connected: text(client['client_last_conn_time']),
          })),
          ...(reply.ok ? {} : { refused: reply.message ?? reply.status }),
        },
      };
    }),
};
