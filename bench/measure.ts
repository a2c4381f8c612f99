/** Runs programs and measures them: wall time and peak memory of the whole process, start and end included. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { flareBin, flarePython } from '../test/lab/nvflare.ts';

export interface Measured {
  seconds: number;
  /** Peak resident memory of the largest process, MB. */
  peak: number;
  stdout: string;
}

// getrusage gives the peak of children that have ended, without sampling.
const wrapper = `
import json, resource, subprocess, sys, time
begin = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
seconds = time.monotonic() - begin
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak": peak, "stdout": done.stdout, "stderr": done.stderr, "code": done.returncode}))
`;

/** Runs one program to its end. Throws with its output when it failed. */
export async function measure(command: string, args: string[], cwd: string): Promise<Measured> {
  const run = promisify(execFile);
  const env = { ...process.env, PATH: `${flareBin('2.7.2')}:${process.env.PATH}` };
  const options = { cwd, env, timeout: 900_000, maxBuffer: 256 * 1024 * 1024 };
  const { stdout } = await run(flarePython('2.7.2'), ['-c', wrapper, command, ...args], options);
  const done = JSON.parse(stdout) as Measured & { stderr: string; code: number };
  if (done.code !== 0)
    throw new Error(`${command} ${args.join(' ')} failed (${done.code}):\n${done.stdout}\n${done.stderr}`);
  return done;
}

const built = join(import.meta.dirname, '../out/main/flaredesk.js');

/** Our command as it is shipped: built, on the Node that runs this. */
export const measureDesk = (args: string[], cwd: string) =>
  measure(process.execPath, [built, ...args, '--json'], cwd);

export const measurePython = (args: string[], cwd: string) => measure(flarePython('2.7.2'), args, cwd);

/** The middle one of the values. */
export function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
