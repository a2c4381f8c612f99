import { EventEmitter } from 'node:events';
import { expect, it, vi } from 'vitest';
import { followPower } from '../../../src-main/electron/power.ts';

it('locks before the computer sleeps and with the screen, and looks again after the sleep', () => {
  const monitor = new EventEmitter();
  const lock = vi.fn();
  const slept = vi.fn();
  followPower(monitor as never, { lock, slept });
  monitor.emit('lock-screen');
  expect(lock).toHaveBeenCalledTimes(1);
  monitor.emit('unlock-screen');
  monitor.emit('suspend');
  expect(lock).toHaveBeenCalledTimes(2);
  expect(slept).not.toHaveBeenCalled();
  monitor.emit('resume');
  expect(slept).toHaveBeenCalledTimes(1);
  expect(lock).toHaveBeenCalledTimes(2);
});
