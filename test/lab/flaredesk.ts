/** The `flaredesk` command as a person's script uses it: a process of its own, one JSON document as the answer. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface FlaredeskError {
  code: string;
  message: string;
  hint?: string;
  retryable?: boolean;
  fields?: { file?: string; line?: number; message: string }[];
}

export type FlaredeskAnswer<Value> = { code: number; seconds: number; stderr: string } & (
  | { ok: true; value: Value }
  | { ok: false; error: FlaredeskError }
);

export interface FlaredeskOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Ended (with everything it started) after this. */
  seconds?: number;
  signal?: AbortSignal;
  /** Each line of standard error as it comes. */
  onLine?: (line: string) => void;
  /** Run the built command instead of the sources. */
  built?: boolean;
}

/** Runs the command with `--json` and gives its answer. Throws when there is no JSON document on standard output. */
export async function flaredesk<Value = Record<string, unknown>>(
  args: string[],
  options: FlaredeskOptions = {},
): Promise<FlaredeskAnswer<Value>> {
  const entry = join(root, options.built ? 'out/main/flaredesk.js' : 'src-main/headless/main.ts');
  const begin = performance.now();
  const child = spawn(process.execPath, [entry, ...args, '--json'], {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    timeout: (options.seconds ?? 180) * 1000,
    signal: options.signal,
    killSignal: 'SIGTERM',
  });
  let stdout = '';
  let stderr = '';
  let partial = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) options.onLine?.(line);
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) =>
      status === null ? reject(new Error(`ended by ${signal}`)) : resolve(status),
    );
  });
  const seconds = (performance.now() - begin) / 1000;
  try {
    const answer = JSON.parse(stdout) as { ok: true; value: Value } | { ok: false; error: FlaredeskError };
    return { code, seconds, stderr, ...answer };
  } catch {
    throw new Error(
      `flaredesk ${args.join(' ')} (exit code ${code}) gave no JSON document:\n${stdout}\n${stderr}`,
    );
  }
}

/** As `flaredesk`, but throws with the error's words when the answer is not `ok`. */
export async function mustFlaredesk<Value = Record<string, unknown>>(
  args: string[],
  options?: FlaredeskOptions,
): Promise<Value> {
  const answer = await flaredesk<Value>(args, options);
  if (answer.ok) return answer.value;
  const { code, message, hint, fields = [] } = answer.error;
  const details = fields
    .map((field) => `\n  ${field.file ?? ''}:${field.line ?? ''} ${field.message}`)
    .join('');
  throw new Error(`flaredesk ${args.join(' ')}: ${code}: ${message}${hint ? ` (${hint})` : ''}${details}`);
}
