/** The output of builds as kept here: one file per build, line by line with time and pipe, without secrets. */
import { appendFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../../ports.ts';
import { redactText } from '../../logging/index.ts';
import { withoutControls } from '../../ssh/index.ts';

export interface BuildLogLine {
  /** Milliseconds since the epoch: when it was seen here. */
  at: number;
  /** `desk`: our own word on what is done. */
  from: 'stdout' | 'stderr' | 'desk';
  text: string;
}

export interface BuildLogs {
  /** Begins the log of a build afresh. */
  reset(build: string): void;
  add(build: string, lines: readonly BuildLogLine[]): void;
  /** The lines so far, then each batch that follows, until the returned function is called. */
  follow(build: string, onLines: (lines: BuildLogLine[]) => void): Promise<() => void>;
  /** Resolves when everything said so far is on the disk. */
  flushed(): Promise<void>;
}

const keptLogs = 200;
const marks = { stdout: 'O', stderr: 'E', desk: 'D' } as const;
const names = { O: 'stdout', E: 'stderr', D: 'desk' } as const;
/** Longer lines are progress bars or bytes. */
const longestLine = 2000;

/** Logs in `folder` (made with mode 700). Writing never fails the work: what cannot be written is told to the logger. */
export function createBuildLogs(folder: string, logger: Logger): BuildLogs {
  const listeners = new Map<string, Set<(lines: BuildLogLine[]) => void>>();
  const fileOf = (build: string): string => join(folder, `${build.replaceAll(/[^A-Za-z0-9]/g, '_')}.log`);
  let turn: Promise<unknown> = mkdir(folder, { recursive: true, mode: 0o700 })
    .then(prune)
    .catch((error: unknown) => logger.warn('The folder of build logs cannot be used.', { error }));

  async function prune(): Promise<void> {
    const found = await readdir(folder);
    if (found.length <= keptLogs) return;
    const aged = await Promise.all(
      found.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
    );
    aged.sort((a, b) => b.at - a.at);
    for (const { name } of aged.slice(keptLogs)) await rm(join(folder, name), { force: true });
  }

  const then = (work: () => Promise<unknown>): void => {
    turn = turn
      .then(work)
      .catch((error: unknown) => logger.warn('A build log could not be written.', { error }));
  };
  const clean = (line: BuildLogLine): BuildLogLine => ({
    ...line,
    text: redactText(withoutControls(line.text)).slice(0, longestLine),
  });

  return {
    reset: (build) => then(() => rm(fileOf(build), { force: true })),
    add(build, lines) {
      if (lines.length === 0) return;
      const cleaned = lines.map(clean);
      const text = cleaned.map(({ at, from, text: said }) => `${at} ${marks[from]} ${said}\n`).join('');
      then(() => appendFile(fileOf(build), text, { mode: 0o600 }));
      for (const listener of listeners.get(build) ?? []) listener(cleaned);
    },
    async follow(build, onLines) {
      await turn;
      const set = listeners.get(build) ?? new Set();
      listeners.set(build, set);
      // What is said while the file is read comes after it, once.
      const held: BuildLogLine[] = [];
      let reading = true;
      const listener = (lines: BuildLogLine[]): void => {
        if (reading) held.push(...lines);
        else onLines(lines);
      };
      const text = await readFile(fileOf(build), 'utf8').catch(() => '');
      set.add(listener);
      const lines = text
        .split('\n')
        .slice(0, -1)
        .flatMap((line) => parse(line));
      if (lines.length > 0) onLines(lines);
      reading = false;
      if (held.length > 0) onLines(held);
      return () => {
        set.delete(listener);
        if (set.size === 0) listeners.delete(build);
      };
    },
    flushed: async () => void (await turn),
  };
}

function parse(line: string): BuildLogLine[] {
  const found = /^(\d+) ([OED]) (.*)$/.exec(line);
  if (!found) return [];
  return [{ at: Number(found[1]), from: names[found[2] as keyof typeof names], text: found[3] ?? '' }];
}

/** Cuts a flow of bytes into lines; of a line that was written over with carriage returns the last state counts. */
export class LineCutter {
  #rest = '';
  readonly #decoder = new TextDecoder();

  push(bytes: Uint8Array): string[] {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    const lines = this.#rest.split('\n');
    this.#rest = (lines.pop() ?? '').slice(-65_536);
    return lines.map(lastState);
  }

  /** What stands after the last line end. */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' ? [] : [lastState(rest)];
  }
}

function lastState(line: string): string {
  const text = line.replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1);
}
