import { DeskError, type ErrorCode, type ErrorDetails } from '../../contract/errors.ts';

/** The way to a session, in order, and what a person reads. An error of `openSession` names the step that failed. */
const stepNames = {
  resolve: 'resolve',
  connect: 'connect',
  tls: 'TLS',
  open: 'open',
  hello: 'hello',
  challenge: 'challenge',
  register: 'register',
  login: 'login',
  commands: 'commands',
};

export type SessionStep = keyof typeof stepNames;

/** A failure on the way to a session, with the step it happened in. */
export class SessionStepError extends DeskError {
  readonly step: SessionStep;

  constructor(step: SessionStep, code: ErrorCode, reason: string, details: ErrorDetails = {}) {
    super(code, `Step ${stepNames[step]}: ${reason}`, details);
    this.name = 'SessionStepError';
    this.step = step;
  }
}

/** The peer broke the protocol. Carries the plain reason; the step is added by whoever knows it. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** What went wrong, in words, without a stack. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
