/** The form of a host probe: a command that only looks, and a judgement of what it said. Pure. */
import type { ExpectedMeasurement } from '../bundle.ts';

/** `unknown`: no answer, no rights, or an answer nobody understands. `not_applicable`: there is nothing to look at. */
export type ProbeState = 'ok' | 'warn' | 'bad' | 'unknown' | 'not_applicable';

export interface ProbeOutput {
  /** Exit status; null when the command did not end by itself. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** It did not end within its 10 s. */
  timedOut: boolean;
  /** Our clock, milliseconds since the epoch. */
  sentAt: number;
  receivedAt: number;
}

/** What the image of this site asks of its host. */
export interface ProbedImage {
  /** Folder of the unpacked bundle on the host; missing when it is not delivered. */
  folder?: string;
  /** Captured serial output on the host; missing when it was never launched from here. */
  serialLog?: string;
  /** Bytes of all files of the bundle. */
  bytes: number;
  vmId?: string;
  ovmfSha256?: string;
  cBitPosition?: number;
  /** As `launch_vm.sh` writes it: `64G`. */
  memory?: string;
  forwards: readonly number[];
  qmpSocket?: string;
  measurement?: ExpectedMeasurement;
}

/** What the probes of one host need to know. */
export interface ProbeContext {
  /** Folder below which images are unpacked, absolute or below ~. */
  directory: string;
  image?: ProbedImage;
  /** The site hands a GPU to its VM. */
  gpu: boolean;
  /** Base address of the key broker: `https://kbs:8999`. */
  kbs?: string;
  /** Base address of the key broker's vault. */
  vault?: string;
  /** NFS server of external user data. */
  nfsServer?: string;
  /** Names the site connects to and that its image does not know by itself. */
  names?: readonly string[];
}

/** What to do about it. Commands are shown, never run by a check. */
export interface ProbeFix {
  text: string;
  commands?: readonly string[];
}

export interface Verdict {
  state: ProbeState;
  /** What was found, in a few words. */
  summary: string;
  /** What it means; for everything but `ok`. */
  meaning?: string;
  fix?: ProbeFix;
}

export interface HostProbe {
  /** Row of docs/reference/confidential-computing.md §5. */
  number: number;
  id: string;
  title: string;
  group: 'platform' | 'tools' | 'vm' | 'resources' | 'network' | 'gpu';
  /** POSIX sh, changes nothing; `$1…` are the values of `values`. */
  command: string;
  values?: (context: ProbeContext) => readonly string[];
  /** Some of it needs root (`sudo -n`); refused means unknown. */
  needsRoot: boolean;
  /** Why it does not apply here; undefined when it does. */
  skip?: (context: ProbeContext) => string | undefined;
  /** What gives it something to look at, where that is for the admin to say. */
  ask?: ProbeFix;
  /** Only sees output that is an answer: not a time-out, a refusal of sudo or a missing tool (unless `seesMissing`). */
  judge: (output: ProbeOutput, context: ProbeContext) => Verdict;
  /** A missing tool is the judgement's own matter. */
  seesMissing?: boolean;
  /** What an unhealthy answer means, unless the judgement says more. */
  meaning: string;
  fix: ProbeFix;
  source: string;
}

export const ok = (summary: string): Verdict => ({ state: 'ok', summary });
export const unknown = (summary: string, meaning?: string): Verdict => ({
  state: 'unknown',
  summary,
  ...(meaning === undefined ? {} : { meaning }),
});
const finding =
  (state: 'warn' | 'bad') =>
  (summary: string, meaning?: string, fix?: ProbeFix): Verdict => ({
    state,
    summary,
    ...(meaning === undefined ? {} : { meaning }),
    ...(fix === undefined ? {} : { fix }),
  });
export const warn = finding('warn');
export const bad = finding('bad');

/** The first line that is not empty. */
export const firstLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '') ?? '';

export const bytesText = (bytes: number): string =>
  bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;

/** `64G`, `2048M`, `2048` (MiB, as QEMU reads it) → bytes. */
export function memoryBytes(text: string): number | undefined {
  const found = /^(\d+)([KMGT]?)B?$/i.exec(text.trim());
  if (!found) return undefined;
  const unit = (found[2] ?? '').toUpperCase() || 'M';
  return Number(found[1]) * 1024 ** ('KMGT'.indexOf(unit) + 1);
}

/** Compares `6.8` with `6.11` by numbers. */
export function atLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of least.entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
