/**
 * The closed set of error codes. A caller decides by the code; the message and the hint are for a person.
 * New codes are added here, never invented at the place of the failure.
 */
export const errorCodes = [
  'bad_usage',
  'invalid_input',
  'not_found',
  'conflict',
  'locked',
  'denied',
  'needs_confirmation',
  'host_key_unknown',
  'host_key_changed',
  'host_key_revoked',
  'auth_failed',
  'cert_expired',
  'cert_untrusted',
  'unreachable',
  'timeout',
  'cancelled',
  'interrupted',
  'remote_failed',
  'integrity',
  'session_lost',
  'unsupported',
  'too_large',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** One place in the input that is wrong. Line and column count from 1. */
export interface FieldError {
  file?: string;
  line?: number;
  column?: number;
  path?: string;
  message: string;
  hint?: string;
}

export interface ErrorDetails {
  hint?: string;
  retryable?: boolean;
  fields?: FieldError[];
  cause?: unknown;
}

/** What crosses the border between main and its callers. Carries no secret and no stack. */
export interface ErrorAnswer {
  code: ErrorCode;
  message: string;
  hint?: string;
  retryable: boolean;
  fields?: FieldError[];
}

/** The one error type that domain and services throw on purpose. Anything else becomes `internal`. */
export class DeskError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly fields: FieldError[] | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DeskError';
    this.code = code;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
    this.fields = details.fields;
  }

  /** The plain object for the envelope. */
  toAnswer(): ErrorAnswer {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      retryable: this.retryable,
      ...(this.fields === undefined ? {} : { fields: this.fields }),
    };
  }
}
