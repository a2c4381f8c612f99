import { readStatus } from './scripts/running.ts';
import { type SiteShell, valuesOf } from './site-shell.ts';
import type { SiteStatus } from './types.ts';

export interface RawStatus extends SiteStatus {
  delivered: boolean;
  /** The Python process, when its pid file tells. */
  python?: number;
  /** Processes of this participant, whether its pid files know them or not. */
  processes: number[];
  /** True where the host tells which processes are this participant's before they have written a pid file. */
  seesAll: boolean;
}

/**
 * How the participant stands on its host. `running` needs a live process that a pid file names and that belongs to this
 * participant (its environment or command line says so, as pids come round again). Errors: those of `SiteShell.must`.
 */
export async function statusOf(
  shell: SiteShell,
  options: { signal?: AbortSignal; tail?: number } = {},
): Promise<RawStatus> {
  const lines = await shell.must('Reading the status', readStatus, [String(options.tail ?? 10)], options);
  const values = valuesOf(lines);
  const text = (key: string) => values.get(key) || undefined;
  const number = (key: string) => {
    const value = text(key);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const processes = (text('processes') ?? '').split(' ').filter(Boolean).map(Number);
  const runningKit = text('running_kit');
  const python = number('python');
  const pid = number('daemon') ?? python;
  const leftovers = processes.length > 0 || values.has('pid_file');
  const now = number('now');
  const age = number('age');
  const startedAt = text('started_kit') === runningKit ? number('started_at') : undefined;
  const since = now !== undefined && age !== undefined ? now - age : startedAt;
  const logTail = lines
    .filter((line) => line.startsWith('tail '))
    .map((line) => withoutTokens(line.slice('tail '.length)));
  const currentKit = text('current');
  const previousKit = text('previous');
  const log = text('log');
  return {
    process: runningKit !== undefined ? 'running' : leftovers ? 'stale' : 'stopped',
    delivered: text('delivered') !== 'no' && currentKit !== undefined,
    folder: text('folder') ?? '',
    processes,
    seesAll: values.has('sees_all'),
    ...(pid === undefined ? {} : { pid }),
    ...(python === undefined ? {} : { python }),
    ...(runningKit !== undefined && since !== undefined && now !== undefined
      ? { since: new Date(since * 1000).toISOString(), uptimeSeconds: Math.max(0, now - since) }
      : {}),
    ...(runningKit === undefined ? {} : { runningKit }),
    ...(currentKit === undefined ? {} : { currentKit }),
    ...(previousKit === undefined ? {} : { previousKit }),
    ...(log === undefined ? {} : { log }),
    ...(logTail.length === 0 ? {} : { logTail }),
  };
}

/** NVFlare writes the session tokens of clients into its log; they open sessions and are nobody's to see here. */
function withoutTokens(line: string): string {
  return line.replace(/(token\W{0,4})[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{20,}/gi, '$1…');
}

/** What callers see of it. */
export function shownStatus(status: RawStatus): SiteStatus {
  const shown: Partial<RawStatus> & SiteStatus = { ...status };
  delete shown.delivered;
  delete shown.processes;
  delete shown.python;
  delete shown.seesAll;
  return shown;
}
