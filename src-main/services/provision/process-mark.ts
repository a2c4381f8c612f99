import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { pid as ownPid } from 'node:process';

/** Identifies one process for good: a process id alone is given out again. */
export interface ProcessMark {
  pid: number;
  host: string;
  /** Start of the process in clock ticks since boot; missing where the system does not tell. */
  started?: string;
}

/** The mark of this process. */
export async function ownMark(): Promise<ProcessMark> {
  const started = await startOf(ownPid);
  return { pid: ownPid, host: hostname(), ...(started === undefined ? {} : { started }) };
}

/** Whether the marked process still runs. A process on another machine cannot be asked and counts as running. */
export async function isAlive(mark: ProcessMark): Promise<boolean> {
  if (mark.host !== hostname()) return true;
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = await startOf(mark.pid);
  return mark.started === undefined || started === undefined || started === mark.started;
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and brackets. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
