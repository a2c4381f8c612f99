/** The probe table of docs/reference/confidential-computing.md §5 as data. */
import { gpuProbes } from './gpu.ts';
import { networkProbes } from './network.ts';
import { platformProbes } from './platform.ts';
import type { HostProbe, ProbeContext, ProbeOutput, Verdict } from './probe.ts';
import { resourceProbes } from './resources.ts';
import { toolProbes } from './tools.ts';
import { vmProbes } from './vm.ts';

export type {
  HostProbe,
  ProbeContext,
  ProbedImage,
  ProbeFix,
  ProbeOutput,
  ProbeState,
  Verdict,
} from './probe.ts';
export { diskFactor } from './resources.ts';

/** All rows, in the order of the table. */
export const hostProbes: readonly HostProbe[] = [
  ...platformProbes,
  ...toolProbes,
  ...vmProbes,
  ...resourceProbes,
  ...networkProbes,
  ...gpuProbes,
].sort((a, b) => a.number - b.number);

const sudoRefused =
  /sudo: (a password is required|a terminal is required|.*no tty|.*may not run sudo)|is not in the sudoers file|is not allowed to (execute|run sudo)/i;

/** The verdict on one answer. No answer, no rights and no tool are `unknown`, never a fault of the host. */
export function judgeProbe(probe: HostProbe, output: ProbeOutput, context: ProbeContext): Verdict {
  if (output.timedOut || output.code === null || output.code === 124)
    return { state: 'unknown', summary: 'no answer within 10 s' };
  if (probe.needsRoot && sudoRefused.test(output.stderr) && output.stdout.trim() === '')
    return {
      state: 'unknown',
      summary: 'needs root',
      meaning: 'The account may not run this with sudo without a password.',
    };
  if (
    !probe.seesMissing &&
    (output.code === 127 || missingTool.test(output.stderr)) &&
    output.stdout.trim() === ''
  )
    return {
      state: 'unknown',
      summary: 'the tool for it is not installed',
      meaning: missingText(output.stderr),
    };
  const verdict = probe.judge(output, context);
  if (verdict.state === 'unknown' && output.code === 126) return { ...verdict, summary: 'no rights' };
  if (verdict.state !== 'bad' && verdict.state !== 'warn') return verdict;
  return { meaning: probe.meaning, fix: probe.fix, ...verdict };
}

const missingTool = /: (command )?not found$/m;

function missingText(stderr: string): string {
  const line = stderr.split('\n').find((one) => missingTool.test(one));
  return line === undefined ? 'A program is missing on the host.' : line.trim().slice(0, 160);
}

/** The command of a probe as it runs, its values filled in, for reading. */
export function shownCommand(probe: HostProbe, context: ProbeContext): string {
  const values = probe.values?.(context) ?? [];
  return probe.command
    .replace(/\$(\d)/g, (whole, digit: string) => values[Number(digit) - 1] ?? whole)
    .replaceAll('"$@"', values.map((value) => `"${value}"`).join(' '));
}

/** Where one answer contradicts another: shown, not resolved (§6.3 rule 6). */
export function contradictions(verdicts: ReadonlyMap<string, Verdict>): Map<string, Verdict> {
  const process = verdicts.get('vm-process');
  const lock = verdicts.get('image-lock');
  const changed = new Map<string, Verdict>();
  if (process?.state === 'ok' && lock?.summary === 'free')
    changed.set('image-lock', {
      state: 'warn',
      summary: 'free, although the VM runs',
      meaning: 'A VM with this vm_id runs, but not from these drives.',
    });
  if (process?.state === 'not_applicable' && lock?.state === 'ok')
    changed.set('vm-process', {
      state: 'warn',
      summary: 'not seen, although the drives are held',
      meaning: 'Another program holds the drives of this image.',
    });
  return changed;
}
