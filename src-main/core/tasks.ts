import type { z } from 'zod';
import type { taskSchema } from '../contract/tasks.ts';
import type { TaskRecord } from '../services/store/index.ts';
import type { TaskRunner } from '../services/tasks/index.ts';
import { createChannel } from './channel.ts';
import type { CallHandlers, StreamHandlers } from './context.ts';

type ContractTask = z.output<typeof taskSchema>;

/** A record as callers see it: without its input and without the number of the process. */
export function toContractTask(record: TaskRecord, runner: TaskRunner): ContractTask {
  const task: Partial<TaskRecord> = { ...record };
  delete task.input;
  delete task.owner;
  return { ...(task as Omit<TaskRecord, 'input' | 'owner'>), actions: runner.actionsOf(record) };
}

const ended = new Set(['succeeded', 'partly_done', 'failed', 'cancelled', 'interrupted']);

export const handlers: Pick<CallHandlers, 'tasks.list' | 'tasks.get' | 'tasks.cancel' | 'tasks.retry'> &
  Pick<StreamHandlers, 'tasks.watch' | 'tasks.log'> = {
  'tasks.list': async ({ limit }, { core }) => {
    const runner = await core.tasks();
    return { tasks: (await runner.list(limit ?? 50)).map((record) => toContractTask(record, runner)) };
  },

  'tasks.get': async ({ id }, { core }) => {
    const runner = await core.tasks();
    return {
      task: toContractTask(await runner.get(id), runner),
      children: (await runner.children(id)).map((record) => toContractTask(record, runner)),
    };
  },

  'tasks.cancel': async ({ id }, { core }) => ({ status: (await (await core.tasks()).cancel(id)).status }),

  'tasks.retry': async ({ id }, { core }) => ({ id: (await (await core.tasks()).retry(id)).id }),

  'tasks.log': async ({ id }, { core, signal, send }) => {
    const runner = await core.tasks();
    await runner.get(id);
    const logs = await core.taskLogs();
    const batches = createChannel<string[]>(100_000);
    const stop = await logs.follow(id, (lines) => void batches.push(lines));
    const onAbort = (): void => batches.close();
    signal.addEventListener('abort', onAbort, { once: true });
    // The last lines of a task come with its end.
    void runner.settled(id).then(() => setTimeout(onAbort, 300).unref(), onAbort);
    try {
      for await (const lines of batches.items) await send({ lines });
    } finally {
      stop();
      signal.removeEventListener('abort', onAbort);
    }
  },

  'tasks.watch': async ({ id }, { core, signal, send }) => {
    const runner = await core.tasks();
    // Progress is already throttled; the queue only bridges a reader that is slow for a moment.
    const events = createChannel<Parameters<typeof send>[0]>(100_000);
    const stop = runner.watch(id, (event) => {
      void events.push(
        event.kind === 'task' ? { kind: 'task', task: toContractTask(event.task, runner) } : event,
      );
      if (event.kind === 'task' && event.task.id === id && ended.has(event.task.status)) events.close();
    });
    const onAbort = (): void => events.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const record = await runner.get(id);
      await send({ kind: 'task', task: toContractTask(record, runner) });
      if (ended.has(record.status)) return;
      for await (const event of events.items) await send(event);
    } finally {
      stop();
      signal.removeEventListener('abort', onAbort);
    }
  },
};
