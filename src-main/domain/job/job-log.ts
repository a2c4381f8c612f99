/** What a job's log tells: rounds, and the first line that explains a failure. */

export interface Rounds {
  /** Rounds that are finished. */
  finished: number;
  /** The round under way, counting from 1; undefined between rounds. */
  current?: number;
  /** When the workflow says how many there will be. */
  total?: number;
}

const timed = /^(?:\u001b\[[0-9;]*m)?\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2},\d{3} - /;
const roundLine = /\b[Rr]ound (\d+) (started|finished)\b/;
const tracebackHead = /Traceback \(most recent call last\):/;
const errorLevel = / - (?:ERROR|CRITICAL|FATAL) - /;

/**
 * The rounds in a log, or in the end of one, of workflows that write them (`Round 2 started.`, counted from 0), or
 * undefined when it names none.
 */
export function roundsInLog(log: string): Rounds | undefined {
  let rounds: Rounds | undefined;
  for (const line of log.split('\n')) {
    const match = roundLine.exec(line);
    if (!match?.[1]) continue;
    const round = Number(match[1]);
    rounds = match[2] === 'finished' ? { finished: round + 1 } : { finished: round, current: round + 1 };
  }
  return rounds;
}

/**
 * The rounds in the answer of `show_stats JOB server` (docs/reference/admin-protocol.md §8.2): the first workflow that
 * has a current round. The server counts rounds from 0.
 */
export function roundsInStats(stats: unknown): Rounds | undefined {
  if (typeof stats !== 'object' || stats === null) return undefined;
  for (const part of Object.values(stats as Record<string, unknown>)) {
    if (typeof part !== 'object' || part === null) continue;
    const { current_round: current, num_rounds: total } = part as Record<string, unknown>;
    if (typeof current === 'number' && Number.isInteger(current) && current >= 0) {
      const known = typeof total === 'number' && Number.isInteger(total) && total > 0 ? total : undefined;
      if (known !== undefined && current >= known) return { finished: known, total: known };
      return { finished: current, current: current + 1, ...(known === undefined ? {} : { total: known }) };
    }
  }
  return undefined;
}

/**
 * The first line of a log that says what went wrong: the first line of level ERROR or worse; when it is only the
 * head of a Python traceback, the exception at the traceback's end is added.
 */
export function firstErrorLine(log: string): string | undefined {
  const lines = log.split('\n').map((line) => line.replaceAll(/\u001b\[[0-9;]*m/g, '').trimEnd());
  const at = lines.findIndex((line) => errorLevel.test(line));
  if (at === -1)
    return exceptionAfter(
      lines,
      lines.findIndex((line) => tracebackHead.test(line)),
    );
  const text = (lines[at] ?? '').replace(timed, '').slice(0, 500);
  const exception = exceptionAfter(lines, at);
  if (exception === undefined || text.includes(exception)) return text;
  return tracebackHead.test(text) ? exception : `${text} | ${exception}`;
}

/** The last line of the traceback that follows line `at`, before the next line with a time. */
function exceptionAfter(lines: readonly string[], at: number): string | undefined {
  if (at < 0) return undefined;
  let inTraceback = tracebackHead.test(lines[at] ?? '');
  let exception: string | undefined;
  for (const line of lines.slice(at + 1)) {
    if (timed.test(line)) break;
    if (tracebackHead.test(line)) inTraceback = true;
    else if (inTraceback && /^[A-Za-z_][\w.]*(?::|$)/.test(line)) exception = line.slice(0, 500);
  }
  return exception;
}
