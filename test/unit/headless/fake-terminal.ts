/** A terminal in memory. */
import { mkdtempSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { afterEach } from 'vitest';
import { runCommandLine } from '../../../src-main/headless/program.ts';
import type { Terminal } from '../../../src-main/headless/terminal.ts';

export interface FakeTerminal extends Terminal {
  out(): string;
  err(): string;
  /** What the person types. */
  type(text: string): void;
  /** Ctrl-C. */
  interrupt(): void;
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function fakeTerminal(
  options: { tty?: boolean; environment?: Record<string, string> } = {},
): FakeTerminal {
  const folder = mkdtempSync(join(tmpdir(), 'core-cli-'));
  folders.push(folder);
  const collect = (): {
    stream: PassThrough & { isTTY?: boolean; columns?: number; rows?: number };
    text: () => string;
  } => {
    const stream = new PassThrough();
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    return {
      stream: options.tty ? Object.assign(stream, { isTTY: true, columns: 80, rows: 24 }) : stream,
      text: () => text,
    };
  };
  const out = collect();
  const err = collect();
  const stdin = new PassThrough();
  const listeners = new Set<() => void>();
  return {
    stdin: options.tty ? Object.assign(stdin, { isTTY: true }) : stdin,
    stdout: out.stream,
    stderr: err.stream,
    environment: { FLAREDESK_CHECK: '1', ...options.environment },
    currentFolder: folder,
    program: join(folder, 'flaredesk.js'),
    home: folder,
    user: 'tester',
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    out: out.text,
    err: err.text,
    type: (text) => void stdin.write(text),
    interrupt: () => listeners.forEach((listener) => listener()),
  };
}

/** Runs one command line and answers everything it said. */
export async function run(words: readonly string[], terminal = fakeTerminal()) {
  const exit = await runCommandLine(words, terminal);
  await new Promise((resolve) => setImmediate(resolve));
  return { exit, out: terminal.out(), err: terminal.err(), terminal };
}

export interface JsonAnswer {
  ok: boolean;
  value?: Record<string, unknown>;
  error?: { code: string; message: string; hint?: string; retryable: boolean; fields?: object[] };
}

/** Runs with `--json`; fails unless standard output is exactly one JSON document. */
export async function runJson(words: readonly string[], terminal = fakeTerminal()) {
  const { exit, out, err } = await run([...words, '--json'], terminal);
  if (out.trimEnd().includes('\n')) throw new Error(`more than one line: ${out}`);
  return { exit, err, answer: JSON.parse(out) as JsonAnswer };
}
