/** Taking a client out of the federation, also one that misses the first signal. */
import { describe, expect, it } from 'vitest';
import type { CoreParts } from '../../../src-main/core/context.ts';
import { leaveWith } from '../../../src-main/core/leave-federation.ts';
import type { SiteTarget } from '../../../src-main/services/sites/index.ts';

const target: SiteTarget = { name: 'site-1', type: 'client', ssh: { host: 'nowhere' }, directory: '/' };
const times = { poll: 1, repeat: 20, limit: 300 };

/** A server whose client leaves at the signal of that number; what was asked of it. */
function serverWith(leavesAt: number, answer: (signal: number) => void = () => undefined) {
  const asked: string[] = [];
  let signals = 0;
  let warned = 0;
  const execute = async (line: string) => {
    await Promise.resolve();
    asked.push(line);
    if (line.startsWith('shutdown')) {
      signals += 1;
      answer(signals);
      return { ok: true, status: 'ok', items: [], meta: {} };
    }
    const clients =
      signals >= leavesAt
        ? [{ client_name: 'site-2' }]
        : [{ client_name: 'site-1' }, { client_name: 'site-2' }];
    return { ok: true, status: 'ok', items: [], meta: { clients } };
  };
  const use = (_request: unknown, _use: unknown, work: (opened: { session: unknown }) => unknown) =>
    work({ session: { execute } });
  const core = { sessions: { use }, logger: { warn: () => (warned += 1) } } as unknown as CoreParts;
  const shutdowns = () => asked.filter((line) => line.startsWith('shutdown'));
  return { core, shutdowns, warnings: () => warned };
}

describe('leaving the federation', () => {
  it('tells a client once that leaves at once', async () => {
    const server = serverWith(1);
    await expect(leaveWith(server.core, 'kit', times)(target, {})).resolves.toMatch(/^left/);
    expect(server.shutdowns()).toEqual(['shutdown client site-1']);
  });

  it('tells a client again that missed the signal', async () => {
    const server = serverWith(3);
    await expect(leaveWith(server.core, 'kit', times)(target, {})).resolves.toMatch(/^left/);
    expect(server.shutdowns()).toEqual(Array.from({ length: 3 }, () => 'shutdown client site-1'));
  });

  it('gives up at its limit, having told it a bounded number of times', async () => {
    const server = serverWith(Number.POSITIVE_INFINITY);
    await expect(leaveWith(server.core, 'kit', times)(target, {})).rejects.toMatchObject({ code: 'timeout' });
    expect(server.shutdowns().length).toBeGreaterThan(1);
    expect(server.shutdowns().length).toBeLessThanOrEqual(times.limit / times.repeat + 1);
  });

  it('fails when the first command does, and goes on when a repetition does', async () => {
    const refused = serverWith(2, () => {
      throw new Error('refused');
    });
    await expect(leaveWith(refused.core, 'kit', times)(target, {})).rejects.toThrow('refused');
    const busy = serverWith(3, (signal) => {
      if (signal === 2) throw new Error('busy');
    });
    await expect(leaveWith(busy.core, 'kit', times)(target, {})).resolves.toMatch(/^left/);
    expect(busy.warnings()).toBe(1);
  });

  it('stops when it is called off', async () => {
    const stop = new AbortController();
    const server = serverWith(Number.POSITIVE_INFINITY, () => stop.abort());
    await expect(leaveWith(server.core, 'kit', times)(target, { signal: stop.signal })).rejects.toThrow();
    expect(server.shutdowns()).toHaveLength(1);
  });
});
