import { DeskError } from '../../contract/errors.ts';
import { isRecord } from '../../domain/job/finder.ts';
import { type Rounds, roundsInLog, roundsInStats } from '../../domain/job/job-log.ts';
import type { AdminSession, CommandReply } from '../flare/index.ts';

/** Lines asked for with `tail`: the rounds of the last minutes and a traceback. */
const tailLines = 400;
/** The whole log (≤ 5 MiB per answer) is asked for at most this often while a job runs, milliseconds. */
const wholeLogEveryMs = 15_000;

/**
 * Reads what a job's server side writes, by the means this server and role have, dropping those that are refused:
 * `show_stats` (right `view`), `tail` of the log in the job's run folder (shell commands), `get_job_log` (2.8)
 * (docs/reference/admin-protocol.md §8.1–§8.3).
 */
export class JobLogReader {
  readonly #session: AdminSession;
  readonly #jobId: string;
  readonly #refused = new Set<string>();
  #last: string | undefined;
  #wholeLogAt = Number.NEGATIVE_INFINITY;

  constructor(session: AdminSession, jobId: string) {
    this.#session = session;
    this.#jobId = jobId;
  }

  /** The rounds of a running job, or undefined when nothing tells them (yet). */
  async currentRounds(signal?: AbortSignal): Promise<Rounds | undefined> {
    const log = await this.#tail(signal);
    if (log !== undefined) this.#last = log;
    const stats = await this.#ask('show_stats', `show_stats ${this.#jobId} server`, signal);
    const fromStats = isRecord(stats) ? roundsInStats(stats.server) : undefined;
    if (fromStats) return fromStats;
    if (log === undefined && performance.now() - this.#wholeLogAt > wholeLogEveryMs) {
      this.#wholeLogAt = performance.now();
      this.#last = (await this.#wholeLog('server', signal)) ?? this.#last;
    }
    return this.#last === undefined ? undefined : roundsInLog(this.#last);
  }

  /** The rounds of a finished job from its log; undefined when the log is out of reach. */
  async finalRounds(signal?: AbortSignal): Promise<Rounds | undefined> {
    const log = await this.finalLog(signal);
    return log === undefined ? undefined : roundsInLog(log);
  }

  /** The server's log of a finished job, or the last of it that was seen. */
  async finalLog(signal?: AbortSignal): Promise<string | undefined> {
    this.#last = (await this.#wholeLog('server', signal)) ?? (await this.#tail(signal)) ?? this.#last;
    return this.#last;
  }

  /** Logs of clients that stream them to the server (2.8), by site. */
  async clientLogs(signal?: AbortSignal): Promise<Record<string, string>> {
    const answer = await this.#ask('get_job_log', `get_job_log ${this.#jobId} all`, signal);
    const logs = isRecord(answer) && isRecord(answer.logs) ? answer.logs : {};
    return Object.fromEntries(
      Object.entries(logs).filter(
        (entry): entry is [string, string] => entry[0] !== 'server' && typeof entry[1] === 'string',
      ),
    );
  }

  async #wholeLog(target: string, signal?: AbortSignal): Promise<string | undefined> {
    const answer = await this.#ask('get_job_log', `get_job_log ${this.#jobId} ${target}`, signal);
    const log = isRecord(answer) && isRecord(answer.logs) ? answer.logs[target] : undefined;
    return typeof log === 'string' && log !== '' ? log : undefined;
  }

  async #tail(signal?: AbortSignal): Promise<string | undefined> {
    const text = await this.#ask('tail', `tail server -n ${tailLines} ${this.#jobId}/log.txt`, signal);
    return typeof text === 'string' && /^\S*\d{4}-\d{2}-\d{2} /m.test(text) ? text : undefined;
  }

  /** The answer's map or text; undefined when there is none. A command that is refused is not asked again. */
  async #ask(command: string, line: string, signal?: AbortSignal): Promise<unknown> {
    if (this.#refused.has(command) || !this.#session.commands.some(({ name }) => name === command))
      return undefined;
    let reply: CommandReply;
    try {
      reply = await this.#session.execute(line, signal ? { signal } : {});
    } catch (error) {
      // A log is an extra: only what ends the session or was asked for ends the following.
      if (error instanceof DeskError && error.code === 'timeout') return undefined;
      throw error;
    }
    if (reply.status === 'not_authorized') this.#refused.add(command);
    if (!reply.ok) return undefined;
    for (const item of reply.items) if (item.type === 'dict' || item.type === 'string') return item.data;
    return undefined;
  }
}
