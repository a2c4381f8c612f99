import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { DeskError } from '../../../../src-main/contract/errors.ts';
import type { AdminSession, DownloadOffer } from '../../../../src-main/services/flare/index.ts';
import { downloadJob } from '../../../../src-main/services/jobs/index.ts';
import { forgeZip } from './forge-zip.ts';
import { fakeSession, newFolder, reply } from './workbench.ts';

vi.mock('../../../../src-main/services/jobs/cancel.ts', async (original) => ({
  ...(await original<object>()),
  pause: () => Promise.resolve(),
}));

const jobId = '1b4e28ba-2fa1-41d2-883f-0016d3cca427';
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown;
const result = forgeZip([
  { name: 'models/', mode: 0o40755 },
  { name: 'models/server.npy', data: Buffer.alloc(30_000, 5), store: true },
  { name: 'log.txt', data: Buffer.from('log\n') },
]);

type Pull = (offer: DownloadOffer, offset: number, attempt: number) => AsyncGenerator<Uint8Array>;

/** A server that offers files and hands them out in pieces, the way the test says. */
function server(
  files: Record<string, Uint8Array>,
  pull?: Pull,
): AdminSession & { lines: string[]; offers: number } {
  let offers = 0;
  let attempt = 0;
  const session = fakeSession(
    (line) => {
      offers += 1;
      return reply(line, [{ type: 'string', data: 'OK' }], {
        status: 'ok',
        source_fqcn: 'server',
        files: Object.keys(files).map((name) => [name, `R${offers}-${name}`]),
        tx_id: 'tx',
        folder_name: jobId,
      });
    },
    {
      download: (offer, { offset = 0 } = {}) => {
        attempt += 1;
        return (pull ?? plainPull(files))(offer, offset, attempt);
      },
    },
  );
  return Object.defineProperty(session, 'offers', { get: () => offers }) as never;
}

const bytesOf = (files: Record<string, Uint8Array>, offer: DownloadOffer) =>
  files[offer.refId.replace(/^R\d+-/, '')]!;

const plainPull = (files: Record<string, Uint8Array>): Pull =>
  async function* (offer, offset) {
    const bytes = bytesOf(files, offer);
    for (let at = offset; at < bytes.length; at += 1000)
      yield await Promise.resolve(bytes.subarray(at, at + 1000));
  };

