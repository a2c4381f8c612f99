import { beforeEach, describe, expect, it } from 'vitest';
import { createSessionPool, type SessionPoolOptions } from '../../../src-main/core/session-pool.ts';
import type { AdminSession, SessionState } from '../../../src-main/services/flare/index.ts';

type Opener = NonNullable<SessionPoolOptions['opener']>;
let opened: { end(): void; go(state: SessionState): void; closed: boolean }[];
let refuse: Error | undefined;

const opener = (() =>
  Promise.resolve({
    openAdminKit: (folder: string) => Promise.resolve({ folder, projectName: 'north' }),
    openSession: () => {
      if (refuse) return Promise.reject(refuse);
      let state: SessionState = 'connected';
      const listeners = new Set<(state: SessionState) => void>();
      let end: (() => void) | undefined;
      const ended = new Promise<void>((resolve) => (end = resolve));
      const go = (next: SessionState): void => {
        state = next;
        for (const listener of listeners) listener(next);
      };
      const entry = { end: () => end?.(), go, closed: false };
      opened.push(entry);
      return Promise.resolve({
        identity: { user: 'admin@x', org: 'hq', role: 'lead' },
        serverVersion: '2.8.1',
        get state() {
          return state;
        },
        ended,
        onState: (listener: (state: SessionState) => void) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        close: () => {
          entry.closed = true;
          end?.();
          return Promise.resolve();
        },
      } as unknown as AdminSession);
    },
  })) as unknown as Opener;

const pool = (keepMs: number) =>
  createSessionPool({
    clock: { now: () => Date.now() },
    logger: {} as SessionPoolOptions['logger'],
    keepMs,
    opener,
  });
const use = { signal: new AbortController().signal };
const settle = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(() => {
  opened = [];
  refuse = undefined;
});

describe('the session pool', () => {
  it('shares one session among those who work at the same time, by kit and study', async () => {
    const sessions = pool(1000);
    const work = () => settle();
    await Promise.all([
      sessions.use({ kit: 'a' }, use, work),
      sessions.use({ kit: 'a' }, use, work),
      sessions.use({ kit: 'a', study: 's' }, use, work),
      sessions.use({ kit: 'b' }, use, work),
    ]);
    expect(opened).toHaveLength(3);
    await sessions.dispose();
    expect(opened.every(({ closed }) => closed)).toBe(true);
  });

  it('closes at once when nothing is to be kept, else after a while of rest', async () => {
    const atOnce = pool(0);
    await atOnce.use({ kit: 'a' }, use, () => Promise.resolve());
    expect(opened[0]?.closed).toBe(true);
    const kept = pool(30);
    await kept.use({ kit: 'a' }, use, () => Promise.resolve());
    await kept.use({ kit: 'a' }, use, () => Promise.resolve());
    expect(opened).toHaveLength(2);
    expect(opened[1]?.closed).toBe(false);
    await settle(80);
    expect(opened[1]?.closed).toBe(true);
    await kept.use({ kit: 'a' }, use, () => Promise.resolve());
    expect(opened).toHaveLength(3);
    await kept.dispose();
  });

  it('opens anew after a session ended by itself, and after a refused login', async () => {
    const sessions = pool(1000);
    await sessions.use({ kit: 'a' }, use, () => Promise.resolve());
    opened[0]?.end();
    await settle();
    await sessions.use({ kit: 'a' }, use, () => Promise.resolve());
    expect(opened).toHaveLength(2);
    refuse = new Error('no');
    await expect(sessions.use({ kit: 'b' }, use, () => Promise.resolve())).rejects.toThrow('no');
    refuse = undefined;
    await sessions.use({ kit: 'b' }, use, () => Promise.resolve());
    expect(opened).toHaveLength(3);
    await sessions.dispose();
  });

  it('lets the work of one fail without harm to the other', async () => {
    const sessions = pool(1000);
    await expect(sessions.use({ kit: 'a' }, use, () => Promise.reject(new Error('mine')))).rejects.toThrow(
      'mine',
    );
    await sessions.use({ kit: 'a' }, use, () => Promise.resolve());
    expect(opened).toHaveLength(1);
    await sessions.dispose();
  });

  it('shows every session with its state, and takes it from the list when it is over', async () => {
    const sessions = pool(1000);
    await sessions.open({ kit: 'a' }, use);
    const shown = () => sessions.connections.get().sessions;
    expect(shown()).toMatchObject([{ user: 'admin@x', project: 'north', state: 'connected' }]);
    opened[0]?.go('reconnecting');
    expect(shown()).toMatchObject([{ state: 'reconnecting' }]);
    opened[0]?.end();
    await settle();
    expect(shown()).toEqual([]);
  });
});
