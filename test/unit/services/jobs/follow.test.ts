import { describe, expect, test } from 'vitest';
import { DeskError } from '../../../../src-main/contract/errors.ts';
import type { CommandReply } from '../../../../src-main/services/flare/index.ts';
import { followJob, type JobEvent } from '../../../../src-main/services/jobs/index.ts';
import { forgeZip } from './forge-zip.ts';
import { fakeSession, reply } from './workbench.ts';

const jobId = '1b4e28ba-2fa1-41d2-883f-0016d3cca427';
const pollMs = { first: 1, longest: 2 };
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown;
const metaReply = (line: string, meta: Record<string, unknown>): CommandReply => {
  const full = { job_id: jobId, name: 'sample', ...meta };
  return reply(line, [{ type: 'dict', data: full }], { status: 'ok', job_meta: full });
};

type Step = Record<string, unknown> | Error;

/** A server whose job goes through the steps; the last one stays. Other commands are answered by `others`. */
function jobServer(
  steps: Step[],
  others: (line: string) => CommandReply | Error | undefined = () => undefined,
) {
  let at = 0;
  return fakeSession((line) => {
    if (!line.startsWith('get_job_meta ')) return others(line);
    const step = steps[Math.min(at++, steps.length - 1)]!;
    return step instanceof Error ? step : metaReply(line, step);
  });
}

const deployed = { job_deploy_detail: ['server: OK', 'site-1: OK'] };
const log = (...lines: string[]) => lines.map((line) => `2026-11-24 11:13:12,283 - ${line}\n`).join('');

describe('followJob', () => {
  test('tells every change once, and the end', async () => {
    const events: JobEvent[] = [];
    const steps = [
      { status: 'SUBMITTED' },
      { status: 'SUBMITTED', schedule_history: ['2026-11-23 14:03:18: missing required site site-2'] },
      { status: 'SUBMITTED', schedule_history: ['2026-11-23 14:03:18: missing required site site-2'] },
      { status: 'RUNNING', ...deployed },
      { status: 'RUNNING', ...deployed },
      { status: 'FINISHED:COMPLETED', duration: '0:00:09.9', ...deployed },
    ];
    const outcome = await followJob(
      jobServer(steps, (line) =>
        line.startsWith('tail ')
          ? reply(line, [{ type: 'string', data: log('W - INFO - Round 0 started.') }])
          : undefined,
      ),
      jobId,
      { pollMs, onEvent: (event) => events.push(event) },
    );
    expect(events).toEqual([
      { kind: 'status', status: 'SUBMITTED', phase: 'waiting' },
      { kind: 'waiting', reason: 'missing required site site-2' },
      { kind: 'status', status: 'RUNNING', phase: 'running', previous: 'SUBMITTED' },
      {
        kind: 'deployed',
        sites: [
          { site: 'server', ok: true, detail: 'OK' },
          { site: 'site-1', ok: true, detail: 'OK' },
        ],
      },
      { kind: 'rounds', rounds: { finished: 0, current: 1 } },
      { kind: 'status', status: 'FINISHED:COMPLETED', phase: 'completed', previous: 'RUNNING' },
    ]);
    expect(outcome).toMatchObject({
      job_id: jobId,
      name: 'sample',
      status: 'FINISHED:COMPLETED',
      phase: 'completed',
      duration: '0:00:09.9',
    });
    expect(outcome.reason).toBeUndefined();
  });

  test('waits for a server that is silent, and goes on', async () => {
    const events: JobEvent[] = [];
    const silence = new DeskError('timeout', 'no answer', { retryable: true });
    const down = new DeskError('unreachable', 'refused', { retryable: true });
    const { status } = await followJob(
      jobServer([{ status: 'RUNNING' }, silence, down, silence, { status: 'FINISHED:COMPLETED' }]),
      jobId,
      {
        pollMs,
        onEvent: (event) => events.push(event),
      },
    );
    expect(status).toBe('FINISHED:COMPLETED');
    expect(events.filter(({ kind }) => kind === 'notice')).toHaveLength(1);
  });

  test('loses patience, or stops at once when the session is over or the job is gone', async () => {
    const silence = new DeskError('timeout', 'no answer', { retryable: true });
    await expect(followJob(jobServer([silence]), jobId, { pollMs, patienceMs: 20 })).rejects.toEqual(
      code('timeout'),
    );
    await expect(
      followJob(jobServer([new DeskError('session_lost', 'over')]), jobId, { pollMs }),
    ).rejects.toEqual(code('session_lost'));
    const gone = fakeSession((line) =>
      reply(line, [{ type: 'error', data: `invalid job_id ${jobId}` }], { status: 'invalid_job_id' }),
    );
    await expect(followJob(gone, jobId, { pollMs })).rejects.toEqual(code('not_found'));
  });

  test('is cancelled between two questions', async () => {
    const cancel = new AbortController();
    const following = followJob(jobServer([{ status: 'RUNNING' }]), jobId, {
      pollMs: { first: 60_000, longest: 60_000 },
      signal: cancel.signal,
    });
    setTimeout(() => cancel.abort(), 30);
    await expect(following).rejects.toEqual(code('cancelled'));
  });

  test('says a status it does not know and goes on', async () => {
    const events: JobEvent[] = [];
    await followJob(jobServer([{ status: 'PAUSED' }, { status: 'FINISHED:COMPLETED' }]), jobId, {
      pollMs,
      onEvent: (event) => events.push(event),
    });
    expect(events[0]).toEqual({ kind: 'status', status: 'PAUSED', phase: 'unknown' });
  });
});