describe('downloadJob', () => {
  const files = {
    'workspace.zip': result,
    'meta.json': Buffer.from('{}'),
    'job.zip': forgeZip([{ name: 'hello/meta.json' }]),
  };

  test('fetches, unpacks, names the model, and leaves nothing else', async () => {
    const into = join(await newFolder(), 'results');
    const seen: number[] = [];
    const done = await downloadJob(server(files), jobId, {
      into,
      report: ({ step, done = 0 }) => step === 'download' && seen.push(done),
    });
    expect(done).toEqual({
      job_id: jobId,
      folder: join(into, jobId),
      files: ['job/hello/meta.json', 'meta.json', 'workspace/log.txt', 'workspace/models/server.npy'],
      models: ['workspace/models/server.npy'],
      bytes: Object.values(files).reduce((sum, bytes) => sum + bytes.length, 0),
    });
    expect(seen.at(-1)).toBe(done.bytes);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(await readdir(into)).toEqual([jobId]);
    expect(await readFile(join(done.folder, 'workspace/models/server.npy'))).toEqual(Buffer.alloc(30_000, 5));
  });

  test('waits for the result of a completed job, not for that of one that never ran', async () => {
    for (const [status, wanted] of [
      ['FINISHED:COMPLETED', 3],
      ['FINISHED:FAILED_TO_RUN', 1],
    ] as const) {
      let offers = 0;
      const session = fakeSession(
        (line) => {
          if (line.startsWith('get_job_meta'))
            return reply(line, [], { status: 'ok', job_meta: { job_id: jobId, status } });
          offers += 1;
          const names = offers < 3 ? ['meta.json'] : ['meta.json', 'workspace.zip'];
          const offered = names.map((name) => [name, `R${offers}-${name}`]);
          return reply(line, [], { status: 'ok', source_fqcn: 'server', files: offered });
        },
        { download: (offer, { offset = 0 } = {}) => plainPull(files)(offer, offset, 0) },
      );
      await downloadJob(session, jobId, { into: await newFolder() });
      expect(offers).toBe(wanted);
    }
  });

  test('takes the next free name', async () => {
    const into = await newFolder();
    await mkdir(join(into, jobId));
    await mkdir(join(into, `${jobId}__1`));
    expect((await downloadJob(server(files), jobId, { into })).folder).toBe(join(into, `${jobId}__2`));
    expect(await readdir(join(into, jobId))).toEqual([]);
  });

  test('goes on where the connection dropped, without a new offer', async () => {
    const offsets: number[] = [];
    const plain = plainPull(files);
    const session = server(files, async function* (offer, offset, attempt) {
      if (offer.refId.endsWith('workspace.zip')) offsets.push(offset);
      let given = 0;
      for await (const chunk of plain(offer, offset, attempt)) {
        yield chunk;
        given += chunk.length;
        if (offsets.length < 4 && given > 7000)
          throw new DeskError('timeout', 'silence', { retryable: true });
      }
    });
    const { folder } = await downloadJob(session, jobId, { into: await newFolder() });
    expect(await readFile(join(folder, 'workspace/models/server.npy'))).toEqual(Buffer.alloc(30_000, 5));
    expect(session.offers).toBe(1);
    expect(offsets[0]).toBe(0);
    expect(offsets[3]).toBeGreaterThan(20_000);
  });

  test('asks for a new offer when the old one is gone', async () => {
    const plain = plainPull(files);
    const session = server(files, async function* (offer, offset, attempt) {
      if (attempt > 1 && offer.refId.startsWith('R1-')) throw new DeskError('not_found', 'the offer is gone');
      let given = 0;
      for await (const chunk of plain(offer, offset, attempt)) {
        yield chunk;
        given += chunk.length;
        if (attempt === 1 && given > 9000)
          throw new DeskError('unreachable', 'the line is down', { retryable: true });
      }
    });
    const { folder } = await downloadJob(session, jobId, { into: await newFolder() });
    expect(session.offers).toBe(2);
    expect((await stat(join(folder, 'workspace/models/server.npy'))).size).toBe(30_000);
  });

  test.each([
    ['a session that is over', new DeskError('session_lost', 'over'), 'session_lost'],
    ['a server that stays silent', new DeskError('timeout', 'silence', { retryable: true }), 'timeout'],
  ])('gives up on %s and leaves nothing', async (_, failure, wanted) => {
    const into = await newFolder();
    const session = server(files, async function* () {
      yield await Promise.reject<Uint8Array>(failure);
    });
    await expect(downloadJob(session, jobId, { into })).rejects.toEqual(code(wanted));
    expect(await readdir(into)).toEqual([]);
  });

  test.each([['../evil.zip'], ['/etc/evil'], ['a\\b'], ['C:/x'], ['']])(
    'refuses an offer of %j',
    async (name) => {
      const into = await newFolder();
      await expect(downloadJob(server({ [name]: Buffer.from('x') }), jobId, { into })).rejects.toEqual(
        code('integrity'),
      );
      expect(await readdir(into)).toEqual([]);
    },
  );

  test('refuses a result that climbs out, and leaves nothing', async () => {
    const place = await newFolder();
    const into = join(place, 'results');
    const evil = { 'workspace.zip': forgeZip([{ name: '../../evil' }]) };
    await expect(downloadJob(server(evil), jobId, { into })).rejects.toEqual(code('integrity'));
    expect(await readdir(into)).toEqual([]);
    expect(await readdir(place)).toEqual(['results']);
  });

  test('is cancelled and leaves nothing', async () => {
    const into = await newFolder();
    const cancel = new AbortController();
    const session = server(files, async function* () {
      for (;;) {
        yield await Promise.resolve(Buffer.alloc(1000));
        cancel.abort();
      }
    });
    await expect(downloadJob(session, jobId, { into, signal: cancel.signal })).rejects.toEqual(
      code('cancelled'),
    );
    expect(await readdir(into)).toEqual([]);
  });

  test('says why the server refuses', async () => {
    const into = await newFolder();
    const refusing = (status: string) =>
      fakeSession((line) => reply(line, [{ type: 'error', data: 'no' }], { status, info: 'no' }));
    await expect(downloadJob(refusing('job_running'), jobId, { into })).rejects.toEqual(code('conflict'));
    await expect(downloadJob(refusing('not_authorized'), jobId, { into })).rejects.toEqual(code('denied'));
    await expect(downloadJob(refusing('invalid_job_id'), jobId, { into })).rejects.toEqual(code('not_found'));
    await expect(downloadJob(refusing('ok'), '../x', { into })).rejects.toEqual(code('invalid_input'));
    expect(await readdir(into)).toEqual([]);
  });
});
