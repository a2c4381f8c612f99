/** What a host (the command, the desktop app) lends to the core. Types only. */

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
