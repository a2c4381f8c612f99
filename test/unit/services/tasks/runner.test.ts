import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DeskError, type ErrorAnswer } from '../../../../src-main/contract/errors.ts';
import {
  createTaskRunner,
  type TaskContext,
  type TaskEvent,
  type TaskKind,
} from '../../../../src-main/services/tasks/index.ts';
import { memoryRepository } from './memory-repository.ts';
import { silentLogger } from '../../../lab/silent-logger.ts';

const describeError = (error: unknown): ErrorAnswer =>
  error instanceof DeskError
    ? error.toAnswer()
    : { code: 'internal', message: 'Something failed.', retryable: false };

function bench(
  run: (input: unknown, context: TaskContext) => Promise<unknown>,
  more: Partial<TaskKind> = {},
) {
  const repository = memoryRepository();
  const runner = createTaskRunner({
    repository,
    clock: { now: () => Date.now() },
    logger: silentLogger,
    describeError,
  });
  runner.register({
    name: 'test.work',
    title: () => 'Work',
    target: () => 'thing',
    steps: () => ['one', 'two', 'three'],
    idempotent: true,
    run,
    ...more,
  });
  const events: TaskEvent[] = [];
  const run_ = async (input: unknown = {}) => {
    runner.watch(undefined, (event) => events.push(structuredClone(event)));
    const { id } = await runner.start('test.work', input);
    return { id, ended: runner.settled(id) };
  };
  return { repository, runner, events, start: run_ };
}

const progressOf = (events: TaskEvent[]) =>
  events.flatMap((event) => (event.kind === 'progress' ? [event.progress.done] : []));

describe('a task', () => {
  it('answers its id before the work is done, and keeps steps, result and times', async () => {
    let finish = (): void => undefined;
    const { runner, start } = bench(async (_input, { report }) => {
      report({ step: 'one' });
      await new Promise<void>((resolve) => (finish = resolve));
      report({ step: 'three' });
      return { answer: 42 };
    });
    const { id, ended } = await start();
    await pause(5);
    expect((await runner.get(id)).status).toBe('running');
    expect((await runner.get(id)).steps.map(({ state }) => state)).toEqual(['running', 'waiting', 'waiting']);
    finish();
    const record = await ended;
    expect(record).toMatchObject({ status: 'succeeded', result: { answer: 42 }, target: 'thing' });
    expect(record.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'one done',
      'two skipped',
      'three done',
    ]);
    expect(record.ended_at).toBeDefined();
  });

  it('adds a step that was not foretold behind the one at work', async () => {
    const { start } = bench((_input, { report }) => {
      report({ step: 'one' });
      report({ step: 'extra' });
      return Promise.resolve(null);
    });
    expect((await (await start()).ended).steps.map(({ name }) => name)).toEqual([
      'one',
      'extra',
      'two',
      'three',
    ]);
  });

  it('keeps the error of a failure and marks the step', async () => {
    const { start } = bench((_input, { report }) => {
      report({ step: 'two' });
      throw new DeskError('conflict', 'No.', { hint: 'Do it so.' });
    });
    const record = await (await start()).ended;
    expect(record).toMatchObject({ status: 'failed', error: { code: 'conflict', hint: 'Do it so.' } });
    expect(record.steps[1]).toMatchObject({ name: 'two', state: 'failed' });
  });

  it('never keeps the words of an unforeseen failure', async () => {
    const { start, repository } = bench(() => Promise.reject(new Error('stack with secret')));
    const record = await (await start()).ended;
    expect(record.error?.code).toBe('internal');
    expect(JSON.stringify(repository.saved)).not.toContain('secret');
  });

  it('says partly done when the result says so', async () => {
    const { start } = bench(() => Promise.resolve({ bad: 1 }), { isPartly: () => true });
    expect((await (await start()).ended).status).toBe('partly_done');
  });

  it('observes a cancel within a second, and is cancelled, not failed', async () => {
    let cleaned = false;
    const { runner, start } = bench(async (_input, { signal, report }) => {
      report({ step: 'one' });
      try {
        await pause(60_000, undefined, { signal });
      } finally {
        cleaned = true;
      }
    });
    const { id, ended } = await start();
    await pause(5);
    const began = performance.now();
    await runner.cancel(id);
    const record = await ended;
    expect(performance.now() - began).toBeLessThan(1000);
    expect(record).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    expect(cleaned).toBe(true);
  });

  it('drops progress that comes after the cancel', async () => {
    const { runner, start, events } = bench(async (_input, { signal, report }) => {
      report({ step: 'one', done: 1 });
      await pause(60_000, undefined, { signal }).catch(() => undefined);
      report({ step: 'two', done: 2 });
      await pause(150);
      report({ step: 'two', done: 3 });
      throw new DeskError('cancelled', 'Stopped.');
    });
    const { id, ended } = await start();
    await pause(5);
    await runner.cancel(id);
    const record = await ended;
    expect(progressOf(events)).toEqual([1]);
    expect(record.steps[1]).toMatchObject({ name: 'two', state: 'skipped' });
  });

  it('passes at most ten progress events a second on, the last one always', async () => {
    const { start, events } = bench(async (_input, { report }) => {
      for (let done = 1; done <= 200; done += 1) {
        report({ step: 'one', done, total: 200 });
        await pause(2);
      }
    });
    const began = performance.now();
    await (await start()).ended;
    const seconds = (performance.now() - began) / 1000;
    const seen = progressOf(events);
    expect(seen.length).toBeLessThanOrEqual(Math.ceil(seconds * 10) + 2);
    expect(seen.at(-1)).toBe(200);
  });

  it('gives each site a child task that ends for itself', async () => {
    const { runner, start } = bench((_input, { child }) => {
      const good = child('site-1');
      good.report({ step: 'connect' });
      good.end({ status: 'succeeded', result: { state: 'ready' } });
      const bad = child('site-2');
      bad.end({ status: 'failed', error: { code: 'unreachable', message: 'No.', retryable: true } });
      bad.report({ step: 'late' });
      return Promise.resolve(null);
    });
    const { id, ended } = await start();
    await ended;
    const children = await runner.children(id);
    expect(children.map(({ target, status }) => `${target} ${status}`)).toEqual([
      'site-1 succeeded',
      'site-2 failed',
    ]);
    expect(children[1]?.steps).toEqual([]);
  });

  it('waits for the user while a question is open', async () => {
    let answer = (_value: string): void => undefined;
    const { runner, start } = bench((_input, { waiting }) =>
      waiting(() => new Promise<string>((resolve) => (answer = resolve))),
    );
    const { id, ended } = await start();
    await pause(5);
    expect((await runner.get(id)).status).toBe('waiting_for_user');
    answer('yes');
    expect((await ended).result).toBe('yes');
  });

  it('tells a watcher of one task about it and its children only', async () => {
    const { runner } = bench(() => Promise.resolve(null));
    const other: TaskEvent[] = [];
    const first = await runner.start('test.work', {});
    const mine: TaskEvent[] = [];
    runner.watch(first.id, (event) => mine.push(event));
    const second = await runner.start('test.work', {});
    runner.watch(second.id, (event) => other.push(event));
    await Promise.all([runner.settled(first.id), runner.settled(second.id)]);
    expect(new Set(mine.map((event) => (event.kind === 'task' ? event.task.id : event.id)))).toEqual(
      new Set([first.id]),
    );
  });

  it('goes on when its record cannot be written', async () => {
    const { repository, start } = bench(() => Promise.resolve('done'));
    const save = repository.save;
    repository.save = (record) =>
      record.status === 'queued' ? save(record) : Promise.reject(new Error('disk full'));
    expect((await (await start()).ended).status).toBe('succeeded');
  });

  it('cancels what runs when the runner is disposed', async () => {
    const { runner, start } = bench((_input, { signal }) => pause(60_000, undefined, { signal }));
    const { ended } = await start();
    await runner.dispose();
    expect((await ended).status).toBe('cancelled');
  });
});

