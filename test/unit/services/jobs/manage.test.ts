import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ReplyItem } from '../../../../src-main/services/flare/index.ts';
import {
  abortJob,
  cloneJob,
  deleteJob,
  getJobMeta,
  listJobs,
} from '../../../../src-main/services/jobs/index.ts';
import { fakeSession, reply } from './workbench.ts';

interface RecordedReply {
  command: string;
  reply: { data: ReplyItem[]; meta: Record<string, unknown> } | null;
}

const recorded = (version: string): RecordedReply[] =>
  (
    JSON.parse(
      readFileSync(
        new URL(`../../../fixtures/vectors/admin/replies-${version}.json`, import.meta.url),
        'utf8',
      ),
    ) as { replies: RecordedReply[] }
  ).replies;

const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown;

describe.each(['2.7.2', '2.8.1'])('what a %s server answers', (version) => {
  const replies = recorded(version);
  /** A session that gives the nth recorded answer to each command that starts so. */
  const play = (start: string, nth = 0) => {
    const found = replies.filter(({ command, reply: answer }) => command.startsWith(start) && answer)[nth];
    if (!found?.reply) throw new Error(`no reply to ${start}`);
    const { data, meta } = found.reply;
    return {
      session: fakeSession((line) => reply(line, data, meta)),
      jobId: found.command.split(' ')[1] ?? '',
      meta,
    };
  };

  test('is read as rows', async () => {
    const { session, meta } = play('list_jobs -u -n hel');
    const rows = await listJobs(session, {
      mine: true,
      name: 'hel',
      newestFirst: true,
      limit: 5,
      idPrefix: 'ab',
    });
    expect(session.lines).toEqual(['list_jobs -n hel -u -r -m 5 ab']);
    expect(rows).toHaveLength((meta.jobs as unknown[]).length);
    expect(rows.at(-1)).toMatchObject({ name: 'hello', status: 'RUNNING', phase: 'running' });
    expect(rows.at(-1)?.submit_time).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(rows.at(-1)?.study).toBe(version === '2.8.1' ? 'default' : undefined);
  });

  test('is no row when nothing matches', async () => {
    expect(await listJobs(play('list_jobs nosuchprefix').session)).toEqual([]);
  });

  test('is read as meta', async () => {
    const { session, jobId } = play('get_job_meta');
    expect(await getJobMeta(session, jobId)).toMatchObject({
      job_id: jobId,
      status: 'RUNNING',
      name: 'hello',
    });
  });

  test('to clone and delete is done', async () => {
    const clone = play('clone_job');
    const cloned = await cloneJob(clone.session, clone.jobId);
    expect(cloned).toEqual({ job_id: clone.meta.job_id, cloned_from: clone.jobId });
    const done = replies
      .filter(({ command }) => command.startsWith('delete_job'))
      .findIndex(({ reply: answer }) => answer?.meta.status === 'ok');
    const gone = play('delete_job', done);
    expect((await deleteJob(gone.session, gone.jobId)).info).toContain('deleted');
  });

  test('to what is not there or runs is an error of its kind', async () => {
    const running = play('delete_job');
    await expect(deleteJob(running.session, running.jobId)).rejects.toEqual(code('conflict'));
    const missing = play('get_job_meta 00000000');
    await expect(getJobMeta(missing.session, missing.jobId)).rejects.toEqual(code('not_found'));
  });
});

test('an id that would be read as something else is refused before it is sent', async () => {
  const session = fakeSession(() => undefined);
  for (const jobId of ['', '-d', 'a b', 'x"y', '../../etc', 'abc\n']) {
    await expect(abortJob(session, jobId)).rejects.toEqual(code('invalid_input'));
  }
  expect(session.lines).toEqual([]);
});

test('a name with blanks or quotes stays one argument', async () => {
  const session = fakeSession((line) => reply(line, [], { status: 'ok', jobs: [] }));
  await listJobs(session, { name: 'my "job"' });
  expect(session.lines).toEqual(['list_jobs -n "my \\"job\\""']);
});

describe('abortJob', () => {
  const jobId = '1b4e28ba-2fa1-41d2-883f-0016d3cca427';

  /** A job that shows these statuses, one per look; the last stays. */
  const jobGoing = (...statuses: string[]) => {
    let at = 0;
    return fakeSession((line) =>
      line.startsWith('abort_job ')
        ? reply(line, [{ type: 'success', data: '' }], { status: 'ok', info: 'signal sent' })
        : reply(line, [], {
            status: 'ok',
            job_meta: { job_id: jobId, status: statuses[Math.min(at++, statuses.length - 1)] },
          }),
    );
  };
  const signals = ({ lines }: { lines: string[] }) =>
    lines.filter((line) => line === `abort_job ${jobId}`).length;

  test('waits until the job has ended', async () => {
    const session = jobGoing('RUNNING', 'RUNNING', 'FINISHED:ABORTED');
    const done = await abortJob(session, jobId, { pollMs: 1 });
    expect(done).toEqual({ job_id: jobId, info: 'signal sent', status: 'FINISHED:ABORTED' });
    expect(signals(session)).toBe(1);
  });

  test('sends the signal again when it was lost', async () => {
    const session = jobGoing('RUNNING', ...Array<string>(15).fill('RUNNING'), 'FINISHED:ABORTED');
    expect((await abortJob(session, jobId, { pollMs: 1 })).status).toBe('FINISHED:ABORTED');
    expect(signals(session)).toBe(2);
  });

  test('aborts a job that starts in spite of it', async () => {
    const session = jobGoing('SUBMITTED', 'FINISHED:ABORTED', 'RUNNING', 'FINISHED:ABORTED');
    expect((await abortJob(session, jobId, { pollMs: 1 })).status).toBe('FINISHED:ABORTED');
    expect(signals(session)).toBe(2);
  });

  test('does not wait for one that is finished, and tells of one that does not end', async () => {
    const finished = jobGoing('FINISHED:COMPLETED');
    expect((await abortJob(finished, jobId)).status).toBe('FINISHED:COMPLETED');
    expect(finished.lines).toHaveLength(2);
    expect((await abortJob(jobGoing('RUNNING'), jobId, { pollMs: 1, waitMs: 30 })).status).toBe('RUNNING');
  });
});
