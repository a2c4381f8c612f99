/** What the command has of its surroundings, so that tests can stand in for a terminal. */
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Writable & { isTTY?: boolean; columns?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly currentFolder: string;
  /** Path of the running program. */
  readonly program: string;
  readonly home: string;
  readonly user: string;
  /** Calls back on each Ctrl-C (and on the request to end); answers how to stop listening. */
  onInterrupt(listener: () => void): () => void;
}

/** Colours only where a person looks, and did not say no (https://no-color.org). */
export function paint(terminal: Terminal, stream: 'stdout' | 'stderr') {
  const on =
    terminal[stream].isTTY === true &&
    !terminal.environment['NO_COLOR'] &&
    terminal.environment['TERM'] !== 'dumb';
  const wrap = (code: number) => (text: string) => (on ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: wrap(1), dim: wrap(2), red: wrap(31), green: wrap(32), yellow: wrap(33), cyan: wrap(36) };
}

export type Paint = ReturnType<typeof paint>;
