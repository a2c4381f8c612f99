import { expect, it, vi } from 'vitest';

const showMessageBox = vi.fn(() => Promise.resolve({ response: 0 }));
vi.mock('electron', () => ({ dialog: { showMessageBox } }));
const { watchMain } = await import('../../../src-main/electron/crash.ts');

it('logs every error nobody caught, tells the person once, and goes on', () => {
  const on = vi.spyOn(process, 'on').mockReturnValue(process);
  const error = vi.fn();
  watchMain(() => ({}) as never, { error, warn: vi.fn(), info: vi.fn(), debug: vi.fn() });
  const handlers = new Map(on.mock.calls as unknown as [string, (error: unknown) => void][]);
  on.mockRestore();
  expect([...handlers.keys()]).toEqual(['uncaughtException', 'unhandledRejection']);
  for (const handler of handlers.values()) handler(new Error('astray'));
  expect(error).toHaveBeenCalledTimes(2);
  expect(showMessageBox).toHaveBeenCalledTimes(1);
});
