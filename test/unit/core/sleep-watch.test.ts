import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchSleep } from '../../../src-main/core/sleep-watch.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** The clock goes on, the timers stand still. */
const sleep = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);

it('notices a sleep once, soon after it', () => {
  const slept = vi.fn();
  const watch = watchSleep(slept);
  vi.advanceTimersByTime(600_000);
  expect(slept).not.toHaveBeenCalled();
  sleep(3_600_000);
  vi.advanceTimersByTime(5_000);
  expect(slept).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(600_000);
  expect(slept).toHaveBeenCalledTimes(1);
  watch.stop();
});

it('takes a busy while for no sleep, nor a sleep it was told of, nor a clock set back', () => {
  const slept = vi.fn();
  const watch = watchSleep(slept);
  sleep(20_000);
  vi.advanceTimersByTime(5_000);
  sleep(3_600_000);
  watch.known();
  vi.advanceTimersByTime(5_000);
  sleep(-3_600_000);
  vi.advanceTimersByTime(5_000);
  expect(slept).not.toHaveBeenCalled();
  watch.stop();
  sleep(3_600_000);
  vi.advanceTimersByTime(60_000);
  expect(slept).not.toHaveBeenCalled();
});
