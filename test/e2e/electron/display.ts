/** A screen of one's own: Xvfb on a free display, which ends by itself after its time. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Display {
  /** As for the variable DISPLAY. */
  name: string;
  close(): void;
}

/** Starts a virtual screen of 1600 × 1000 that lives at most `seconds`. */
export async function startDisplay(seconds: number): Promise<Display> {
  const child = spawn(
    'timeout',
    [
      '-k',
      '5',
      String(seconds),
      'Xvfb',
      '-displayfd',
      '1',
      '-screen',
      '0',
      '1600x1000x24',
      '-nolisten',
      'tcp',
    ],
    { stdio: ['ignore', 'pipe', 'ignore'], detached: true },
  );
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`Xvfb ended with ${code}.`)));
  });
  failed.catch(() => undefined);
  const number = await Promise.race([
    failed,
    new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve)),
  ]);
  return {
    name: `:${number}`,
    close: () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    },
  };
}
