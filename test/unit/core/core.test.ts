import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callNames, streamNames, taskNames } from '../../../src-main/contract/names.ts';
import type { StateValue, StreamItem } from '../../../src-main/contract/index.ts';
import { validInputs } from '../contract/fixtures.ts';
import { loose, makeCore, page, type CoreBench } from './bench.ts';
import { projectText } from '../../lab/project-text.ts';

async function writeProject(bench: CoreBench): Promise<string> {
  const folder = join(bench.folder, 'study');
  await mkdir(folder);
  await writeFile(join(folder, 'project.yml'), projectText);
  return join(folder, 'project.yml');
}

/** Starts a task and waits for its end. */
async function runTask(bench: CoreBench, name: string, payload: unknown) {
  const started = await loose(bench.client).start(name, payload);
  if (!started.ok) return { started, items: [] };
  const id = String(started.value['id']);
  const opened = await bench.client.open('tasks.watch', { id });
  if (!opened.ok) throw new Error('not opened');
  const items: StreamItem<'tasks.watch'>[] = [];
  for await (const item of opened.value.items) items.push(item);
  const last = items.findLast((item) => item.kind === 'task' && item.task.id === id);
  return { started, items, task: last?.kind === 'task' ? last.task : undefined };
}

describe('the door of the core', () => {
  it('refuses unknown names of every kind', async () => {
    const { client } = await makeCore();
    for (const name of ['', 'nothing', 'projects.explode', '__proto__', 'toString', 'a'.repeat(100_000)]) {
      for (const kind of ['call', 'start', 'open'] as const) {
        const answer = await loose(client)[kind](name, {});
        expect(answer).toMatchObject({ ok: false, error: { code: 'invalid_input' } });
        expect(JSON.stringify(answer).length).toBeLessThan(1000);
      }
    }
  });

  it.each([...callNames, ...taskNames, ...streamNames])(
    'refuses an unknown key in %s before anything is done',
    async (name) => {
      const { client, folder } = await makeCore();
      const kind = (callNames as readonly string[]).includes(name)
        ? 'call'
        : (taskNames as readonly string[]).includes(name)
          ? 'start'
          : 'open';
      const answer = await loose(client)[kind](name, { ...(validInputs[name] as object), surprise: 'x' });
      expect(answer).toMatchObject({ ok: false, error: { code: 'invalid_input' } });
      expect(answer.ok ? [] : answer.error.fields).toContainEqual(
        expect.objectContaining({ path: 'surprise' }),
      );
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it('says too large when only the size was wrong', async () => {
    const { client } = await makeCore();
    const answer = await loose(client).call('kits.inspect', { kit: 'a'.repeat(5000) });
    expect(answer).toMatchObject({ ok: false, error: { code: 'too_large', fields: [{ path: 'kit' }] } });
    expect(JSON.stringify(answer)).not.toContain('aaaa');
  });

  it('lets a page name no path of its own, only what stands behind its tokens', async () => {
    const bench = await makeCore();
    const file = await writeProject(bench);
    const guest = bench.core.clientFor(page({ 'token-1': file }));
    expect(await guest.call('projects.check', { file })).toMatchObject({
      ok: false,
      error: { code: 'denied' },
    });
    expect(await guest.call('projects.check', { file: 'token-1' })).toMatchObject({ ok: true });
    expect(
      await guest.call('projects.check', { file: 'token-1', add_clients: ['/etc/passwd'] }),
    ).toMatchObject({ ok: false, error: { code: 'denied' } });
    expect(await guest.start('provisioning.run', { file: 'token-1', workspace: '/tmp' })).toMatchObject({
      ok: false,
      error: { code: 'denied' },
    });
  });

  it('answers cancelled when the caller goes away', async () => {
    const { client } = await makeCore();
    const answer = await client.call('diagnostics.about', {}, { signal: AbortSignal.abort() });
    expect(answer).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  });

  it('turns an unforeseen failure into a number that the log knows, without its words', async () => {
    const { client, log, folder } = await makeCore({
      clock: {
        now: () => {
          throw new TypeError('the clock broke at /some/place');
        },
      },
    });
    const answer = await client.call('kits.verify', { kit: folder });
    expect(answer).toMatchObject({ ok: false, error: { code: 'internal', retryable: false } });
    expect(JSON.stringify(answer)).not.toMatch(/clock|place|\bat .*\.ts/);
    const number = /number ([0-9a-f]{8})/.exec(answer.ok ? '' : answer.error.message)?.[1] ?? 'none';
    expect(log.filter(({ message }) => message.includes(number))).toHaveLength(1);
  });
});

describe('calls', () => {
  it('tell about the program', async () => {
    const { client, folder } = await makeCore();
    expect(await client.call('diagnostics.about', {})).toMatchObject({
      ok: true,
      value: { version: '0.0.0-test', state_folder: join(folder, 'state'), flare_lines: ['2.7.2', '2.8.1'] },
    });
  });

  it('keep settings', async () => {
    const { client } = await makeCore();
    await client.call('settings.set', { appearance: 'dark' });
    expect(await client.call('settings.get', {})).toMatchObject({ ok: true, value: { appearance: 'dark' } });
  });

  it('give all findings of a project, and its plan', async () => {
    const bench = await makeCore();
    const file = await writeProject(bench);
    const check = await bench.client.call('projects.check', { file });
    expect(check).toMatchObject({ ok: true, value: { participants: 3 } });
    expect(await bench.client.call('projects.plan', { file })).toMatchObject({
      ok: true,
      value: { create: ['server1', 'site-1', 'admin@nvidia.com'], reuse: [], next: 'prod_00' },
    });
    await writeFile(file, projectText.replace('type: client', 'type: klient'));
    const plan = await bench.client.call('projects.plan', { file });
    expect(plan).toMatchObject({ ok: false, error: { code: 'invalid_input', fields: [{ file, line: 6 }] } });
  });

  it('that change something stand in the audit trail, those that read do not', async () => {
    const { client, folder } = await makeCore();
    await client.call('settings.get', {});
    await client.call('settings.set', { appearance: 'dark' });
    await client.call('diagnostics.export_audit', { file: join(folder, 'no', 'such', 'folder') });
    const trail = await client.call('diagnostics.audit', {});
    expect(trail).toMatchObject({ ok: true, value: { intact: true } });
    expect(trail.ok && trail.value.entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'diagnostics.export_audit not_found',
      'settings.set done',
    ]);
  });
});

describe('tasks', () => {
  it('run to the end with steps, result and audit entries, and are remembered', async () => {
    const bench = await makeCore();
    const file = await writeProject(bench);
    const { task, items } = await runTask(bench, 'provisioning.run', { file });
    expect(task).toMatchObject({ status: 'succeeded', target: file, kind: 'provisioning.run' });
    expect(task?.result).toMatchObject({
      flare: '2.8.1',
      participants: [{ name: 'server1', reused: false }, {}, {}],
    });
    expect(task?.steps.every(({ state }) => state === 'done')).toBe(true);
    expect(items[0]).toMatchObject({ kind: 'task' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const trail = await bench.client.call('diagnostics.audit', {});
    expect(trail.ok && trail.value.entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'provisioning.run succeeded',
      'provisioning.run started',
    ]);
    const list = await bench.client.call('tasks.list', {});
    expect(list).toMatchObject({ ok: true, value: { tasks: [{ id: task?.id, status: 'succeeded' }] } });
    expect(JSON.stringify(list)).not.toContain('owner');
  });

  it('fail with every problem of a bad project, and nothing is written', async () => {
    const bench = await makeCore();
    const file = await writeProject(bench);
    await writeFile(file, projectText.replace('type: client', 'type: klient').replace('8002', '99999'));
    const { task } = await runTask(bench, 'provisioning.run', { file });
    expect(task).toMatchObject({ status: 'failed', error: { code: 'invalid_input' } });
    expect(task?.error?.fields?.length).toBeGreaterThanOrEqual(2);
    expect(await readdir(join(bench.folder, 'study'))).toEqual(['project.yml']);
  });

  it('keeps the log of a task from its beginning, for whoever asks when it is over', async () => {
    const bench = await makeCore();
    const { task } = await runTask(bench, 'provisioning.run', { file: await writeProject(bench) });
    const opened = await bench.client.open('tasks.log', { id: task?.id ?? '' });
    if (!opened.ok) throw new Error('not opened');
    const lines: string[] = [];
    for await (const item of opened.value.items) lines.push(...item.lines);
    expect(lines.at(0)).toMatch(/: queued$/);
    expect(lines.at(-1)).toMatch(/: succeeded$/);
    expect(lines.length).toBeGreaterThan(2);
  });

  it('can be watched after their end, and not when there are none', async () => {
    const bench = await makeCore();
    const file = await writeProject(bench);
    const { task } = await runTask(bench, 'provisioning.run', { file });
    const again = await bench.client.open('tasks.watch', { id: task?.id ?? '' });
    const items: unknown[] = [];
    if (again.ok) for await (const item of again.value.items) items.push(item);
    expect(items).toHaveLength(1);
    const none = await bench.client.open('tasks.watch', { id: 'nothing' });
    expect(none.ok && (await none.value.ended)).toMatchObject({ ok: false, error: { code: 'not_found' } });
  });

  it('are told as a state whose versions grow by one', async () => {
    const bench = await makeCore();
    const file = await writeProject(bench);
    const seen: { version: number; value: StateValue<'tasks.recent'> }[] = [];
    const stop = bench.client.subscribe('tasks.recent', (snapshot) => seen.push(snapshot));
    const { task } = await runTask(bench, 'provisioning.run', { file });
    await expect.poll(() => seen.at(-1)?.value.tasks[0]?.status, { timeout: 3000 }).toBe('succeeded');
    stop();
    expect(seen.map(({ version }) => version)).toEqual(
      seen.map((_, index) => index + (seen[0]?.version ?? 0)),
    );
    expect(seen.at(-1)?.value.tasks[0]).not.toHaveProperty('result');
    expect(seen.at(-1)?.value.tasks[0]?.id).toBe(task?.id);
  });

  it('refuse work on sites without a desk.yml, in words', async () => {
    const bench = await makeCore();
    const file = await writeProject(bench);
    const { task } = await runTask(bench, 'sites.run', { verb: 'check', file });
    expect(task).toMatchObject({ status: 'failed', error: { code: 'invalid_input' } });
    expect(task?.error?.message).toContain('desk.yml');
  });
});

describe('secrets', () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const canary = privateKey.split('\n')[4] ?? '';

  async function everyFileIn(folder: string): Promise<string> {
    const names = await readdir(folder, { recursive: true, withFileTypes: true });
    const texts = await Promise.all(
      names.filter((one) => one.isFile()).map((one) => readFile(join(one.parentPath, one.name), 'latin1')),
    );
    return texts.join('\n');
  }

  it('never get into an answer, a record or the log, wherever they are put', async () => {
    const bench = await makeCore({ logger: undefined });
    const file = await writeProject(bench);
    const answers: unknown[] = [];
    const hostile = [privateKey, `x passphrase=${'hunter2-canary'}`, `token: ${'tok-canary-77'}`];
    for (const text of hostile) {
      const flat = text.replace(/\n/g, ' ');
      answers.push(await loose(bench.client).call('kits.inspect', { kit: text }));
      answers.push(await loose(bench.client).call('settings.set', { appearance: text }));
      answers.push(await loose(bench.client).call(text, {}));
      answers.push(await runTask(bench, 'provisioning.run', { file, flare: text.slice(0, 32) }));
      answers.push(await runTask(bench, 'provisioning.run', { file, reissue: [flat.slice(0, 250)] }));
      answers.push(
        await runTask(bench, 'jobs.submit', { kit: bench.folder, folder: `/tmp/${flat}`.slice(0, 4000) }),
      );
    }
    const kit = join(bench.folder, 'study/workspace/unit_study/prod_00/admin@nvidia.com');
    answers.push(await runTask(bench, 'provisioning.run', { file }));
    answers.push(await bench.client.call('kits.inspect', { kit }));
    answers.push(await bench.client.call('kits.verify', { kit }));
    answers.push(await bench.client.call('certificates.list', { file }));
    answers.push(await bench.client.call('tasks.list', {}));
    answers.push(await bench.client.call('diagnostics.audit', {}));
    await bench.core.dispose();
    const written = await everyFileIn(join(bench.folder, 'state'));
    const told = JSON.stringify(answers);
    for (const secret of [canary, 'hunter2-canary', 'tok-canary-77', 'PRIVATE KEY']) {
      expect(told.includes(secret), `answers hold ${secret}`).toBe(false);
      expect(written.includes(secret), `state folder holds ${secret}`).toBe(false);
    }
    const keyInKit = (await readFile(join(kit, 'startup/client.key'), 'utf8')).split('\n')[5] ?? '';
    expect(keyInKit.length).toBeGreaterThan(40);
    expect(told).not.toContain(keyInKit);
    expect(written).not.toContain(keyInKit);
  });
});
