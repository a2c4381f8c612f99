/** A server that is restarted (or killed) in mid-session: the session goes on without a new login. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { flareVersions, startFederation } from '../lab/nvflare.ts';
import { openAdminKit, openSession } from '../../src-main/services/flare/index.ts';

it.each(flareVersions.flatMap((version) => [[version, 'tcp'] as const, [version, 'grpc'] as const]))(
  'goes on after a restart of server %s over %s',
  async (version, scheme) => {
    const federation = await startFederation({ version, scheme, clients: 1 });
    try {
      const session = await openSession(await openAdminKit(federation.adminKit()));
      const states: string[] = [];
      session.onState((state) => states.push(state));
      expect((await session.execute('list_jobs')).ok).toBe(true);
      await federation.server.stop(0);
      await federation.server.start();
      const reply = await session.execute('list_jobs', { timeoutMs: 30_000 });
      expect(reply).toMatchObject({ ok: true });
      expect(states).toEqual(['reconnecting', 'connected']);
      // The server's own record tells how often somebody logged in.
      const audit = await readFile(join(federation.server.folder, 'audit.log'), 'utf8');
      expect(audit.match(/_cert_login/g)).toHaveLength(1);
      await session.close();
    } finally {
      await federation.stop();
    }
  },
);
