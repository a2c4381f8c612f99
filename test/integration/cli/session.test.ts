/** Session, console and job commands against a real server with two clients. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flaredesk } from '../../lab/flaredesk.ts';
import { type LabFederation, startFederation } from '../../lab/nvflare.ts';

const root = join(import.meta.dirname, '../../..');
const template = join(root, 'resources/job-templates/hello-numpy');

let federation: LabFederation;
let folder: string;
let kit: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flaredesk-cli-'));
  federation = await startFederation({ version: '2.8.1', clients: 2, scheme: 'http' });
  kit = federation.adminKit();
  await cp(template, join(kit, 'transfer/hello'), { recursive: true });
});
afterAll(async () => {
  await federation?.stop();
  await rm(folder, { recursive: true, force: true });
});
const desk = (...words: string[]) =>
  flaredesk([...words, '--kit', kit], {
    cwd: folder,
    env: { FLAREDESK_STATE: join(folder, 'state'), FLAREDESK_CHECK: '1' },
    seconds: 90,
  });

describe('the session commands', () => {
  it('say who is logged in, where', async () => {
    const answer = await desk('session', 'info');
    expect(answer).toMatchObject({
      code: 0,
      ok: true,
      value: { role: 'project_admin', server: { version: '2.8.1', status: 'stopped' } },
    });
    const { server } = (answer.ok ? answer.value : {}) as { server: { clients: { name: string }[] } };
    expect(server.clients.map(({ name }) => name).sort()).toEqual(['site-1', 'site-2']);
  });

  it('run console lines and decide success by the server, not by its words', async () => {
    expect(await desk('console', '-c', 'check_status server', '-c', 'list_jobs')).toMatchObject({
      code: 0,
      ok: true,
      value: { replies: [{ line: 'check_status server', ok: true, status: 'ok' }, { ok: true }] },
    });
    expect(await desk('console', '-c', 'check_status server', '-c', 'nonsense')).toMatchObject({
      code: 3,
      value: { replies: [{ ok: true }, { line: 'nonsense', ok: false }] },
    });
    expect(await desk('console', '-c', 'abort_job nothing', '--yes')).toMatchObject({ code: 1, ok: true });
  });

  it('do not run what wants a confirmation without one', async () => {
    expect(await desk('console', '-c', 'remove_client site-9')).toMatchObject({
      code: 2,
      ok: false,
      error: { code: 'needs_confirmation' },
    });
  });

  it('work at a terminal: completion, help, a reply, history, leaving', async () => {
    const command = [process.execPath, join(root, 'src-main/headless/main.ts'), 'console', '--kit', kit];
    /** Types each line piece by piece once the prompt is there. */
    const talk = async (...lines: string[][]): Promise<string> => {
      const words = command.map((word) => `'${word}'`).join(' ');
      const child = spawn('script', ['-qfec', words, '/dev/null'], {
        env: { ...process.env, FLAREDESK_STATE: join(folder, 'state'), TERM: 'xterm', NO_COLOR: '1' },
        timeout: 40_000,
        killSignal: 'SIGKILL',
      });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += stripVTControlCharacters(chunk.toString('utf8'))));
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      let seen = 0;
      for (const pieces of lines) {
        await expect.poll(() => /(^|\n)> $/.test(text.slice(seen)), { timeout: 15_000 }).toBe(true);
        seen = text.length;
        for (const piece of pieces) {
          child.stdin.write(piece);
          await pause(150);
        }
      }
      expect(await ended).toBe(0);
      return text;
    };
    const first = await talk(['check_st', '\t', 'server', '\r'], ['help list_jobs', '\r'], ['bye', '\r']);
    expect(first).toContain('project_admin, FLARE 2.8.1');
    expect(first).toContain('check_status server');
    expect(first).toContain('site-2');
    expect(first).toContain('usage: list_jobs');
    const second = await talk(['\u001b[A', '\r'], ['\u0004']);
    expect(second).toContain('site-2');
  });
});

describe('the job commands', () => {
  it('check a job of the transfer folder, and one by its path', async () => {
    expect(await desk('job', 'check', 'hello')).toMatchObject({ code: 0, value: { blocking: 0 } });
    expect(await desk('job', 'check', template)).toMatchObject({ code: 0, value: { blocking: 0 } });
    await cp(template, join(folder, 'broken'), { recursive: true });
    await rm(join(folder, 'broken/meta.json'));
    expect(await desk('job', 'check', './broken')).toMatchObject({ code: 2, ok: true });
    expect(await desk('job', 'submit', './broken')).toMatchObject({
      code: 2,
      ok: false,
      error: { code: 'invalid_input' },
    });
  });

  it('submit, follow and fetch a job, and leave its folder untouched', async () => {
    const before = await readdir(join(kit, 'transfer/hello'), { recursive: true });
    const answer = await desk('job', 'submit', 'hello', '--follow', '--download', 'results');
    expect(answer).toMatchObject({
      code: 0,
      ok: true,
      value: { status: 'FINISHED:COMPLETED', phase: 'completed' },
    });
    const value = (answer.ok ? answer.value : {}) as {
      job_id: string;
      result: { folder: string; models: string[] };
    };
    expect(value.result.folder).toBe(join(folder, 'results', value.job_id));
    expect(value.result.models.length).toBeGreaterThan(0);
    expect(existsSync(join(value.result.folder, value.result.models[0] ?? 'none'))).toBe(true);
    expect(await readdir(join(kit, 'transfer/hello'), { recursive: true })).toEqual(before);
    expect(await desk('job', 'list', '--limit', '1')).toMatchObject({
      code: 0,
      value: { jobs: [{ job_id: value.job_id, status: 'FINISHED:COMPLETED' }] },
    });
    const again = await desk('job', 'download', value.job_id);
    expect(again).toMatchObject({
      code: 0,
      value: { job_id: value.job_id, folder: join(kit, 'transfer', value.job_id) },
    });
    expect(await desk('job', 'follow', value.job_id)).toMatchObject({ code: 0, value: { result: null } });
  });

  it('abort a copy, end with 1 when following it, and delete it', async () => {
    const list = await desk('job', 'list');
    const jobs = (list.ok ? list.value['jobs'] : []) as { job_id: string }[];
    const clone = await desk('job', 'clone', jobs[0]?.job_id ?? '');
    expect(clone).toMatchObject({ code: 0, value: { cloned_from: jobs[0]?.job_id } });
    const id = String(clone.ok ? clone.value['job_id'] : '');
    expect(await desk('job', 'abort', id, '--yes')).toMatchObject({ code: 0, value: { job_id: id } });
    expect(await desk('job', 'follow', id)).toMatchObject({ code: 1, ok: true, value: { phase: 'aborted' } });
    expect(await desk('job', 'delete', id, '--yes')).toMatchObject({ code: 0 });
    expect(await desk('job', 'follow', id)).toMatchObject({
      code: 2,
      ok: false,
      error: { code: 'not_found' },
    });
  });
});
