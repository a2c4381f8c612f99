/** The jobs of one server and its connected clients, asked again and again while somebody looks. */
import type { StateValue } from '../contract/index.ts';
import type { JobRow } from '../services/jobs/index.ts';
import { describeError } from './errors.ts';
import type { CoreParts } from './context.ts';
import type { JobBoard } from './parts.ts';
import { createStateCell } from './state-cell.ts';
import { withSession } from './with-session.ts';

type Board = StateValue<'jobs.board'>;
type BoardJob = Board['jobs'][number];

const periodMs = 4000;
/** After a failure the server is asked less often. */
const restMs = 10_000;
const mostJobs = 20_000;

const phases: Record<string, BoardJob['phase']> = {
  waiting: 'waiting',
  running: 'busy',
  completed: 'done',
  failed: 'failed',
  aborted: 'failed',
};

/** Seconds of `h:mm:ss.ffffff`, with `N day(s), ` before it for long ones. */
export function secondsOf(duration: string | undefined): number | undefined {
  const found = /^(?:(\d+) days?, )?(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(duration ?? '');
  if (!found) return undefined;
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = found;
  return Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

const timeOf = (text: string | undefined): string | undefined => {
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
};

export function boardJobOf(row: JobRow): BoardJob {
  const submitted = timeOf(row.submit_time);
  const duration = secondsOf(row.duration);
  return {
    job_id: row.job_id,
    name: row.name,
    status: row.status,
    phase: phases[row.phase] ?? 'unknown',
    ...(row.study === undefined ? {} : { study: row.study }),
    ...(submitted === undefined ? {} : { submitted_at: submitted }),
    ...(duration === undefined ? {} : { duration }),
  };
}

/** `sawConnected` hears the names of the clients the server has, or undefined when it cannot be asked. */
export function createJobBoard(
  core: CoreParts,
  sawConnected: (names: ReadonlySet<string> | undefined) => void,
): JobBoard {
  let kit: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let asking: AbortController | undefined;
  const state = createStateCell<Board>({ jobs: [] }, (count) => {
    if (count > 0 && kit !== undefined && timer === undefined && !asking) void ask();
  });

  const known = async (): Promise<Map<string, Partial<BoardJob>>> => {
    const runner = await core.tasks();
    const extras = new Map<string, Partial<BoardJob>>();
    for (const task of (await runner.list(300)).reverse()) {
      if (!task.kind.startsWith('jobs.')) continue;
      const result = task.result as
        | {
            job_id?: string;
            folder?: string;
            result?: { folder?: string } | null;
            rounds?: { finished?: number; total?: number };
          }
        | undefined;
      const id = result?.job_id ?? (task.input as { job_id?: string } | undefined)?.job_id;
      if (id === undefined) continue;
      const folder = result?.result?.folder ?? (task.kind === 'jobs.download' ? result?.folder : undefined);
      extras.set(id, {
        ...extras.get(id),
        task: task.id,
        ...(folder === undefined ? {} : { result: { token: core.places.tokenOf(folder), label: folder } }),
        ...(result?.rounds?.finished === undefined
          ? {}
          : {
              rounds: {
                done: result.rounds.finished,
                ...(result.rounds.total === undefined ? {} : { total: result.rounds.total }),
              },
            }),
      });
    }
    return extras;
  };

  const askNow = async (from: string, signal: AbortSignal): Promise<void> => {
    const { connectedClients, listJobs } = await import('../services/jobs/index.ts');
    await withSession({ kit: from }, { core, signal }, async (session) => {
      const [rows, clients] = await Promise.all([
        listJobs(session, { newestFirst: true, limit: mostJobs, signal }),
        connectedClients(session, { signal }).catch(() => undefined),
      ]);
      const extras = await known();
      if (signal.aborted) return;
      sawConnected(clients ? new Set(clients) : undefined);
      state.set({
        jobs: rows.map((row) => ({ ...boardJobOf(row), ...extras.get(row.job_id) })),
        seen_at: new Date(core.clock.now()).toISOString(),
      });
    });
  };

  const ask = async (): Promise<void> => {
    const from = kit;
    timer = undefined;
    if (from === undefined) return;
    const mine = new AbortController();
    asking = mine;
    let wait = periodMs;
    try {
      await askNow(from, mine.signal);
    } catch (error) {
      wait = restMs;
      if (!mine.signal.aborted) {
        sawConnected(undefined);
        state.set({ ...state.get(), error: describeError(error, core.logger) });
      }
    }
    if (asking === mine) asking = undefined;
    if (kit === from && state.watchers() > 0) timer = setTimeout(() => void ask(), wait).unref();
  };

  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
    asking?.abort(new Error('Not looked at any more.'));
    asking = undefined;
  };

  return {
    state,
    look(next) {
      if (next === kit) return;
      stop();
      kit = next;
      if (next === undefined) return;
      state.set({ jobs: [] });
      void ask();
    },
    lookAgain() {
      if (kit === undefined || timer === undefined) return;
      clearTimeout(timer);
      void ask();
    },
    dispose() {
      stop();
      kit = undefined;
    },
  };
}
