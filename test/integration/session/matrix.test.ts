/** Our session against real servers: every transport and security of both lines. */
import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  adminSignerOf,
  type AdminKit,
  type AdminSession,
  openAdminKit,
  openSession,
  quoteArgument,
} from '../../../src-main/services/flare/index.ts';
import { packJob } from '../../../src-main/services/jobs/index.ts';
import { type FlareVersion, type LabFederation, newLabFolder, startFederation } from '../../lab/nvflare.ts';

type Scheme = 'http' | 'tcp' | 'grpc';
type Security = 'mtls' | 'tls' | 'clear';

const matrix: [FlareVersion, Scheme, Security][] = [
  ['2.7.2', 'http', 'mtls'],
  ['2.7.2', 'tcp', 'mtls'],
  ['2.7.2', 'grpc', 'mtls'],
  ['2.7.2', 'http', 'tls'],
  ['2.7.2', 'tcp', 'clear'],
  ['2.8.1', 'http', 'mtls'],
  ['2.8.1', 'tcp', 'mtls'],
  ['2.8.1', 'grpc', 'mtls'],
  ['2.8.1', 'grpc', 'tls'],
  ['2.8.1', 'http', 'clear'],
  ['2.8.1', 'grpc', 'clear'],
];

const commandCounts = { '2.7.2': 45, '2.8.1': 57 };
const MiB = 1024 * 1024;
const big = randomBytes(6 * MiB);
const hash = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** A job nobody can run: it asks for more clients than there are, so it waits until it is aborted. */
async function waitingJob(folder: string): Promise<string> {
  const job = join(folder, 'waiting');
  await mkdir(join(job, 'app', 'config'), { recursive: true });
  await mkdir(join(job, 'app', 'custom'), { recursive: true });
  const meta = {
    name: 'waiting',
    deploy_map: { app: ['@ALL'] },
    min_clients: 1,
    resource_spec: {},
    mandatory_clients: [],
  };
  await writeFile(join(job, 'meta.json'), JSON.stringify(meta));
  const config = { format_version: 2, executors: [], workflows: [], components: [] };
  await writeFile(join(job, 'app', 'config', 'config_fed_server.json'), JSON.stringify(config));
  await writeFile(join(job, 'app', 'config', 'config_fed_client.json'), JSON.stringify(config));
  await writeFile(join(job, 'app', 'custom', 'weights.bin'), big);
  return job;
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

async function pullOffer(session: AdminSession, id: string): Promise<Map<string, Buffer>> {
  const offer = await session.execute(`job_mgmt.download_job ${id}`);
  expect(offer, offer.message).toMatchObject({ ok: true });
  const files = new Map<string, Buffer>();
  for (const [path, refId] of offer.meta['files'] as [string, string][]) {
    files.set(
      path,
      await collect(session.download({ sourceFqcn: offer.meta['source_fqcn'] as string, refId })),
    );
  }
  return files;
}

describe.each(matrix)('%s over %s with %s', (version, scheme, security) => {
  let federation: LabFederation;
  let kit: AdminKit;
  let session: AdminSession;
  let work: string;

  beforeAll(async () => {
    work = await newLabFolder('session');
    federation = await startFederation({ version, scheme, connectionSecurity: security, clients: 0 });
    kit = await openAdminKit(federation.adminKit());
    session = await openSession(kit);
  });

  afterAll(async () => {
    await session?.close();
    await federation?.stop();
    await rm(work, { recursive: true, force: true });
  });

  test('logs in, knows who and where it is', () => {
    expect(kit).toMatchObject({ scheme, connectionSecurity: security, signed: version === '2.7.2' });
    expect(session.identity).toMatchObject({
      user: 'admin@nvidia.com',
      org: 'nvidia',
      role: 'project_admin',
    });
    expect(session.serverVersion).toBe(version === '2.7.2' ? '2.7' : version);
    expect(session.commands.length).toBe(commandCounts[version]);
    expect(session.commands.find((command) => command.name === 'submit_job')).toMatchObject({
      scope: 'job_mgmt',
      clientCommand: 'file_transfer.push_folder',
    });
  });

  test('runs commands, good and bad, several at once', async () => {
    const lines = [
      'check_status server',
      'list_jobs',
      'bogus',
      'check_status bogus',
      'pwd server',
      'cat server /etc/passwd',
    ];
    const replies = await Promise.all(lines.map((line) => session.execute(line)));
    expect(replies.map((reply) => reply.ok)).toEqual([true, true, false, false, true, false]);
    expect(replies[0]!.meta).toMatchObject({ server_status: 'stopped', jobs: [] });
    expect(replies[3]).toMatchObject({
      status: 'invalid_target',
      message: expect.stringContaining('bogus') as string,
    });
    const quoted = await session.execute(`grep server ${quoteArgument('admin session')} log.txt`);
    expect(quoted.message ?? '').not.toMatch(/usage/i);
  });

  test('uploads and downloads more than 5 MiB', async () => {
    const { signer, certificatePem } = adminSignerOf(kit);
    const packed = await packJob(await waitingJob(work), 'waiting', {
      signer: {
        sign: (data) => signer.sign(data),
        signChunks: (chunks) => signer.signChunks(chunks),
        certificatePem,
      },
    });
    const sent: number[] = [];
    const reply = await session.upload(
      'job_mgmt.submit_job waiting',
      { name: 'waiting', size: packed.size, read: () => packed.read() },
      { onProgress: (bytes) => sent.push(bytes) },
    );
    const archive = await readFile(packed.file);
    await packed.dispose();
    expect(reply, reply.message).toMatchObject({ ok: true });
    expect(sent.length).toBeGreaterThan(6);
    expect(sent.at(-1)).toBe(packed.size);

    const id = reply.meta['job_id'] as string;
    expect(await session.execute(`abort_job ${id}`)).toMatchObject({ ok: true });
    const files = await pullOffer(session, id);
    expect(hash(files.get('job.zip')!)).toBe(hash(archive));
    expect(archive.length).toBeGreaterThan(5 * MiB);
    expect(JSON.parse(files.get('meta.json')!.toString())).toMatchObject({ job_id: id });
    const gone = session.download({ sourceFqcn: 'server', refId: 'R-nothing' });
    await expect(collect(gone)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('an upload that is called off leaves nothing in the way', async () => {
    const stop = new AbortController();
    const source = {
      name: 'waiting',
      size: big.length,
      read: async function* () {
        await Promise.resolve();
        yield big;
      },
    };
    await expect(
      session.upload('job_mgmt.submit_job waiting', source, {
        signal: stop.signal,
        onProgress: () => stop.abort(),
      }),
    ).rejects.toMatchObject({ code: 'cancelled' });
    expect(await session.execute('list_jobs')).toMatchObject({ ok: true });
  });

  if (security !== 'clear') return;

  test('a kit for another server name is refused', async () => {
    const copy = join(work, 'kit');
    await cp(federation.adminKit(), copy, { recursive: true });
    const file = join(copy, 'startup', 'fed_admin.json');
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace(
        '"server_identity": "localhost"',
        '"server_identity": "another"',
      ),
    );
    await rm(join(copy, 'startup', 'signature.json'), { force: true });
    await expect(openSession(await openAdminKit(copy))).rejects.toMatchObject({
      step: 'challenge',
      code: 'cert_untrusted',
    });
  });
});
