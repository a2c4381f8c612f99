/**
 * Ends what a test run started, and nothing else, however the run ends.
 *
 * Every process of the lab carries a mark in its environment, which its children inherit even when they leave the
 * process group or lose their parent (NVFlare's job processes do both). Ending a process means ending everything
 * with its mark. A keeper outside this process does the same for the whole run when its standard input closes
 * (the run ended, was killed, crashed) or when the time limit is over. Linux only: it reads /proc.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const variable = 'FLAREDESK_LAB_MARK';
const runId = randomUUID();
const labRoot = join(tmpdir(), `flaredesk-lab-${runId.slice(0, 8)}`);
let counter = 0;
let keeper: ChildProcess | undefined;

const keeperScript = `
timeout "$1" cat >/dev/null
for signal in TERM KILL; do
  for file in /proc/[0-9]*/environ; do
    if grep -qsz "^${variable}=$2/" "$file"; then pid=\${file#/proc/}; kill -$signal "\${pid%/environ}" 2>/dev/null; fi
  done
  sleep 1
done
rm -rf "$3"`;

/** The longest a lab may live, in seconds. */
const timeLimit = Number(process.env.FLAREDESK_LAB_SECONDS ?? 1800);

function ensureKeeper() {
  if (keeper) return;
  const child = spawn('bash', ['-c', keeperScript, 'keeper', String(timeLimit), runId, labRoot], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  // A pipe is a socket here; it must not keep the event loop alive.
  (child.stdin as unknown as { unref(): void }).unref();
  keeper = child;
}

/** A new temporary folder, removed after this run. */
export async function newLabFolder(name = 'lab'): Promise<string> {
  ensureKeeper();
  await mkdir(labRoot, { recursive: true });
  return await mkdtemp(join(labRoot, `${name}-`));
}

/** A new mark: give it to a process as environment, end it and all its offspring with `endMarked`. */
export function newMark(): Record<string, string> {
  ensureKeeper();
  counter += 1;
  return { [variable]: `${runId}/${counter}` };
}

/** The processes which carry the mark. */
export function marked(mark: Record<string, string>): number[] {
  const wanted = `${variable}=${mark[variable]}`;
  const carries = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(wanted);
    } catch {
      return false; // it ended, or belongs to another user
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && carries(name))
    .map(Number);
}

function signal(pids: number[], name: NodeJS.Signals) {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // it ended by itself in the meantime
    }
  }
}

/** True while the process holds anything: a dying one gives its memory back first, its ports with its last thread. */
function exists(pid: number): boolean {
  try {
    const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
    return (state !== 'Z' && state !== 'X') || readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

/** Ends every process with the mark: asks first (SIGTERM), then, after `grace` ms, without asking. 0 = at once. */
export async function endMarked(mark: Record<string, string>, grace = 2000): Promise<void> {
  const seen = new Set(marked(mark));
  const end = Date.now() + grace;
  if (grace > 0) signal([...seen], 'SIGTERM');
  while (Date.now() < end && marked(mark).length > 0) await sleep(50);
  for (;;) {
    const left = marked(mark);
    signal(left, 'SIGKILL');
    for (const pid of left) seen.add(pid);
    if (left.length === 0 && ![...seen].some(exists)) return;
    await sleep(20);
  }
}
