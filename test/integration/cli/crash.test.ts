/** The command as a process: Ctrl-C, kill -9, two processes with one state folder, a reader that goes away. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flaredesk } from '../../lab/flaredesk.ts';
import { projectWith } from '../../lab/project-text.ts';

const entry = join(import.meta.dirname, '../../../src-main/headless/main.ts');
/** Enough for some seconds of key making. */
const many = 400;

let folder: string;
const running: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flaredesk-cli-'));
  await writeFile(join(folder, 'project.yml'), projectWith(many));
});
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});
const environment = () => ({ ...process.env, FLAREDESK_STATE: join(folder, 'state') });
const desk = (...words: string[]) =>
  flaredesk(words, { cwd: folder, env: { FLAREDESK_STATE: join(folder, 'state') } });

/** Starts provisioning and resolves when keys are being made. */
async function provisioning() {
  const child = spawn(process.execPath, [entry, 'provision', '-p', 'project.yml', '--json'], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  running.push(child);
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const ended = new Promise<{ code: number | null; stdout: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout })),
  );
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => /cert/.test(chunk.toString()) && resolve());
    child.once('close', () => reject(new Error(`ended before it began: ${stdout}`)));
  });
  return { child, ended };
}

const prodFolders = async () =>
  (await readdir(folder, { recursive: true })).filter((name) => /(^|\/)prod_\d+$/.test(name));

describe('the command', () => {
  it('cancels in order at Ctrl-C: exit code 130, one JSON document, nothing left', async () => {
    const { child, ended } = await provisioning();
    const began = performance.now();
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect(await prodFolders()).toEqual([]);
    const list = await desk('task', 'list');
    expect(list).toMatchObject({ ok: true, value: { tasks: [{ status: 'cancelled' }] } });
  });

  it('leaves a task interrupted after kill -9, and the next run works', async () => {
    const { child, ended } = await provisioning();
    child.kill('SIGKILL');
    await ended;
    expect(await prodFolders()).toEqual([]);
    const list = await desk('task', 'list');
    expect(list).toMatchObject({
      ok: true,
      value: { tasks: [{ kind: 'provisioning.run', status: 'interrupted', actions: ['retry'] }] },
    });
    const trail = await desk('audit', 'show');
    expect(trail).toMatchObject({
      code: 0,
      ok: true,
      value: { intact: true, entries: [{ outcome: 'started' }] },
    });
    await writeFile(join(folder, 'project.yml'), projectWith(2));
    const id = (list.ok ? (list.value['tasks'] as { id: string }[]) : [])[0]?.id ?? '';
    expect(await desk('task', 'retry', id)).toMatchObject({ code: 0, ok: true });
    expect(await prodFolders()).toEqual(['workspace/unit_study/prod_00']);
  });

  it('does not take the task of a living process for interrupted, and may not cancel it', async () => {
    const { child, ended } = await provisioning();
    const list = await desk('task', 'list');
    expect(list).toMatchObject({ ok: true, value: { tasks: [{ status: 'running', actions: [] }] } });
    child.kill('SIGINT');
    await ended;
  });

  it('does not fall over when its reader has seen enough', async () => {
    const done = await new Promise<{ code: unknown; stderr: string }>((resolve) =>
      execFile(
        'bash',
        ['-c', `set -o pipefail; "$0" "$1" --help | head -c 1 >/dev/null`, process.execPath, entry],
        { timeout: 15_000 },
        (error, _stdout, stderr) => resolve({ code: error?.code ?? 0, stderr }),
      ),
    );
    expect(done).toEqual({ code: 0, stderr: '' });
  });
});
