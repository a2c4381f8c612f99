/** The lab itself: it starts the real NVFlare, and it leaves nothing behind. */
import { existsSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { endMarked, marked, newMark } from '../../lab/keeper.ts';
import { flareVersions, startFederation } from '../../lab/nvflare.ts';
import { freePort, isListening } from '../../lab/ports.ts';
import { startProxy } from '../../lab/proxy.ts';

describe.each(flareVersions)('NVFlare %s', (version) => {
  it('starts a federation, restarts its server, and ends everything', { timeout: 90_000 }, async () => {
    const federation = await startFederation({ version, clients: 2 });
    const { server, clients } = federation;
    try {
      expect(clients.map((client) => client.name)).toEqual(['site-1', 'site-2']);
      expect(await isListening(server.ports[0] ?? 0)).toBe(true);
      expect(existsSync(federation.adminKit())).toBe(true);
      await server.stop();
      expect(await isListening(server.ports[0] ?? 0)).toBe(false);
      await server.start();
      expect(await isListening(server.ports[0] ?? 0)).toBe(true);
    } finally {
      await federation.stop();
    }
    expect([server, ...clients].map((process) => process.alive())).toEqual([false, false, false]);
    expect(existsSync(federation.folder)).toBe(false);
  });
});

describe('keeper', () => {
  it('ends a process that left its group and lost its parent, and no other', async () => {
    const [mark, other] = [newMark(), newMark()];
    for (const one of [mark, other])
      spawn('bash', ['-c', 'setsid sleep 60 & disown; exit'], {
        env: { ...process.env, ...one },
        stdio: 'ignore',
      });
    await sleep(300);
    expect(marked(mark)).toHaveLength(1);
    await endMarked(mark);
    expect(marked(mark)).toHaveLength(0);
    expect(marked(other)).toHaveLength(1);
    await endMarked(other, 0);
  });
});

describe('proxy', () => {
  it('delays, counts, freezes and cuts', async () => {
    const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
    const targetPort = await freePort();
    await new Promise<void>((resolve) => echo.listen(targetPort, '127.0.0.1', resolve));
    const proxy = await startProxy({ targetPort, delay: 60 });
    const socket = connect(proxy.port, '127.0.0.1');
    const begin = performance.now();
    socket.write('hello');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toBe('hello');
    expect(performance.now() - begin).toBeGreaterThanOrEqual(115);
    expect(proxy.counts).toEqual({ connections: 1, toTarget: 5, fromTarget: 5 });
    proxy.freeze(true);
    socket.write('silence');
    expect(await Promise.race([once(socket, 'data'), sleep(250, 'nothing')])).toBe('nothing');
    proxy.freeze(false);
    await once(socket, 'data');
    const closed = once(socket, 'error');
    proxy.cut();
    expect(((await closed)[0] as NodeJS.ErrnoException).code).toBe('ECONNRESET');
    await proxy.stop();
    await new Promise((resolve) => echo.close(resolve));
  });
});
