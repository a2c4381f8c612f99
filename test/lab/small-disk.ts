/** A place that can be full or read-only even for root. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Said where a test cannot have one. */
export const noSmallDisk = 'this machine lets us mount nothing';

/** A small file system of its own; undefined where this machine does not let us mount one. */
export function smallDisk(
  folder: string,
  options: string,
): { unmount(): void; readOnly(): void } | undefined {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return {
    unmount: () => execFileSync('umount', [folder]),
    readOnly: () => execFileSync('mount', ['-o', 'remount,ro', folder]),
  };
}
