import type { ErrorAnswer, ErrorCode } from '../contract/errors.ts';

/** 0 done · 1 failed · 2 bad usage or invalid input · 3 partly done · 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 3 | 130;

/** Errors that say: what was asked for is wrong, and nothing was changed. */
const wrongInput: ReadonlySet<ErrorCode> = new Set([
  'bad_usage',
  'invalid_input',
  'not_found',
  'needs_confirmation',
  'unsupported',
  'too_large',
]);

export function exitCodeOf(error: Pick<ErrorAnswer, 'code'>): ExitCode {
  if (error.code === 'cancelled') return 130;
  return wrongInput.has(error.code) ? 2 : 1;
}
