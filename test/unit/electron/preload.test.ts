/** The bridge to a page: what it exposes, what it lets through, how much it is. */
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { build } from 'vite';
import { beforeEach, describe, expect, it, vi } from 'vitest';

interface Desk {
  call(name: unknown, payload: unknown): Promise<unknown>;
  open(name: unknown, payload: unknown, onMessage: (message: unknown) => void): Record<string, unknown>;
  cancel(id: string): void;
  onPrompt(ask: (prompt: unknown) => void, withdrawn: (id: unknown) => void): () => void;
  answer(id: string, value: unknown): void;
}

const exposed = new Map<string, unknown>();
const ports: MessagePort[] = [];
vi.mock('electron', () => ({
  contextBridge: { exposeInMainWorld: (name: string, api: unknown) => exposed.set(name, api) },
  ipcRenderer: {
    postMessage: (_channel: string, _message: unknown, [port]: MessagePort[]) => port && ports.push(port),
  },
}));

let desk: Desk;
let main: MessagePort;
const heard: unknown[] = [];

beforeEach(async () => {
  exposed.clear();
  ports.length = heard.length = 0;
  vi.resetModules();
  await import('../../../src-main/electron/preload.ts');
  desk = exposed.get('desk') as Desk;
  main = ports[0] as MessagePort;
  main.on('message', (message) => heard.push(message));
});

describe('the preload script', () => {
  it('exposes five functions under one name, and no more', () => {
    expect([...exposed.keys()]).toEqual(['desk']);
    expect(Object.entries(desk).map(([name, value]) => `${name}: ${typeof value}`)).toEqual([
      'call: function',
      'open: function',
      'cancel: function',
      'onPrompt: function',
      'answer: function',
    ]);
    expect(ports).toHaveLength(1);
  });

  it.each(['no.such', '__proto__', 'constructor', 'prompts.confirm', 'desk:connect', '', 7, null])(
    'sends nothing under the name %j',
    async (name) => {
      expect(() => desk.call(name, {})).toThrow('no such name');
      expect(() => desk.open(name, {}, () => undefined)).toThrow('no such name');
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(heard).toEqual([]);
    },
  );

  it('hands plain values to the page, never an event', async () => {
    const given: unknown[] = [];
    const prompts: unknown[] = [];
    desk.onPrompt(
      (prompt) => prompts.push(prompt),
      (id) => prompts.push(id),
    );
    desk.open('tasks.recent', {}, (message) => given.push(message));
    const answer = desk.call('settings.get', {});
    await expect.poll(() => heard).toHaveLength(2);
    main.postMessage({ kind: 'channel', id: 1, message: { kind: 'snapshot', value: 1 } });
    main.postMessage({ kind: 'answer', id: 2, envelope: { ok: true, value: 2 } });
    main.postMessage({ kind: 'prompt', prompt: { name: 'prompts.confirm', id: 'a' } });
    main.postMessage({ kind: 'prompt', prompt: { name: 'prompts.of_another_kind', id: 'b' } });
    main.postMessage({ kind: 'withdrawn', id: 'a' });
    expect(await answer).toEqual({ ok: true, value: 2 });
    await expect.poll(() => prompts).toHaveLength(2);
    expect(given).toEqual([{ kind: 'snapshot', value: 1 }]);
    expect(prompts).toEqual([{ name: 'prompts.confirm', id: 'a' }, 'a']);
  });

  it('ends what waits, and what comes later, when main refuses the page', async () => {
    const ends: unknown[] = [];
    const waiting = desk.call('settings.get', {});
    desk.open('tasks.recent', {}, (message) => ends.push(message));
    main.postMessage({ kind: 'refused' });
    const denied = { ok: false, error: { code: 'denied' } };
    expect(await waiting).toMatchObject(denied);
    expect(await desk.call('settings.get', {})).toMatchObject(denied);
    desk.open('tasks.recent', {}, (message) => ends.push(message));
    expect(ends).toMatchObject([
      { kind: 'end', result: denied },
      { kind: 'end', result: denied },
    ]);
  });

  it('is at most 10 kB, with everything it imports', { timeout: 60_000 }, async () => {
    const root = join(import.meta.dirname, '../../..');
    const built = await build({
      root,
      configFile: false,
      logLevel: 'silent',
      build: {
        write: false,
        minify: true,
        rollupOptions: {
          input: join(root, 'src-main/electron/preload.ts'),
          external: ['electron'],
          output: { format: 'cjs' },
        },
      },
    });
    const files = (Array.isArray(built) ? built : [built]).flatMap((one) =>
      'output' in one ? one.output : [],
    );
    expect(files).toHaveLength(1);
    const code = files[0]?.type === 'chunk' ? files[0].code : '';
    expect(code).toContain('desk:connect');
    expect(Buffer.byteLength(code)).toBeLessThanOrEqual(10_240);
  });
});
