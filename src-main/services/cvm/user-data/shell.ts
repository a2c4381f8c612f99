/** Where the steps on a drive run: this machine, or the site's host over SSH. */
import { spawn } from 'node:child_process';
import { DeskError } from '../../../contract/errors.ts';
import { runScript, type ScriptOutput, type SshConnection } from '../../ssh/index.ts';

export interface ShellOptions {
  stdin?: Uint8Array;
  signal?: AbortSignal;
  timeoutMs: number;
  maxOutput?: number;
  /** Hears each `step NAME` line as it comes; over SSH at the end. */
  onStep?: (name: string) => void;
}

export interface DriveShell {
  /** For messages: `this machine`, `host-1`. */
  readonly label: string;
  run(script: string, args: readonly string[], options: ShellOptions): Promise<ScriptOutput>;
}

/** The steps as commands on the host behind a connection. */
export const remoteShell = (connection: SshConnection): DriveShell => ({
  label: connection.label,
  run: (script, args, { stdin, signal, timeoutMs, maxOutput }) =>
    runScript(connection, script, args, {
      timeoutMs,
      ...(stdin ? { stdin } : {}),
      ...(signal ? { signal } : {}),
      ...(maxOutput === undefined ? {} : { maxOutput }),
    }),
});

const stepLine = /^step ([a-z]+)$/gm;
const graceMs = 3000;

/** The steps on this machine: a process group of its own, ended as a whole. */
export const localShell: DriveShell = {
  label: 'this machine',
  run: (script, args, { stdin, signal, timeoutMs, maxOutput = 4 * 1024 ** 2, onStep }) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new DeskError('cancelled', 'Cancelled.'));
      const child = spawn('sh', ['-c', script, 'flaredesk', ...args], {
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
      });
      const out: Buffer[] = [];
      let size = 0;
      let errors = '';
      let failure: DeskError | undefined;
      let hard: NodeJS.Timeout | undefined;
      const end = (how: NodeJS.Signals): void => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, how);
        } catch {
          // It has ended by itself.
        }
      };
      const stop = (error: DeskError): void => {
        failure ??= error;
        end('SIGTERM');
        hard ??= setTimeout(() => end('SIGKILL'), graceMs);
      };
      const timer = setTimeout(
        () =>
          stop(new DeskError('timeout', 'The work on the drive did not end in time.', { retryable: true })),
        timeoutMs,
      );
      const onAbort = (): void => stop(new DeskError('cancelled', 'Cancelled.'));
      signal?.addEventListener('abort', onAbort, { once: true });
      child.stdout.on('data', (chunk: Buffer) => {
        if (size < maxOutput) out.push(chunk.subarray(0, maxOutput - size));
        size += chunk.length;
        if (onStep) for (const [, name = ''] of chunk.toString('latin1').matchAll(stepLine)) onStep(name);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        if (errors.length < 2000) errors += chunk.toString('utf8');
      });
      child.stdin.on('error', () => undefined);
      child.stdin.end(stdin ?? '');
      const done = (): void => {
        clearTimeout(timer);
        clearTimeout(hard);
        signal?.removeEventListener('abort', onAbort);
      };
      child.on('error', (error) => {
        done();
        reject(
          new DeskError('unsupported', `There is no POSIX shell on this machine: ${error.message}.`, {
            hint: "Work on the drive on the site's host.",
          }),
        );
      });
      child.on('close', (code) => {
        done();
        if (failure) reject(failure);
        else if (size > maxOutput) reject(new DeskError('too_large', 'The file is too large to be shown.'));
        else resolve({ code: code ?? 1, output: Buffer.concat(out), errors: errors.trim().slice(0, 2000) });
      });
    }),
};
