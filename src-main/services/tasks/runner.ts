import { randomUUID } from 'node:crypto';
import { DeskError, type ErrorAnswer } from '../../contract/errors.ts';
import type { Clock, Logger, Progress } from '../../ports.ts';
import { redact, redactText } from '../logging/index.ts';
import type { TaskRecord, TaskRepository, TaskStatus } from '../store/index.ts';
import { isAlive, thisProcess } from './owner.ts';
import { createThrottle } from './throttle.ts';
import type { ChildTask, TaskContext, TaskEvent, TaskKind, TaskRunner } from './types.ts';

export interface TaskRunnerOptions {
  repository: TaskRepository;
  clock: Clock;
  logger: Logger;
  /** Turns anything thrown into what a caller may see. */
  describeError(error: unknown): ErrorAnswer;
  /** Between two progress events of one task. */
  progressIntervalMs?: number;
}

/** Finished tasks whose records are kept. */
const keptTasks = 500;

const endedStatuses: ReadonlySet<TaskStatus> = new Set([
  'succeeded',
  'partly_done',
  'failed',
  'cancelled',
  'interrupted',
]);

interface Running {
  record: TaskRecord;
  stop: AbortController;
  done: Promise<TaskRecord>;
}

/** A runner over a repository. Call `recover()` once before the first `list`. */
export function createTaskRunner(options: TaskRunnerOptions): TaskRunner {
  const { repository, clock, logger } = options;
  const kinds = new Map<string, TaskKind>();
  const running = new Map<string, Running>();
  const listeners = new Set<(event: TaskEvent) => void>();
  const owner = thisProcess();
  const now = (): string => new Date(clock.now()).toISOString();

  const emit = (event: TaskEvent): void => {
    for (const listener of listeners) listener(event);
  };
  /** Writes the record without secrets, and tells the watchers. A record that cannot be written does not stop work. */
  const changed = async (record: TaskRecord): Promise<void> => {
    emit({ kind: 'task', task: structuredClone(record) });
    try {
      await repository.save({
        ...record,
        input: redact(record.input),
        result: redact(record.result),
        ...(record.error === undefined ? {} : { error: redact(record.error) as ErrorAnswer }),
        ...(record.progress === undefined ? {} : { progress: redact(record.progress) as Progress }),
      });
    } catch (error) {
      logger.error('A task record could not be written.', { task: record.id, error });
    }
  };

  const throttle = createThrottle<Progress>(options.progressIntervalMs ?? 100, (key, progress) =>
    emit({ kind: 'progress', id: key.slice(0, key.indexOf(' ')), progress }),
  );

  /** Begins the named step and ends the one before. True when something changed. */
  const enterStep = (record: TaskRecord, name: string): boolean => {
    const current = record.steps.find((step) => step.state === 'running');
    if (current?.name === name) return false;
    if (current) Object.assign(current, { state: 'done', ended_at: now() });
    let next = record.steps.find((step) => step.name === name);
    if (!next) {
      next = { name, state: 'waiting' };
      const after = current ? record.steps.indexOf(current) + 1 : record.steps.length;
      record.steps.splice(after, 0, next);
    }
    Object.assign(next, { state: 'running', started_at: next.started_at ?? now() });
    return true;
  };
  const endSteps = (record: TaskRecord, ok: boolean): void => {
    for (const step of record.steps) {
      if (step.state === 'running') Object.assign(step, { state: ok ? 'done' : 'failed', ended_at: now() });
      else if (step.state === 'waiting') step.state = 'skipped';
    }
  };

  const reporter = (record: TaskRecord, open: () => boolean) => (progress: Progress) => {
    if (!open()) return;
    record.progress = progress;
    if (enterStep(record, progress.step)) void changed(record);
    throttle.push(`${record.id} ${progress.target ?? ''}`, progress);
  };

  const childOf = (parent: TaskRecord, target: string, stop: AbortSignal): ChildTask => {
    const record: TaskRecord = {
      id: randomUUID(),
      kind: parent.kind,
      title: parent.title,
      target,
      parent: parent.id,
      status: 'running',
      input: null,
      steps: [],
      created_at: now(),
      owner,
    };
    void changed(record);
    const open = (): boolean => record.status === 'running' && !stop.aborted;
    return {
      id: record.id,
      report: reporter(record, open),
      end: ({ status, error, result }) => {
        if (endedStatuses.has(record.status)) return;
        endSteps(record, status === 'succeeded');
        Object.assign(
          record,
          { status, ended_at: now() },
          error && { error },
          result !== undefined && { result },
        );
        delete record.progress;
        void changed(record);
      },
    };
  };

  const finish = async (
    record: TaskRecord,
    status: TaskStatus,
    rest: Partial<TaskRecord>,
  ): Promise<TaskRecord> => {
    throttle.flush();
    endSteps(record, status === 'succeeded' || status === 'partly_done');
    Object.assign(record, rest, { status, ended_at: now() });
    delete record.progress;
    running.delete(record.id);
    await changed(record);
    return record;
  };

  const work = async (kind: TaskKind, record: TaskRecord, stop: AbortController): Promise<TaskRecord> => {
    const context: TaskContext = {
      id: record.id,
      signal: stop.signal,
      report: reporter(record, () => !stop.signal.aborted && !endedStatuses.has(record.status)),
      child: (target) => childOf(record, target, stop.signal),
      waiting: async (ask) => {
        const status = (value: TaskStatus): Promise<void> => {
          if (stop.signal.aborted) return Promise.resolve();
          record.status = value;
          return changed(record);
        };
        await status('waiting_for_user');
        try {
          return await ask();
        } finally {
          await status('running');
        }
      },
    };
    try {
      record.status = 'running';
      await changed(record);
      stop.signal.throwIfAborted();
      const result = await kind.run(record.input, context);
      return await finish(record, kind.isPartly?.(result) ? 'partly_done' : 'succeeded', { result });
    } catch (error) {
      const answer = options.describeError(error);
      if (answer.code === 'interrupted') return await finish(record, 'interrupted', { error: answer });
      if (!stop.signal.aborted) return await finish(record, 'failed', { error: answer });
      const cancelled: ErrorAnswer = { code: 'cancelled', message: 'Cancelled.', retryable: true };
      return await finish(record, 'cancelled', { error: answer.code === 'cancelled' ? answer : cancelled });
    }
  };

  const find = async (id: string): Promise<TaskRecord> => {
    const record = running.get(id)?.record ?? (await repository.get(id));
    if (record) return record;
    throw new DeskError('not_found', `There is no task ${id}.`, { hint: 'List the tasks to see their ids.' });
  };

  const start = async (kindName: string, input: unknown): Promise<TaskRecord> => {
    const kind = kinds.get(kindName);
    if (!kind) throw new DeskError('invalid_input', `There is no task kind "${kindName}".`);
    const target = kind.target(input);
    const record: TaskRecord = {
      id: randomUUID(),
      kind: kindName,
      title: redactText(kind.title(input)),
      ...(target === undefined ? {} : { target: redactText(target) }),
      status: 'queued',
      input,
      steps: kind.steps(input).map((name) => ({ name, state: 'waiting' })),
      created_at: now(),
      owner,
    };
    const stop = new AbortController();
    await changed(record);
    const entry: Running = { record, stop, done: Promise.resolve(record) };
    running.set(record.id, entry);
    const answer = structuredClone(record);
    entry.done = work(kind, record, stop);
    return answer;
  };

  const recover = async (): Promise<number> => {
    let count = 0;
    for (const record of await repository.unfinished()) {
      const mine = record.owner.pid === owner.pid && record.owner.birth === owner.birth;
      if (mine || isAlive(record.owner)) continue;
      if (await repository.interrupt(record.id, record.owner, now())) count += 1;
    }
    if (count > 0) logger.warn('Tasks were interrupted by the end of their process.', { count });
    await repository.prune(keptTasks);
    return count;
  };

  return {
    register: (kind) => void kinds.set(kind.name, kind),
    start,
    recover,
    get: find,
    children: (id) => repository.list({ parent: id, limit: 10_000 }),
    list: (limit, options) => repository.list({ limit, ...options }),
    async cancel(id) {
      const entry = running.get(id);
      if (entry) {
        entry.record.status = 'cancelling';
        await changed(entry.record);
        entry.stop.abort(new DeskError('cancelled', 'Cancelled.', { retryable: true }));
        return entry.record;
      }
      const record = await find(id);
      if (endedStatuses.has(record.status)) return record;
      throw new DeskError('conflict', `Task ${id} runs in another process (${record.owner.pid}).`, {
        hint: 'Cancel it there, with Ctrl-C or in its window.',
      });
    },
    async retry(id) {
      const record = await find(id);
      if (!endedStatuses.has(record.status)) throw new DeskError('conflict', `Task ${id} has not ended yet.`);
      if (record.parent !== undefined || !kinds.has(record.kind)) {
        throw new DeskError('conflict', `Task ${id} cannot be begun again by itself.`);
      }
      return start(record.kind, record.input);
    },
    actionsOf: (record) => {
      if (!endedStatuses.has(record.status)) return running.has(record.id) ? ['cancel'] : [];
      if (record.parent !== undefined || !kinds.has(record.kind) || record.status === 'succeeded') return [];
      const resumable = kinds.get(record.kind)?.idempotent === true;
      return record.status === 'interrupted' && resumable ? ['resume'] : ['retry'];
    },
    watch: (id, listener) => {
      const mine = new Set([id]);
      const filtered = (event: TaskEvent): void => {
        if (id !== undefined) {
          if (event.kind === 'task' && event.task.parent === id) mine.add(event.task.id);
          if (!mine.has(event.kind === 'task' ? event.task.id : event.id)) return;
        }
        listener(event);
      };
      listeners.add(filtered);
      return () => void listeners.delete(filtered);
    },
    settled: async (id) => (await running.get(id)?.done) ?? (await find(id)),
    async dispose() {
      const rest = [...running.values()];
      for (const entry of rest)
        entry.stop.abort(new DeskError('cancelled', 'Cancelled.', { retryable: true }));
      await Promise.all(rest.map((entry) => entry.done));
      throttle.flush();
    },
  };
}
