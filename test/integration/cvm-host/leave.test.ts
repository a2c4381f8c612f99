/** Taking sites out of a real federation by command, in the only order that does not stop the others. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CoreParts } from '../../../src-main/core/context.ts';
import { leaveWith } from '../../../src-main/core/leave-federation.ts';
import { createSessionPool } from '../../../src-main/core/session-pool.ts';
import type { SiteTarget } from '../../../src-main/services/sites/index.ts';
import { flareVersions, type LabFederation, startFederation } from '../../lab/nvflare.ts';
import { silentLogger } from '../../lab/silent-logger.ts';

const target = (name: string, type: SiteTarget['type']): SiteTarget => ({
  name,
  type,
  ssh: { host: 'nowhere' },
  directory: '/nowhere',
});

describe.each(flareVersions)('%s', (version) => {
  let federation: LabFederation;
  const sessions = createSessionPool({ clock: { now: () => Date.now() }, logger: silentLogger, keepMs: 0 });
  const core = { sessions } as unknown as CoreParts;

  beforeAll(async () => {
    federation = await startFederation({
      version,
      clients: 2,
      admins: [{ name: 'admin@nvidia.com', role: 'project_admin' }],
    });
  });
  afterAll(async () => {
    await sessions.dispose();
    await federation?.stop();
  });

  test('a server waits for its clients; a client leaves and the other stays; then the server goes', async () => {
    const leave = leaveWith(core, join(federation.prod, 'admin@nvidia.com'));
    const [first, second] = federation.clients.map(({ name }) => name);
    const server = federation.server.name;
    await expect(leave(target(server, 'server'), {})).rejects.toMatchObject({ code: 'conflict' });
    await expect(leave(target(first ?? '', 'client'), {})).resolves.toMatch(
      /^left the federation after \d+ s$/,
    );
    await expect(leave(target(first ?? '', 'client'), {})).resolves.toContain('nothing to leave');
    await expect(leave(target(server, 'server'), {})).rejects.toThrow(second ?? 'no second client');
    await expect(leave(target(second ?? '', 'client'), {})).resolves.toMatch(/^left/);
    await expect(leave(target(server, 'server'), {})).resolves.toContain('shut down');
  });
});
