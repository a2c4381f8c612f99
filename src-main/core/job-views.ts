/** Jobs for the windows: the transfer folder, and one job in full. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CallHandlers, CoreParts } from './context.ts';
import { describeError } from './errors.ts';
import { boardJobOf, secondsOf } from './job-board.ts';
import { withSession } from './with-session.ts';

type Names = 'jobs.look' | 'jobs.transfer' | 'jobs.detail';

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** One job folder of the transfer folder with its check, sites and server left out. */
async function transferJob(folder: string, name: string, core: CoreParts, signal: AbortSignal) {
  const path = join(folder, name);
  const changed = (await stat(path)).mtime.toISOString();
  const { checkJob } = await import('../services/jobs/index.ts');
  try {
    const { files, bytes, findings } = await checkJob(path, { signal });
    const errors = findings.filter((finding) => finding.severity === 'error');
    const warnings = findings.filter((finding) => finding.severity === 'warning');
    const first = errors[0] ?? warnings[0];
    return {
      name,
      files,
      bytes,
      changed_at: changed,
      errors: errors.length,
      warnings: warnings.length,
      ...(first ? { message: first.message } : {}),
    };
  } catch (error) {
    const { message } = describeError(error, core.logger);
    return { name, files: 0, bytes: 0, changed_at: changed, errors: 1, warnings: 0, message };
  }
}

const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

/** What the server wrote of a job's way: `schedule_history` and the times of its meta, oldest first. */
function timelineOf(meta: Record<string, unknown>): { at?: string; what: string }[] {
  const entries: { at?: string; what: string }[] = [];
  const timed = (value: unknown, what: string): void => {
    const at = text(value);
    const parsed = at === undefined ? Number.NaN : Date.parse(at);
    if (!Number.isNaN(parsed)) entries.push({ at: new Date(parsed).toISOString(), what });
  };
  timed(meta.submit_time_iso ?? meta.submit_time, 'Submitted');
  for (const item of Array.isArray(meta.schedule_history) ? meta.schedule_history : []) {
    const line = text(item);
    if (line === undefined) continue;
    const found = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\S*:?\s*(.*)$/.exec(line);
    if (found?.[1] !== undefined) timed(found[1], sentence(found[2] ?? line));
    else entries.push({ what: sentence(line) });
  }
  timed(meta.start_time, 'Started');
  const status = text(meta.status);
  if (status === undefined) return entries;
  const started = Date.parse(text(meta.start_time) ?? '');
  const seconds = secondsOf(text(meta.duration));
  if (Number.isNaN(started) || seconds === undefined) entries.push({ what: status });
  else entries.push({ at: new Date(started + 1000 * seconds).toISOString(), what: status });
  return entries;
}

function sitesOf(meta: Record<string, unknown>): { name: string; state: string; message?: string }[] {
  const detail = Array.isArray(meta.job_deploy_detail) ? meta.job_deploy_detail : [];
  return detail.flatMap((item) => {
    const line = text(item);
    const found = line === undefined ? undefined : /^([^:]+): (.*)$/.exec(line);
    if (!found) return [];
    const [, name = '', said = ''] = found;
    const ok = said.trim().toUpperCase() === 'OK';
    return [{ name, state: ok ? 'ok' : 'failed', ...(ok ? {} : { message: said }) }];
  });
}

export const handlers: Pick<CallHandlers, Names> = {
  'jobs.look': async ({ kit }, { core }) => {
    (await core.board()).look(kit ?? undefined);
    return {};
  },

  'jobs.transfer': async ({ kit: folder }, { core, signal }) => {
    const { openAdminKit } = await import('../services/flare/index.ts');
    const kit = await openAdminKit(folder, { clock: core.clock });
    const transfer = resolve(kit.folder, kit.uploadDir);
    const entries = await readdir(transfer, { withFileTypes: true }).catch(() => []);
    const names = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .sort();
    const jobs = [];
    // Results of downloads lie in the same folder by default: only what has a meta file is a job.
    for (const name of names) {
      const inside = await readdir(join(transfer, name)).catch(() => [] as string[]);
      if (inside.some((file) => /^meta\.(json|conf|yml|yaml)$/.test(file)) && !inside.includes('workspace')) {
        jobs.push(await transferJob(transfer, name, core, signal));
      }
    }
    return { folder: { token: core.places.tokenOf(transfer), label: transfer }, jobs };
  },

  'jobs.detail': (input, context) =>
    withSession(input, context, async (session) => {
      const { core, signal } = context;
      const { followJob, getJobMeta, listJobs } = await import('../services/jobs/index.ts');
      const [meta, rows] = await Promise.all([
        getJobMeta(session, input.job_id, { signal }),
        listJobs(session, { idPrefix: input.job_id, signal }),
      ]);
      const row = rows.find((item) => item.job_id === input.job_id) ?? {
        job_id: input.job_id,
        name: text(meta.job_name) ?? text(meta.name) ?? input.job_id,
        status: meta.status,
        phase: 'unknown' as const,
      };
      const job = boardJobOf(row);
      const board = (await core.board()).state.get().jobs.find((item) => item.job_id === input.job_id);
      // A job that has ended is followed at once to its outcome, which carries the reason.
      const failed = job.phase === 'failed' ? await followJob(session, input.job_id, { signal }) : undefined;
      const reason = failed?.reason;
      const log = reason?.log.map(({ site, line }) => `${site}: ${line}`).join('\n');
      return {
        job: { ...board, ...job },
        meta: JSON.parse(JSON.stringify(meta)) as Record<string, unknown>,
        timeline: timelineOf(meta),
        sites: sitesOf(meta),
        ...(reason ? { reason: reason.summary } : {}),
        ...(log ? { log } : {}),
      };
    }),
};
