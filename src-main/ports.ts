/** What a host (the command, the desktop app) lends to the core. Types only. */
import type { PromptName } from './contract/names.ts';
import type { PlacePurpose } from './contract/places.ts';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface Logger {
  debug(message: string, data?: Record<string, unknown>): void;
  info(message: string, data?: Record<string, unknown>): void;
  warn(message: string, data?: Record<string, unknown>): void;
  error(message: string, data?: Record<string, unknown>): void;
}

/** A step of long work tells how far it is. `total` is missing while it is unknown. */
export interface Progress {
  step: string;
  target?: string;
  done?: number;
  total?: number;
  unit?: 'bytes' | 'files' | 'sites' | 'keys';
  message?: string;
}

export type ReportProgress = (progress: Progress) => void;

/** Who asks the core: the command, a window. Every call, task and stream is made in its name. */
export interface Caller {
  /** For the audit trail. */
  readonly name: string;
  /**
   * The path behind what the caller sent where an input names a place: itself for a caller that may choose paths,
   * the path behind a token for a page, undefined to refuse.
   */
  placeOf(given: string): string | undefined;
}

/** Puts a question of the contract to a person. The core checks the answer; rejecting means no. */
export type Prompter = (name: PromptName, question: unknown, signal: AbortSignal) => Promise<unknown>;

/** What services may know of the surroundings of this process. */
export interface Environment {
  home: string;
  user: string;
  /** `SSH_AUTH_SOCK`. */
  sshAgentSocket?: string;
  /**
   * For trials: a PEM file with a test ARK and a test ASK, which then count beside AMD's. Everything they vouch for is shown as
   * simulated.
   */
  testAttestationRoot?: string;
}

/** The host's own dialogs and file manager. Missing: a person types paths into a prompt. */
export interface Dialogs {
  /** Undefined when the person changed their mind. */
  pick(purpose: PlacePurpose, suggestedName: string | undefined): Promise<string | undefined>;
  /** Shows a file or folder in the file manager. */
  reveal(path: string): void;
}

/** The host's way to keep secrets so that only this person on this computer can read them. */
export interface SecretBox {
  /** Whether it protects anything now: false without a keychain, or with one that everybody can open. */
  isAvailable(): Promise<boolean>;
  seal(text: string): Promise<Uint8Array>;
  /** Rejects what this box did not seal. `isStale`: to be sealed anew. */
  open(sealed: Uint8Array): Promise<{ text: string; isStale: boolean }>;
}

export interface CorePorts {
  /** Absolute path; made with mode 700 when missing. */
  stateFolder: string;
  /** The version of this program. */
  version: string;
  environment: Environment;
  /** Missing: nobody can be asked, and what needs an answer fails with `needs_confirmation`. */
  prompter?: Prompter;
  dialogs?: Dialogs;
  /** Missing: passphrases are asked each time, and live in memory only. */
  secretBox?: SecretBox;
  /** How long an unused admin session stays open for the next call, milliseconds. Default 0: closed at once. */
  keepSessionsMs?: number;
  clock?: Clock;
  /** Missing: a log file in the state folder. */
  logger?: Logger;
  /** Hold every answer against the contract before it leaves; on in development and tests. */
  checkOutputs?: boolean;
}