describe('the reason', () => {
  const failed = { status: 'FINISHED:EXECUTION_EXCEPTION', ...deployed };

  test('is the site that could not deploy', async () => {
    const meta = {
      status: 'FINISHED:FAILED_TO_RUN',
      job_deploy_detail: ['server: OK', 'site-1: job signature verification failed'],
    };
    const { reason } = await followJob(jobServer([meta]), jobId, { pollMs });
    expect(reason).toMatchObject({
      summary: 'site-1: job signature verification failed',
      deployment: [{ site: 'site-1' }],
    });
  });

  test('is the scheduler when the job never started', async () => {
    const history = Array.from(
      { length: 9 },
      (_, at) => `2026-11-23 14:03:1${at}: connected sites (${at}) < min_sites (9)`,
    );
    const { reason } = await followJob(
      jobServer([{ status: 'FINISHED:CAN_NOT_SCHEDULE', schedule_history: history }]),
      jobId,
      { pollMs },
    );
    expect(reason?.summary).toBe('The scheduler: connected sites (8) < min_sites (9)');
    expect(reason?.schedule).toHaveLength(3);
  });

  test('is the first error of the log the server holds, and of the sites', async () => {
    const logs = { server: log('A - INFO - up', 'B - ERROR - broke'), 'site-1': log('C - ERROR - no GPU') };
    const session = jobServer([failed], (line) =>
      line === `get_job_log ${jobId} server`
        ? reply(line, [{ type: 'dict', data: { logs: { server: logs.server } } }], { status: 'ok' })
        : line === `get_job_log ${jobId} all`
          ? reply(line, [{ type: 'dict', data: { logs } }], { status: 'ok' })
          : undefined,
    );
    const { reason } = await followJob(session, jobId, { pollMs });
    expect(reason).toEqual({
      summary: 'server: B - ERROR - broke',
      deployment: [],
      schedule: [],
      log: [
        { site: 'server', line: 'B - ERROR - broke' },
        { site: 'site-1', line: 'C - ERROR - no GPU' },
      ],
    });
  });

  test('is found in the end of the log that was seen while the job ran', async () => {
    let running = true;
    const session = jobServer([{ status: 'RUNNING' }, failed], (line) => {
      if (!line.startsWith('tail server ') || !running)
        return reply(line, [{ type: 'string', data: 'tail: cannot open\n' }]);
      running = false;
      return reply(line, [{ type: 'string', data: log('B - ERROR - broke') }]);
    });
    expect((await followJob(session, jobId, { pollMs })).reason?.summary).toBe('server: B - ERROR - broke');
  });

  test('is looked for in the result when no log is left', async () => {
    const archive = forgeZip([{ name: 'log.txt', data: Buffer.from(log('B - ERROR - broke')) }]);
    const session = jobServer([failed], (line) =>
      line.startsWith('download_job ')
        ? reply(line, [], { status: 'ok', source_fqcn: 'server', files: [['workspace.zip', 'R1']] })
        : undefined,
    );
    session.download = async function* () {
      yield await Promise.resolve(archive);
    };
    expect((await followJob(session, jobId, { pollMs })).reason?.summary).toBe('server: B - ERROR - broke');
  });

  test('asks no more for what the role may not see', async () => {
    const session = jobServer(
      [{ status: 'RUNNING' }, { status: 'RUNNING' }, { status: 'RUNNING' }, failed],
      (line) => reply(line, [{ type: 'error', data: 'not authorized' }], { status: 'not_authorized' }),
    );
    const { reason } = await followJob(session, jobId, { pollMs });
    expect(reason?.summary).toContain('tells no reason');
    expect(session.lines.filter((line) => line.startsWith('tail '))).toHaveLength(1);
  });

  test('of an aborted job is that', async () => {
    expect(
      (await followJob(jobServer([{ status: 'FINISHED:ABORTED' }]), jobId, { pollMs })).reason?.summary,
    ).toBe('The job was aborted.');
  });
});
