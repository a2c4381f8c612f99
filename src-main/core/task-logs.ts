/** What each task did, line by line: kept in the state folder, told live. Redacted as every log. */
import { appendFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '../ports.ts';
import { redactText } from '../services/logging/index.ts';
import type { TaskEvent, TaskRunner } from '../services/tasks/index.ts';

export interface TaskLogs {
  /** Adds lines to a task's log. Never throws: a log is no reason to fail. */
  add(task: string, line: string): void;
  /** The lines so far, then `onLines` for each batch that follows, until the returned function is called. */
  follow(task: string, onLines: (lines: string[]) => void): Promise<() => void>;
  dispose(): void;
}

/** Largest log of one task; what comes after is counted, not kept. */
const mostBytes = 8 * 1024 * 1024;
const mostLogs = 200;

export function createTaskLogs(
  stateFolder: string,
  clock: Clock,
  logger: Logger,
  runner: TaskRunner,
): TaskLogs {
  const folder = join(stateFolder, 'task-logs');
  const listeners = new Map<string, Set<(lines: string[]) => void>>();
  const sizes = new Map<string, number>();
  const lastMessage = new Map<string, string>();
  let turn: Promise<unknown> = mkdir(folder, { recursive: true, mode: 0o700 }).then(prune, () => undefined);

  async function prune(): Promise<void> {
    const names = await readdir(folder);
    if (names.length <= mostLogs) return;
    const aged = await Promise.all(
      names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
    );
    aged.sort((a, b) => b.at - a.at);
    for (const { name } of aged.slice(mostLogs)) await rm(join(folder, name), { force: true });
  }

  const fileOf = (task: string): string => join(folder, `${task.replaceAll(/[^A-Za-z0-9-]/g, '_')}.log`);

  const add = (task: string, text: string): void => {
    const time = new Date(clock.now()).toISOString().slice(11, 23);
    const lines = redactText(text)
      .split('\n')
      .map((line) => `${time} ${line}`);
    const bytes = (sizes.get(task) ?? 0) + lines.reduce((sum, line) => sum + line.length + 1, 0);
    sizes.set(task, bytes);
    if (bytes > mostBytes) return;
    for (const listener of listeners.get(task) ?? []) listener(lines);
    turn = turn
      .then(() => appendFile(fileOf(task), lines.join('\n').concat('\n'), { mode: 0o600 }))
      .catch((error: unknown) => logger.warn('A task log could not be written.', { error }));
  };

  const onEvent = (event: TaskEvent): void => {
    if (event.kind === 'progress') {
      const { step, target, message, done, total } = event.progress;
      const amount = done !== undefined && total !== undefined && done === total ? ` ${done}/${total}` : '';
      const line = `${target === undefined ? '' : `${target}: `}${step}${message === undefined ? '' : `: ${message}`}${amount}`;
      if (lastMessage.get(event.id) === line) return;
      lastMessage.set(event.id, line);
      void rootOf(event.id).then((root) => add(root, line));
      return;
    }
    const { task } = event;
    const root = task.parent ?? task.id;
    const who = task.parent === undefined ? task.title : (task.target ?? task.title);
    const line = `${who}: ${task.status}${task.error ? `: ${task.error.message}` : ''}`;
    if (lastMessage.get(task.id) === line) return;
    lastMessage.set(task.id, line);
    add(root, line);
    const steps = (task.result as { steps?: { name: string; state: string; message: string }[] } | undefined)
      ?.steps;
    if (task.parent !== undefined) {
      for (const step of steps ?? []) add(root, `${who}: ${step.name} ${step.state}: ${step.message}`);
    }
  };

  const parents = new Map<string, string>();
  const rootOf = async (id: string): Promise<string> => {
    const known = parents.get(id);
    if (known !== undefined) return known;
    const root = await runner.get(id).then(
      (task) => task.parent ?? task.id,
      () => id,
    );
    parents.set(id, root);
    return root;
  };

  const stop = runner.watch(undefined, onEvent);
  return {
    add,
    async follow(task, onLines) {
      await turn;
      const text = await readFile(fileOf(task), 'utf8').catch(() => '');
      const lines = text.split('\n').slice(0, -1);
      if (lines.length > 0) onLines(lines);
      const set = listeners.get(task) ?? new Set();
      listeners.set(task, set.add(onLines));
      return () => {
        set.delete(onLines);
        if (set.size === 0) listeners.delete(task);
      };
    },
    dispose: stop,
  };
}
