/** A logger that writes JSON lines to a file of limited size, without secrets. */
import { appendFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Logger } from '../../ports.ts';
import { redact, redactText } from './redact.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof levels)[number];

export interface FileLoggerOptions {
  /** The folder of the log; made with mode 700 when missing. */
  folder: string;
  level: LogLevel;
  /** A file that has grown to this many bytes is moved to `.1`, `.2`, … */
  maxBytes: number;
  /** Files kept, the current one among them. */
  maxFiles: number;
  clock: Clock;
}

/** The longest line written; more is cut, so that one huge message cannot push everything else out. */
const maxLine = 64 * 1024;

/**
 * A logger whose lines go to `folder/flaredesk.log`, oldest files dropped. Never throws: a full disk must not
 * stop the work that is being logged.
 */
export function createFileLogger(options: FileLoggerOptions): Logger {
  const file = join(options.folder, 'flaredesk.log');
  const lowest = levels.indexOf(options.level);
  let size: number | undefined;

  const rotate = (): void => {
    for (let index = options.maxFiles - 1; index >= 1; index -= 1) {
      const from = index === 1 ? file : `${file}.${index - 1}`;
      try {
        renameSync(from, `${file}.${index}`);
      } catch {
        // Not there yet.
      }
    }
    if (options.maxFiles <= 1) rmSync(file, { force: true });
    size = 0;
  };

  const write = (level: LogLevel, message: string, data?: Record<string, unknown>): void => {
    if (levels.indexOf(level) < lowest) return;
    try {
      if (size === undefined) {
        mkdirSync(options.folder, { recursive: true, mode: 0o700 });
        size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      }
      const entry = {
        at: new Date(options.clock.now()).toISOString(),
        level,
        message: redactText(message),
        ...(data === undefined ? {} : { data: redact(data) }),
      };
      let line = JSON.stringify(entry);
      if (line.length > maxLine) {
        line = JSON.stringify({
          at: entry.at,
          level,
          message: entry.message.slice(0, 4096),
          cut: line.length,
        });
      }
      if (size + line.length + 1 > options.maxBytes && size > 0) rotate();
      appendFileSync(file, `${line}\n`, { mode: 0o600 });
      size += Buffer.byteLength(line) + 1;
    } catch {
      // See the doc comment.
    }
  };

  return {
    debug: (message, data) => write('debug', message, data),
    info: (message, data) => write('info', message, data),
    warn: (message, data) => write('warn', message, data),
    error: (message, data) => write('error', message, data),
  };
}
