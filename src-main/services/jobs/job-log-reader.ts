import { DeskError } from '../../contract/errors.ts';
import { isRecord } from '../../domain/record.ts';
import { type Rounds, roundsInLog, roundsInStats } from '../../domain/job/job-log.ts';
import { type AdminSession, type CommandReply, quoteArgument } from '../flare/index.ts';

/** Lines asked for with `tail`: the rounds of the last minutes and a traceback. */
const tailLines = 200;
/** So many sites are asked for the end of their log, one after the other. */
const tailedSites = 8;
/** The whole log (≤ 5 MiB per answer) is asked for at most this often while a job runs, milliseconds. */
const wholeLogEveryMs = 15_000;

/** A job that has just started is not asked for its statistics: the server would log that it cannot reach it. */
const startsWithinMs = 3000;

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
  #total: number | undefined;
  #runsSince: number | undefined;
  #wholeLogAt = Number.NEGATIVE_INFINITY;

  constructor(session: AdminSession, jobId: string) {
    this.#session = session;
    this.#jobId = jobId;
  }

  /** The rounds of a running job, or undefined when nothing tells them (yet). */
  async currentRounds(signal?: AbortSignal): Promise<Rounds | undefined> {
    const now = performance.now();
    this.#runsSince ??= now;
    const log = await this.#tail('server', signal);
    this.#last = log ?? this.#last;
    if (now - this.#runsSince > startsWithinMs) {
      const stats = await this.#ask('show_stats', `show_stats ${this.#jobId} server`, signal);
      const rounds = isRecord(stats) ? roundsInStats(stats.server) : undefined;
      this.#total = rounds?.total ?? this.#total;
      if (rounds) return rounds;
      if (log === undefined && now - this.#wholeLogAt > wholeLogEveryMs) {
        this.#wholeLogAt = now;
        this.#last = (await this.wholeLog(signal)) ?? this.#last;
      }
    }
    return this.#roundsInLast();
  }

  /** The rounds of a finished job from its log; undefined when the log is out of reach. */
  async finalRounds(signal?: AbortSignal): Promise<Rounds | undefined> {
    this.#last = (await this.wholeLog(signal)) ?? (await this.#tail('server', signal)) ?? this.#last;
    return this.#roundsInLast();
  }

  #roundsInLast(): Rounds | undefined {
    const rounds = this.#last === undefined ? undefined : roundsInLog(this.#last);
    return rounds && this.#total !== undefined ? { ...rounds, total: this.#total } : rounds;
  }

  /** What was seen last of the server's log, maybe only its end. */
  get lastSeen(): string | undefined {
    return this.#last;
  }

  /** Logs of clients by site: those the server holds (2.8), else the ends of those the sites still have. */
  async clientLogs(sites: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
    const answer = await this.#ask('get_job_log', `get_job_log ${this.#jobId} all`, signal);
    const held = isRecord(answer) && isRecord(answer.logs) ? answer.logs : {};
    const logs = new Map<string, string>();
    for (const [site, text] of Object.entries(held)) {
      if (site !== 'server' && typeof text === 'string' && text !== '') logs.set(site, text);
    }
    for (const site of sites.filter((name) => !logs.has(name)).slice(0, tailedSites)) {
      const text = await this.#tail(site, signal);
      if (text !== undefined) logs.set(site, text);
    }
    return logs;
  }

  /** The server's whole log, where the server gives it out (2.8; at most 5 MiB). */
  async wholeLog(signal?: AbortSignal): Promise<string | undefined> {
    const answer = await this.#ask('get_job_log', `get_job_log ${this.#jobId} server`, signal);
    const log = isRecord(answer) && isRecord(answer.logs) ? answer.logs.server : undefined;
    return typeof log === 'string' && log !== '' ? log : undefined;
  }

  async #tail(target: string, signal?: AbortSignal): Promise<string | undefined> {
    const line = `tail ${quoteArgument(target)} -n ${tailLines} ${this.#jobId}/log.txt`;
    const text = await this.#ask('tail', line, signal);
    return typeof text === 'string' && /\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2},/.test(text) ? text : undefined;
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
