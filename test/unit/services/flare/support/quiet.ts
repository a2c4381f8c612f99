import { expect } from 'vitest';
import type { SessionStep } from '../../../../../src-main/services/flare/errors.ts';
import { SessionStepError } from '../../../../../src-main/services/flare/index.ts';

/** Waits for the error of a failed opening and checks what a person would be told. */
export async function failure(opening: Promise<unknown>): Promise<SessionStepError> {
  const error: unknown = await opening.then(
    () => {
      throw new Error('the session opened');
    },
    (reason: unknown) => reason,
  );
  if (!(error instanceof SessionStepError)) throw error;
  expect(error.message.length).toBeGreaterThan(20);
  expect(error.hint ?? '').not.toBe('');
  expect(error.message).not.toMatch(/undefined|\[object|at .*\.ts:/);
  return error;
}

export interface Expected {
  step: SessionStep;
  code: string;
  message?: RegExp;
}

export async function fails(opening: Promise<unknown>, expected: Expected): Promise<void> {
  const { step, code, message } = await failure(opening);
  expect({ step, code }).toEqual({ step: expected.step, code: expected.code });
  if (expected.message) expect(message).toMatch(expected.message);
}

export async function until(check: () => boolean, ms = 3000): Promise<void> {
  const end = Date.now() + ms;
  while (!check()) {
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
