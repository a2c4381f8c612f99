/** From anything thrown to what a caller may see: never a stack, never a secret. */
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { DeskError, type ErrorAnswer, type FieldError } from '../contract/errors.ts';
import type { Logger } from '../ports.ts';
import { redactText } from '../services/logging/index.ts';

/** Every text in it without secrets: paths and names in it came from a caller, or from files of others. */
const clean = (answer: ErrorAnswer): ErrorAnswer => ({
  ...answer,
  message: redactText(answer.message),
  ...(answer.hint === undefined ? {} : { hint: redactText(answer.hint) }),
  ...(answer.fields === undefined ? {} : { fields: answer.fields.map(cleanField) }),
});

const cleanField = (field: FieldError): FieldError =>
  Object.fromEntries(
    Object.entries(field)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, typeof value === 'string' ? redactText(value) : (value as unknown)]),
  ) as unknown as FieldError;

/** A DeskError as it is; anything else as `internal` with an id under which the log has the details. */
export function describeError(error: unknown, logger: Logger): ErrorAnswer {
  if (error instanceof DeskError) return clean(error.toAnswer());
  if (error instanceof Error && error.name === 'AbortError') {
    return { code: 'cancelled', message: 'Cancelled.', retryable: true };
  }
  const id = randomUUID().slice(0, 8);
  logger.error(`Unexpected failure ${id}.`, { id, error });
  return {
    code: 'internal',
    message: `Something failed that should not have (number ${id}).`,
    hint: `Look for ${id} in the log file of the state folder and report it.`,
    retryable: false,
  };
}

const shortly = (issue: z.core.$ZodIssue): FieldError[] => {
  const at = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: at ? `${at}.${key}` : key, message: 'There is no such field.' }));
  }
  return [{ path: at, message: issue.message }];
};

/** What was wrong with an input: `too_large` when only sizes were, else `invalid_input`. */
export function inputError(name: string, error: z.ZodError): DeskError {
  const onlySizes = error.issues.every((issue) => issue.code === 'too_big');
  const fields = error.issues.flatMap(shortly).slice(0, 50);
  const first = fields[0];
  const where = first?.path ? ` (${first.path}: ${first.message})` : first ? ` (${first.message})` : '';
  return new DeskError(
    onlySizes ? 'too_large' : 'invalid_input',
    `The input of ${name} was refused${where}.`,
    {
      fields,
    },
  );
}
