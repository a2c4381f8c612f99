/** Logs of tasks, however much is written into them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTaskLogs, type TaskLogs } from '../../../src-main/core/task-logs.ts';
import type { Logger } from '../../../src-main/ports.ts';
import { loose, makeCore } from './bench.ts';
import type { TaskRunner } from '../../../src-main/services/tasks/index.ts';

const refuse = (message: string): never => {
  throw new Error(message);
};
const logger: Logger = { debug: refuse, info: refuse, warn: refuse, error: refuse };
const runner = { watch: () => () => undefined } as unknown as TaskRunner;
const many = 100_000;
const number = (line: string): number => Number(/(\d+)$/.exec(line)?.[1]);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

let folder: string;
let logs: TaskLogs;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'task-logs-'));
  logs = createTaskLogs(folder, { now: () => 0 }, logger, runner);
});
afterEach(async () => {
  await logs.dispose();
  await rm(folder, { recursive: true, force: true });
});

const kept = async (): Promise<string[]> =>
  (await readFile(join(folder, 'task-logs/t.log'), 'utf8')).split('\n').slice(0, -1);

it('tells 100,000 lines once and in order, in few pieces, also to those who come late', async () => {
  const early: string[][] = [];
  const late: string[][] = [];
  await logs.follow('t', (lines) => early.push(lines));
  const began = performance.now();
  for (let index = 0; index < many; index += 1) {
    logs.add('t', `line ${index}`);
    if (index % 1000 === 0) await new Promise(setImmediate);
    if (index === many / 2) await logs.follow('t', (lines) => late.push(lines));
  }
  await logs.dispose();
  const seconds = (performance.now() - began) / 1000;
  for (const told of [early, late, [await kept()]]) expect(told.flat().map(number)).toEqual(upTo(many));
  for (const told of [early, late]) {
    expect(told.length).toBeLessThan(1000);
    expect(Math.max(...told.map((lines) => lines.length))).toBeLessThanOrEqual(2000);
  }
  expect(seconds).toBeLessThan(15);
});

it('has an end, and says so', async () => {
  for (let index = 0; index < many; index += 1) logs.add('t', `${'x'.repeat(100)} ${index}`);
  await logs.dispose();
  const lines = await kept();
  expect(lines.at(-1)).toMatch(/longer than 8 MiB/);
  expect(lines.length).toBeLessThan(many);
  expect(lines.join('\n').length).toBeLessThanOrEqual(8 * 1024 * 1024 + 200);
  expect(lines.slice(0, -1).map(number)).toEqual(upTo(lines.length - 1));
});

it('keeps the logs of two tasks apart', async () => {
  const told: string[] = [];
  await logs.follow('t', (lines) => told.push(...lines));
  logs.add('t', 'mine');
  logs.add('other', 'theirs');
  await logs.dispose();
  expect(told).toEqual([expect.stringContaining('mine')]);
});

it('has the whole log of a task that nobody looked at while it ran', async () => {
  const { client } = await makeCore();
  const started = await client.start('provisioning.run', { file: '/nowhere/project.yml' });
  if (!started.ok) throw new Error(started.error.message);
  const { id } = started.value;
  await expect
    .poll(async () => (await loose(client).call('tasks.get', { id })) as unknown, { timeout: 10_000 })
    .toMatchObject({ value: { task: { status: 'failed' } } });
  const stream = await client.open('tasks.log', { id });
  if (!stream.ok) throw new Error(stream.error.message);
  const lines: string[] = [];
  for await (const item of stream.value.items) lines.push(...item.lines);
  expect(lines.join('\n')).toMatch(/running[\s\S]*failed: /);
});