describe('doing it again', () => {
  it('begins the same work with the same input', async () => {
    const inputs: unknown[] = [];
    const { runner, start } = bench((input) => {
      inputs.push(input);
      return inputs.length === 1 ? Promise.reject(new DeskError('timeout', 'Slow.')) : Promise.resolve(null);
    });
    const { id, ended } = await start({ name: 'x' });
    const record = await ended;
    expect(runner.actionsOf(record)).toEqual(['retry']);
    const again = await runner.retry(id);
    expect((await runner.settled(again.id)).status).toBe('succeeded');
    expect(inputs).toEqual([{ name: 'x' }, { name: 'x' }]);
  });

  it('is refused while it runs, for what is unknown, and for a child', async () => {
    const { runner, start } = bench((_input, { signal, child }) => {
      child('site-1');
      return pause(60_000, undefined, { signal });
    });
    const { id, ended } = await start();
    await pause(5);
    await expect(runner.retry(id)).rejects.toMatchObject({ code: 'conflict' });
    await expect(runner.retry('nothing')).rejects.toMatchObject({ code: 'not_found' });
    const [child] = await runner.children(id);
    expect(runner.actionsOf(await runner.get(id))).toEqual(['cancel']);
    await runner.cancel(id);
    await ended;
    await expect(runner.retry(child?.id ?? '')).rejects.toMatchObject({ code: 'conflict' });
  });

  it('offers resume for interrupted work that does only what is missing', () => {
    const { runner } = bench(() => Promise.resolve(null));
    const record = { status: 'interrupted', kind: 'test.work', id: 'x' } as never;
    expect(runner.actionsOf(record)).toEqual(['resume']);
  });
});

describe('recovery', () => {
  it('leaves the tasks of a living process alone, and interrupts those of a dead one or of a reused number', async () => {
    const { repository, runner } = bench(() => Promise.resolve(null));
    const record = (id: string, pid: number, birth: string) =>
      ({
        id,
        kind: 'test.work',
        title: 'Work',
        status: 'running',
        input: {},
        steps: [],
        created_at: '',
        owner: { pid, birth },
      }) as const;
    await runner.settled((await runner.start('test.work', {})).id);
    const owner = repository.saved[0]?.owner ?? { pid: 0, birth: '' };
    await repository.save({ ...record('mine', owner.pid, owner.birth), steps: [] });
    await repository.save({ ...record('dead', 2 ** 22 + 12_345, 'boot/1'), steps: [] });
    await repository.save({ ...record('reused', process.ppid, 'earlier-boot/1'), steps: [] });
    expect(await runner.recover()).toBe(2);
    expect((await repository.get('mine'))?.status).toBe('running');
    expect((await repository.get('dead'))?.status).toBe('interrupted');
    expect((await repository.get('reused'))?.status).toBe('interrupted');
  });
});
