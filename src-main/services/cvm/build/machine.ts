/** A builder host as the build steps use it: scripts and one download, over SSH or on this machine. */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { DeskError } from '../../../contract/errors.ts';
import {
  printable,
  runScript,
  type ScriptOutput,
  type SshConnection,
  withoutControls,
} from '../../ssh/index.ts';
import { prelude } from './scripts.ts';
import type { BuilderHost } from './types.ts';

export interface RunOptions {
  stdin?: string | Uint8Array | AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
  /** Default 60 000. */
  timeoutMs?: number;
  /** Bytes kept of the output. Default 1 MiB. */
  maxOutput?: number;
}

export interface Machine {
  readonly host: BuilderHost;
  /** `builder-1`, for messages. */
  readonly label: string;
  readonly isLocal: boolean;
  /** The account's home folder there, once it is known. */
  home?: string;
  /** False once the connection has ended. */
  readonly isOpen: boolean;
  run(script: string, args?: readonly string[], options?: RunOptions): Promise<ScriptOutput>;
  /** Brings a file of the host into a new file here. Errors: those of SFTP and of the file system. */
  fetch(path: string, to: string, options: FetchOptions): Promise<void>;
  close(): void;
}

export interface FetchOptions {
  bytes: number;
  signal?: AbortSignal;
  progress?: (done: number) => void;
}

const argsFor = (host: BuilderHost, args: readonly string[]) => [
  host.directory,
  (host.path ?? []).join(':'),
  ...args,
];

export function remoteMachine(host: BuilderHost, connection: SshConnection): Machine {
  return {
    host,
    label: host.name,
    isLocal: false,
    get isOpen() {
      return !connection.closed;
    },
    run: (script, args = [], options = {}) =>
      runScript(connection, prelude + script, argsFor(host, args), options),
    async fetch(path, to, { bytes, signal, progress }) {
      const sftp = await connection.sftp(signal ? { signal } : {});
      try {
        await sftp.download(path, to, {
          bytes,
          ...(signal ? { signal } : {}),
          ...(progress ? { progress } : {}),
        });
      } finally {
        sftp.close();
      }
    },
    close: () => connection.close(),
  };
}

export function localMachine(host: BuilderHost): Machine {
  return {
    host,
    label: host.name,
    isLocal: true,
    isOpen: true,
    run: (script, args = [], options = {}) => runHere(prelude + script, argsFor(host, args), options),
    async fetch(path, to, { signal, bytes, progress }) {
      signal?.throwIfAborted();
      await copyFile(path, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      progress?.(bytes);
    },
    close: () => undefined,
  };
}

function runHere(script: string, args: readonly string[], options: RunOptions): Promise<ScriptOutput> {
  const limit = options.maxOutput ?? 1024 * 1024;
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', `LC_ALL=C; export LC_ALL\n${script}`, 'flaredesk', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    let size = 0;
    let errors = '';
    const fail = (error: DeskError) => {
      child.kill('SIGTERM');
      reject(error);
    };
    const timer = setTimeout(
      () =>
        fail(new DeskError('timeout', 'A command on this machine did not end in time.', { retryable: true })),
      options.timeoutMs ?? 60_000,
    );
    const onAbort = () => fail(new DeskError('cancelled', 'Cancelled.'));
    options.signal?.addEventListener('abort', onAbort, { once: true });
    if (options.signal?.aborted === true) onAbort();
    child.stdout.on('data', (chunk: Buffer) => {
      if (size < limit) out.push(chunk.subarray(0, limit - size));
      size += chunk.length;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (errors.length < 2000) errors += chunk.toString('utf8');
    });
    child.on('error', (error) =>
      reject(new DeskError('unsupported', `No shell on this machine: ${error.message}.`)),
    );
    child.on('close', (code) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      resolve({ code: code ?? 1, output: Buffer.concat(out), errors: errors.trim().slice(0, 2000) });
    });
    child.stdin.on('error', () => undefined);
    const { stdin } = options;
    if (stdin === undefined || typeof stdin === 'string' || stdin instanceof Uint8Array)
      child.stdin.end(stdin);
    else pipeline(stdin, child.stdin).catch(() => child.stdin.destroy());
  });
}

/** The lines of a script's output that are not empty. */
export const linesOf = ({ output }: ScriptOutput): string[] =>
  output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map(withoutControls);

/** The values of lines `key value`, the last of each key. */
export const valuesOf = (lines: readonly string[]): Map<string, string> =>
  new Map(
    lines.map((line) => {
      const at = line.indexOf(' ');
      return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );

/** As `run`, but a non-zero end is an error that says what was being done. */
export async function must(
  machine: Machine,
  doing: string,
  script: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string[]> {
  const result = await machine.run(script, args, options);
  if (result.code === 0) return linesOf(result);
  const said = printable(result.errors || 'no reason was given', 400);
  const message = `${doing} failed on ${machine.label}: ${said}.`;
  if (/no space left|disk quota exceeded/i.test(said))
    throw new DeskError('remote_failed', message, {
      hint: 'Free some space on the builder host, then retry.',
      retryable: true,
    });
  if (/permission denied|read-only file system|cannot be made/i.test(said))
    throw new DeskError('denied', message, {
      hint: 'Give the account the folder, or name another "directory" for this builder in desk.yml.',
    });
  throw new DeskError('remote_failed', message, { retryable: true });
}
