/** Which process is at work on a task, told apart from a later process that got the same number. */
import { readFileSync } from 'node:fs';

export interface Owner {
  pid: number;
  /** Boot id and start time on Linux; empty where the system does not tell. */
  birth: string;
}

/** Undefined: there is no such process. */
function birthOf(pid: number): string | undefined {
  if (process.platform !== 'linux') {
    try {
      process.kill(pid, 0);
      return '';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM' ? '' : undefined;
    }
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in brackets may hold blanks and brackets: count from the last one. Field 22 is the start
    // time, field 3 the state; a zombie does no work.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${fields[19] ?? ''}`;
  } catch {
    return undefined;
  }
}

export const thisProcess = (): Owner => ({ pid: process.pid, birth: birthOf(process.pid) ?? '' });

/** Whether the very process that wrote the record still lives. */
export const isAlive = (owner: Owner): boolean => birthOf(owner.pid) === owner.birth;
