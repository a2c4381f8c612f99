/** Follows a build on its host: how it stands, what its pipes say, whether it still does anything. */
import { DeskError } from '../../../contract/errors.ts';
import { type BuildStage, readyPath, stageOf } from '../../../domain/cc/build-log.ts';
import type { Clock } from '../../../ports.ts';
import { type BuildLogLine, LineCutter } from './build-logs.ts';
import { linesOf, type Machine, valuesOf } from './machine.ts';
import { poll, readTail } from './scripts.ts';

export interface Watchdog {
  /** Seconds without any output after which the build is ended. */
  silentSeconds: number;
  /** Seconds after which a build is ended in any case. */
  longestSeconds: number;
}

export interface FollowOptions {
  clock: Clock;
  /** Between two looks, milliseconds. */
  intervalMs: number;
  watchdog: Watchdog;
  signal: AbortSignal;
  onLines: (lines: BuildLogLine[]) => void;
  onStage: (stage: BuildStage) => void;
  /** Something odd that is not the end yet; undefined: it is over. */
  onNote: (note: string | undefined) => void;
}

export interface BuildEnd {
  /** Exit status; undefined when the build vanished without one (the host was restarted, it was killed). */
  code?: number;
  /** Path of the success line. */
  ready?: string;
  /** Somebody ended it. */
  cancelled: boolean;
  /** The last lines of both pipes. */
  lastLines: string[];
  /** Seconds by the host's clock are not compared with ours: when we saw the end, milliseconds since the epoch. */
  endedAt: number;
}

/** Bytes of each pipe taken in one look. */
const mostBytes = 512 * 1024;
const lastLinesKept = 40;

/** How far a build's output has been read; outlives a lost connection. */
export class FollowCursor {
  out = 0;
  err = 0;
  readonly cutters = { stdout: new LineCutter(), stderr: new LineCutter() };
  readonly lastLines: string[] = [];
  readonly full = new Set<'stdout' | 'stderr'>();
}

interface Look {
  state: string;
  values: Map<string, string>;
  full: ('stdout' | 'stderr')[];
  out: Uint8Array;
  err: Uint8Array;
}

async function look(
  machine: Machine,
  id: string,
  out: number,
  err: number,
  signal: AbortSignal,
): Promise<Look> {
  const { code, output, errors } = await machine.run(
    poll,
    [id, String(out), String(err), String(mostBytes)],
    { signal, maxOutput: 2 * mostBytes + 65_536 },
  );
  const gap = output.indexOf('\n\n');
  if (code !== 0 || gap < 0)
    throw new DeskError('remote_failed', `${machine.label} does not tell how the build stands: ${errors}.`, {
      retryable: true,
    });
  const lines = linesOf({ code, output: output.subarray(0, gap), errors });
  const values = valuesOf(lines);
  const [outBytes = 0, errBytes = 0] = (values.get('send') ?? '').split(' ').map(Number);
  const bytes = output.subarray(gap + 2);
  return {
    state: values.get('state') ?? 'none',
    values,
    full: (['stdout', 'stderr'] as const).filter((name) => lines.includes(`full ${name}`)),
    out: bytes.subarray(0, outBytes),
    err: bytes.subarray(outBytes, outBytes + errBytes),
  };
}

/** The state of a build on its host: `none`, `prepared`, `running`, `ended`, `gone`. */
export async function stateOn(machine: Machine, id: string, signal: AbortSignal): Promise<string> {
  return (await look(machine, id, 0, 0, signal)).state;
}

/**
 * Follows until the build has ended. All output is told, from its first byte on. The watchdog ends nothing by itself: it throws
 * `timeout`, and the caller ends the build. Errors: also `cancelled`, those of the connection.
 */
export async function follow(
  machine: Machine,
  id: string,
  cursor: FollowCursor,
  options: FollowOptions,
): Promise<BuildEnd> {
  const { clock, watchdog, signal } = options;
  const began = clock.now();
  let heard = began;
  const { cutters, lastLines, full } = cursor;
  let noted = false;
  const tell = (from: 'stdout' | 'stderr', texts: string[]): void => {
    if (texts.length === 0) return;
    const at = clock.now();
    options.onLines(texts.map((text) => ({ at, from, text })));
    lastLines.push(...texts.filter((text) => text.trim() !== ''));
    lastLines.splice(0, Math.max(0, lastLines.length - lastLinesKept));
    const stage = texts.map(stageOf).findLast((one) => one !== undefined);
    if (stage !== undefined) options.onStage(stage);
  };
  for (;;) {
    const seen = await look(machine, id, cursor.out, cursor.err, signal);
    cursor.out += seen.out.length;
    cursor.err += seen.err.length;
    tell('stdout', cutters.stdout.push(seen.out));
    tell('stderr', cutters.stderr.push(seen.err));
    const more = seen.out.length === mostBytes || seen.err.length === mostBytes;
    if (seen.out.length + seen.err.length > 0) heard = clock.now();
    for (const name of seen.full) {
      if (full.has(name)) continue;
      full.add(name);
      const text = `More was written to ${name} than is kept; its last MiB follows when the build has ended.`;
      options.onLines([{ at: clock.now(), from: 'desk', text }]);
    }
    if (!more && seen.state !== 'running') {
      if (seen.state === 'ended') {
        for (const name of full) {
          const { output } = await machine.run(readTail, [id, name], { signal, maxOutput: 2 * 1024 * 1024 });
          tell(name, cutters[name].push(output));
        }
      }
      tell('stdout', cutters.stdout.end());
      tell('stderr', cutters.stderr.end());
      const code = Number((seen.values.get('exit') ?? '').split(' ')[0] || Number.NaN);
      const ready = readyPath(seen.values.get('ready') ?? '');
      return {
        ...(Number.isInteger(code) && seen.state === 'ended' ? { code } : {}),
        ...(ready === undefined ? {} : { ready }),
        cancelled: seen.values.has('cancelled'),
        lastLines,
        endedAt: clock.now(),
      };
    }
    const silent = (clock.now() - heard) / 1000;
    const long = (clock.now() - began) / 1000;
    // A build that never ends but still writes is judged by its time, a quiet one by its silence.
    if (full.size === 0 && silent > watchdog.silentSeconds)
      throw new DeskError('timeout', `The build has written nothing for ${minutes(silent)} and was ended.`, {
        hint: 'See the last lines of its log; retry when the cause is gone.',
        retryable: true,
      });
    if (long > watchdog.longestSeconds)
      throw new DeskError(
        'timeout',
        `The build took longer than ${minutes(watchdog.longestSeconds)} and was ended.`,
        {
          hint: 'See the last lines of its log; retry when the cause is gone.',
          retryable: true,
        },
      );
    const odd = full.size === 0 && silent > watchdog.silentSeconds / 2;
    if (odd !== noted) {
      noted = odd;
      options.onNote(
        odd
          ? `Nothing written for ${minutes(silent)}; it is ended after ${minutes(watchdog.silentSeconds)} of silence.`
          : undefined,
      );
    }
    if (!more) await wait(options.intervalMs, signal);
  }
}

function minutes(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** Waits; throws the signal's reason as soon as it fires. */
function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(new DeskError('cancelled', 'Cancelled.'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
