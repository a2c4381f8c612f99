import type { ReportProgress } from '../ports.ts';
import type { AdminKit, AdminSession } from '../services/flare/index.ts';
import type { DownloadedJob } from '../services/jobs/index.ts';
import type { CallHandlers, TaskHandlers } from './context.ts';
import { openFor, withSession } from './with-session.ts';

type JobCalls = Pick<CallHandlers, 'jobs.check' | 'jobs.list' | 'jobs.abort' | 'jobs.delete' | 'jobs.clone'>;
type JobTasks = Pick<TaskHandlers, 'jobs.submit' | 'jobs.follow' | 'jobs.download'>;

const service = () => import('../services/jobs/index.ts');

interface Running {
  signal: AbortSignal;
  report: ReportProgress;
}

/** The schema lets exactly one of the two through. */
const jobOf = (input: { job?: string | undefined; folder?: string | undefined }): string =>
  input.folder ?? input.job ?? '';

/** What the contract tells of a downloaded result. */
const resultOf = ({ folder, files, models, bytes }: DownloadedJob) => ({ folder, files, models, bytes });

async function followAndFetch(
  session: AdminSession,
  kit: AdminKit,
  jobId: string,
  input: { download?: boolean | undefined; into?: string | undefined },
  running: Running,
) {
  const { followJob, downloadJob } = await service();
  const outcome = await followJob(session, jobId, running);
  const wanted = input.download === true || input.into !== undefined;
  const result =
    wanted && outcome.phase === 'completed'
      ? resultOf(await downloadJob(session, jobId, { into: input.into ?? kit.downloadDir, ...running }))
      : null;
  const { job_id, name, status, phase, duration, rounds, reason, deployment } = outcome;
  return {
    job_id,
    name,
    status,
    phase,
    ...(duration === undefined ? {} : { duration }),
    ...(rounds ? { rounds: { ...rounds } } : {}),
    ...(reason ? { reason: { ...reason } } : {}),
    deployment: deployment.map((site) => ({ ...site })),
    result,
  };
}

/** The job ended, but not well. */
const isPartly = ({ phase }: { phase?: string | undefined }): boolean =>
  phase !== undefined && phase !== 'completed';

const calls: JobCalls = {
  'jobs.check': async (input, context) => {
    const { checkJob, blockingFindings, connectedClients, lineOf } = await service();
    const check = async (kit: AdminKit, session?: AdminSession) => {
      const line = session && lineOf(session);
      const sites = session && (await connectedClients(session, { signal: context.signal }));
      const { folder, jobName, byoc, files, bytes, findings } = await checkJob(jobOf(input), {
        kit,
        ...(line === undefined ? {} : { line }),
        ...(sites === undefined ? {} : { sites }),
        signal: context.signal,
      });
      const blocking = blockingFindings(findings).length;
      return { job: jobName, folder, byoc, files, bytes, findings, blocking };
    };
    if (!input.offline) return withSession(input, context, (session, kit) => check(kit, session));
    const { openAdminKit } = await import('../services/flare/index.ts');
    return check(await openAdminKit(input.kit, { clock: context.core.clock }));
  },

  'jobs.list': (input, context) =>
    withSession(input, context, async (session) => {
      const { listJobs } = await service();
      const rows = await listJobs(session, {
        ...(input.name === undefined ? {} : { name: input.name }),
        ...(input.mine === undefined ? {} : { mine: input.mine }),
        ...(input.limit === undefined ? {} : { limit: input.limit }),
        newestFirst: true,
        signal: context.signal,
      });
      return { jobs: rows.map((row) => ({ ...row })) };
    }),

  'jobs.abort': (input, context) =>
    withSession(input, context, async (session) => ({
      ...(await (await service()).abortJob(session, input.job_id, { signal: context.signal })),
    })),

  'jobs.delete': (input, context) =>
    withSession(input, context, async (session) => ({
      ...(await (await service()).deleteJob(session, input.job_id, { signal: context.signal })),
    })),

  'jobs.clone': (input, context) =>
    withSession(input, context, async (session) => ({
      ...(await (await service()).cloneJob(session, input.job_id, { signal: context.signal })),
    })),
};

const tasks: JobTasks = {
  'jobs.submit': {
    title: () => 'Submit',
    target: jobOf,
    steps: ({ follow, download, into }) => [
      'login',
      'check',
      'pack',
      'upload',
      ...(follow || download || into ? ['follow'] : []),
      ...(download || into ? ['download', 'unpack'] : []),
    ],
    // Sent twice, a job runs twice.
    idempotent: false,
    isPartly,
    async run(input, { core, signal, task }) {
      const running: Running = { signal, report: task.report };
      task.report({ step: 'login' });
      return withSession(input, { core, signal }, async (session, kit) => {
        const { submitJob } = await service();
        const submitted = await submitJob(session, kit, jobOf(input), {
          ...running,
          ...(input.force === undefined ? {} : { force: input.force }),
        });
        if (input.follow || input.download || input.into !== undefined) {
          return followAndFetch(session, kit, submitted.job_id, input, running);
        }
        return {
          job_id: submitted.job_id,
          name: submitted.jobName,
          status: 'SUBMITTED',
          result: null,
        };
      });
    },
  },

  'jobs.follow': {
    title: () => 'Follow',
    target: ({ job_id }) => job_id,
    steps: ({ download, into }) => ['login', 'follow', ...(download || into ? ['download', 'unpack'] : [])],
    idempotent: true,
    isPartly,
    async run(input, { core, signal, task }) {
      task.report({ step: 'login' });
      return withSession(input, { core, signal }, (session, kit) =>
        followAndFetch(session, kit, input.job_id, input, { signal, report: task.report }),
      );
    },
  },

  'jobs.download': {
    title: () => 'Download',
    target: ({ job_id }) => job_id,
    steps: () => ['login', 'download', 'unpack'],
    idempotent: true,
    async run(input, { core, signal, task }) {
      task.report({ step: 'login' });
      const { kit, session } = await openFor(input, { core, signal });
      try {
        const { downloadJob } = await service();
        const into = input.into ?? kit.downloadDir;
        const done = await downloadJob(session, input.job_id, { into, signal, report: task.report });
        return { job_id: done.job_id, ...resultOf(done) };
      } finally {
        await session.close();
      }
    },
  },
};

export const handlers: JobCalls & JobTasks = { ...calls, ...tasks };
