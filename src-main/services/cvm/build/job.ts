/** Any work on a machine that is run as a build is: detached, marked, followed, ended whole. */
import { DeskError } from '../../../contract/errors.ts';
import type { Clock } from '../../../ports.ts';
import type { BuildLogLine } from './build-logs.ts';
import { type BuildEnd, follow, FollowCursor } from './follow.ts';
import { type Machine, must } from './machine.ts';
import { clean, end } from './ending-scripts.ts';
import { begin, prepare, receiveJob, runnerScript } from './scripts.ts';

const cleanupMs = 20_000;
const longMs = 24 * 3600 * 1000;
const graceSeconds = 2;
const pollMs = 300;
const watchdog = { silentSeconds: 3600, longestSeconds: 12 * 3600 };

/** Begins a script (called with one file that holds `input`) beside a folder `context`. Errors: those of the machine. */
export async function beginJob(
  machine: Machine,
  job: { id: string; label: string },
  work: { script: string; input: string; context: AsyncIterable<Uint8Array>; signal: AbortSignal },
): Promise<void> {
  const { signal } = work;
  await must(machine, 'Making the folder of the work', prepare, [job.id], {
    signal,
    stdin: `site ${job.label}\n`,
  });
  const [, path = ''] =
    (
      await must(machine, 'Sending the files', receiveJob, [job.id, work.script], {
        signal,
        stdin: work.context,
        timeoutMs: longMs,
      })
    )
      .find((line) => line.startsWith('run '))
      ?.split(/ (.*)/) ?? [];
  if (path === '') throw new DeskError('remote_failed', `${machine.label} did not take the files.`);
  await must(machine, 'Starting the work', begin, [job.id, path, '', runnerScript], {
    signal,
    stdin: work.input,
  });
}

/** Follows the work to its end. Errors: as for builds. */
export function followJob(
  machine: Machine,
  id: string,
  options: { clock: Clock; signal: AbortSignal; onLines: (lines: BuildLogLine[]) => void },
): Promise<BuildEnd> {
  return follow(machine, id, new FollowCursor(), {
    ...options,
    intervalMs: pollMs,
    watchdog,
    onStage: () => undefined,
    onNote: () => undefined,
  });
}

/** Ends the work and everything it started. */
export async function endJob(machine: Machine, id: string): Promise<void> {
  await must(machine, 'Ending the work', end, [id, String(graceSeconds)], { timeoutMs: cleanupMs });
}

/** Removes what is ours on the machine. */
export async function clearJob(machine: Machine, id: string): Promise<void> {
  if (machine.isOpen) await machine.run(clean, [id], { timeoutMs: cleanupMs }).catch(() => undefined);
}
