import { randomFillSync } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AdminKit,
  type AdminSession,
  openAdminKit,
  openSession,
} from '../../../src-main/services/flare/index.ts';
import {
  abortJob,
  checkJob,
  cloneJob,
  connectedClients,
  deleteJob,
  downloadJob,
  followJob,
  type JobEvent,
  lineOf,
  listJobs,
  packJob,
  signerOf,
  submitJob,
  uploadJob,
} from '../../../src-main/services/jobs/index.ts';
import { flareVersions, type LabFederation, startFederation } from '../../lab/nvflare.ts';
import { startProxy } from '../../lab/proxy.ts';

const template = fileURLToPath(new URL('../../../resources/job-templates/hello-numpy', import.meta.url));
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown;

describe.each(flareVersions)('jobs on real sites of NVFlare %s', (version) => {
  let federation: LabFederation;
  let kit: AdminKit;
  let session: AdminSession;
  let work: string;
  let helloId = '';

  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'flaredesk-jobs-it-'));
    federation = await startFederation({ version, clients: 2 });
    kit = await openAdminKit(federation.adminKit());
    session = await openSession(kit);
  }, 90_000);

  afterAll(async () => {
    await session?.close();
    await federation?.stop();
    await rm(work, { recursive: true, force: true });
  }, 60_000);

  /** A copy of the template with a change in one of its files. */
  async function variant(name: string, file: string, change: (text: string) => string): Promise<string> {
    const folder = join(work, name);
    await cp(template, folder, { recursive: true });
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    const changed = change(text);
    expect(changed).not.toBe(text);
    await writeFile(path, changed);
    return folder;
  }
  const serverConfig = 'app/config/config_fed_server.json';
  const clientConfig = 'app/config/config_fed_client.json';

  test('hello-numpy is checked, sent, followed to its end, and its model fetched', async () => {
    expect(lineOf(session)).toBe(version);
    expect((await connectedClients(session))?.sort()).toEqual(['site-1', 'site-2']);
    const folder = await variant('hello-numpy', 'meta.json', (text) => `${text}\n`);
    const before = await readdir(folder, { recursive: true });
    const submitted = await submitJob(session, kit, folder);
    expect(submitted.findings).toEqual([]);
    helloId = submitted.job_id;

    const events: JobEvent[] = [];
    const outcome = await followJob(session, helloId, { onEvent: (event) => events.push(event) });
    expect(outcome).toMatchObject({
      status: 'FINISHED:COMPLETED',
      phase: 'completed',
      rounds: { finished: 3 },
    });
    expect(outcome.deployment.map(({ site, ok }) => [site, ok]).sort()).toEqual([
      ['server', true],
      ['site-1', true],
      ['site-2', true],
    ]);
    expect(events.flatMap((event) => (event.kind === 'rounds' ? [event.rounds.finished] : []))).toContain(1);

    const result = await downloadJob(session, helloId, { into: join(work, 'results') });
    expect(result.models).toEqual(['workspace/models/server.npy']);
    const model = await readFile(join(result.folder, 'workspace/models/server.npy'));
    expect(model.subarray(1, 6).toString('latin1')).toBe('NUMPY');
    // Three rounds add one each to 1…9.
    expect(new Float32Array(new Uint8Array(model.subarray(-36)).buffer)).toEqual(
      Float32Array.of(4, 5, 6, 7, 8, 9, 10, 11, 12),
    );
    expect((await readdir(join(work, 'results'))).filter((name) => name !== helloId)).toEqual([]);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });

  test('a failing job tells why, an aborted one ends so, while both run', async () => {
    const bad = await variant('bad', serverConfig, (text) =>
      text.replace('"num_rounds": 3', '"num_rounds": -1'),
    );
    const slow = await variant('slow', clientConfig, (text) =>
      text.replace('"sleep_time": 0', '"sleep_time": 60'),
    );
    const badId = (await submitJob(session, kit, bad)).job_id;
    const slowId = (await submitJob(session, kit, slow)).job_id;
    let aborted: Promise<unknown> | undefined;
    const [failed, stopped] = await Promise.all([
      followJob(session, badId),
      followJob(session, slowId, {
        onEvent: (event) => {
          if (event.kind === 'status' && event.phase === 'running') aborted ??= abortJob(session, slowId);
        },
      }),
    ]);
    await aborted;
    expect(failed).toMatchObject({ status: 'FINISHED:EXECUTION_EXCEPTION', phase: 'failed' });
    expect(failed.reason?.summary).toMatch(/^server: .*num_rounds/);
    expect(stopped).toMatchObject({ status: 'FINISHED:ABORTED', phase: 'aborted' });

    // Asked again when nothing runs any more, the reason is still found.
    expect((await followJob(session, badId)).reason?.summary).toBe(failed.reason?.summary);
  });

  test('a job with a fault is stopped before it is sent, with file and line', async () => {
    const before = (await listJobs(session)).length;
    const wrongSite = await variant('wrong-site', 'meta.json', (text) =>
      text.replace('["@ALL"]', '["server", "site-1", "site2"]'),
    );
    await expect(submitJob(session, kit, wrongSite)).rejects.toMatchObject({
      code: 'invalid_input',
      hint: 'Did you mean "site-2"?',
      fields: [
        { file: join(wrongSite, 'meta.json'), path: 'deploy_map.app[2]', line: 6 },
        { path: 'min_clients' },
      ],
    });
    const wrongClass = await variant('wrong-class', clientConfig, (text) =>
      text.replace('NPTrainer"', 'NoTrainer"'),
    );
    const checked = await checkJob(wrongClass, { kit, line: lineOf(session) });
    expect(checked.findings.map((finding) => finding.code)).toEqual(
      version === '2.8.1' ? ['job_class_not_allowed'] : [],
    );
    expect((await listJobs(session)).length).toBe(before);
  });

  test('the server itself refuses what goes past the check', async () => {
    const bad = await variant('no-map', 'meta.json', (text) => text.replace('"@ALL"', ''));
    const packed = await packJob(bad, 'no-map', { signer: signerOf(kit) });
    await expect(uploadJob(session, packed)).rejects.toEqual(code('invalid_input'));
    await packed.dispose();
  });

  test('an unsigned job is refused by the sites, and the reason shown', async () => {
    const packed = await packJob(template, 'hello-numpy');
    const jobId = await uploadJob(session, packed);
    await packed.dispose();
    const { status, reason } = await followJob(session, jobId);
    expect(status).toBe('FINISHED:FAILED_TO_RUN');
    expect(reason?.summary).toMatch(/server: .*(unsigned|signature)/);
  });

  test('an upload is cancelled and leaves no job', async () => {
    const before = (await listJobs(session)).map(({ job_id: jobId }) => jobId);
    const large = await variant('large', 'meta.json', (text) => `${text}\n`);
    await writeFile(join(large, 'app', 'model.bin'), randomFillSync(Buffer.alloc(40 * 1024 ** 2)));
    const cancel = new AbortController();
    const submitting = submitJob(session, kit, large, {
      signal: cancel.signal,
      report: ({ step, done = 0 }) => {
        if (step === 'upload' && done > 3e6) cancel.abort();
      },
    });
    await expect(submitting).rejects.toEqual(code('cancelled'));
    expect((await listJobs(session)).map(({ job_id: jobId }) => jobId)).toEqual(before);
  });

  test('a large job arrives whole, and comes back whole over a line that is cut twice', async () => {
    const folder = join(work, 'large');
    const submitted = await submitJob(session, kit, folder);
    expect(submitted.bytes).toBeGreaterThan(40 * 1024 ** 2);
    await abortJob(session, submitted.job_id);
    await followJob(session, submitted.job_id);

    const proxy = await startProxy({ targetPort: federation.server.ports.at(-1)! });
    const detour = join(work, 'detour');
    await cp(federation.adminKit(), detour, { recursive: true });
    await rm(join(detour, 'startup', 'signature.json'), { force: true });
    const config = join(detour, 'startup', 'fed_admin.json');
    const settings = JSON.parse(await readFile(config, 'utf8')) as { admin: object };
    const admin = { ...settings.admin, host: '127.0.0.1', port: proxy.port };
    await writeFile(config, JSON.stringify({ ...settings, admin }));
    const over = await openSession(await openAdminKit(detour));
    try {
      const cuts = [12e6, 25e6];
      const result = await downloadJob(over, submitted.job_id, {
        into: join(work, 'results'),
        report: ({ step, done = 0 }) => {
          if (step === 'download' && cuts[0] !== undefined && done > cuts[0]) {
            cuts.shift();
            proxy.cut();
          }
        },
      });
      expect(cuts).toEqual([]);
      const came = await readFile(join(result.folder, 'job/large/app/model.bin'));
      expect(came.equals(await readFile(join(folder, 'app', 'model.bin')))).toBe(true);
    } finally {
      await over.close();
      await proxy.stop();
    }
  });

  test('a job is cloned, listed and deleted', async () => {
    const clone = await cloneJob(session, helloId);
    expect(clone.cloned_from).toBe(helloId);
    await abortJob(session, clone.job_id);
    await followJob(session, clone.job_id);
    const rows = await listJobs(session, { name: 'hello', newestFirst: true });
    expect(rows[0]).toMatchObject({ job_id: clone.job_id, name: 'hello-numpy' });
    await deleteJob(session, clone.job_id);
    expect((await listJobs(session)).some(({ job_id: jobId }) => jobId === clone.job_id)).toBe(false);
    await expect(deleteJob(session, clone.job_id)).rejects.toEqual(code('not_found'));
    await expect(downloadJob(session, clone.job_id, { into: work })).rejects.toMatchObject({
      code: expect.stringMatching(/not_found|remote_failed/) as string,
    });
  });
});
