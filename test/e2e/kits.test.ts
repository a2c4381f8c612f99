/** Our kits and theirs are interchangeable: each side's tools operate a federation of the other side's kits. */
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useFlareApi } from '../lab/flare-api.ts';
import { newLabFolder } from '../lab/keeper.ts';
import { mustFlaredesk } from '../lab/flaredesk.ts';
import { type FlareVersion, flareVersions, startFederation } from '../lab/nvflare.ts';
import { freePort } from '../lab/ports.ts';
import { referenceProject } from '../lab/reference-project.ts';

const job = join(import.meta.dirname, '../../resources/job-templates/hello-numpy');
interface SessionInfo {
  server: { clients: { name: string }[] };
}

let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await newLabFolder('kits');
  env = { FLAREDESK_STATE: join(folder, 'state') };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function provisionOurs(version: FlareVersion): Promise<string> {
  const place = join(folder, version);
  await mkdir(place, { recursive: true });
  const text = referenceProject({ version, port: await freePort(), scheme: 'http', clients: 2 });
  await writeFile(join(place, 'project.yml'), text);
  const args = ['provision', '-p', 'project.yml', '-w', 'workspace', '--flare', version];
  const { prod } = await mustFlaredesk<{ prod: string }>(args, { cwd: place, env });
  return join(place, 'workspace', 'lab', basename(prod));
}

describe.each(flareVersions)('NVFlare %s', (version) => {
  it('runs our kits: the Python FLARE API logs in and completes a job', async () => {
    const federation = await startFederation({ version, kits: await provisionOurs(version) });
    try {
      const answer = await useFlareApi(version, federation.adminKit(), { job });
      expect(answer).toMatchObject({ clients: ['site-1', 'site-2'], status: 'FINISHED:COMPLETED' });
      expect(existsSync(join(answer.result ?? '', 'workspace/models/server.npy'))).toBe(true);
    } finally {
      await federation.stop();
    }
  });

  it('is operated by us: kits of the real nvflare provision, session and job by the command', async () => {
    const federation = await startFederation({ version, scheme: 'tcp', clients: 2 });
    const kit = federation.adminKit();
    const download = join(federation.folder, 'results');
    const options = { cwd: federation.folder, env };
    try {
      const info = await mustFlaredesk<SessionInfo>(['session', 'info', '--kit', kit], options);
      expect(info).toMatchObject({ user: 'admin@nvidia.com', role: 'project_admin' });
      expect(info.server.clients.map(({ name }) => name).sort()).toEqual(['site-1', 'site-2']);
      const submit = ['job', 'submit', job, '--kit', kit, '--follow', '--download', download];
      const done = await mustFlaredesk<{ job_id: string; status: string; result: { folder: string } }>(
        submit,
        options,
      );
      expect(done.status).toBe('FINISHED:COMPLETED');
      expect(done.result.folder.startsWith(download)).toBe(true);
      expect(existsSync(join(done.result.folder, 'workspace/models/server.npy'))).toBe(true);
      const { jobs } = await mustFlaredesk<{ jobs: { job_id: string }[] }>(
        ['job', 'list', '--kit', kit],
        options,
      );
      expect(jobs.map((one) => one.job_id)).toContain(done.job_id);
    } finally {
      await federation.stop();
    }
  });
});
