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
  /** Writes what is still to be written. */
  dispose(): Promise<void>;
}

/** Largest log of one task; a last line says that there was more. */
const mostBytes = 8 * 1024 * 1024;
const mostLogs = 200;
/** Lines that come close together are written and told at once. */
const settleMs = 100;
/** Lines told at a time: a long log is many small messages, not one that holds up the others. */
const mostTold = 2000;

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

  /** Lines that are neither written nor told yet. */
  let waiting = new Map<string, string[]>();
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  /** Writing, telling and reading take turns, so that whoever follows gets each line once. */
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    const done = turn.then(act);
    turn = done.catch((error: unknown) => logger.warn('A task log could not be kept.', { error }));
    return done;
  };

  const tell = (onLines: (lines: string[]) => void, lines: string[]): void => {
    for (let at = 0; at < lines.length; at += mostTold) onLines(lines.slice(at, at + mostTold));
  };

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = new Map();
    for (const [task, lines] of batch) {
      void inTurn(async () => {
        for (const listener of listeners.get(task) ?? []) tell(listener, lines);
        await appendFile(fileOf(task), lines.join('\n').concat('\n'), { mode: 0o600 });
      }).catch(() => undefined);
    }
  };

  const add = (task: string, text: string): void => {
    const before = sizes.get(task) ?? 0;
    if (ended || before > mostBytes) return;
    const time = new Date(clock.now()).toISOString().slice(11, 23);
    const lines = redactText(text)
      .split('\n')
      .map((line) => `${time} ${line}`);
    const bytes = before + lines.reduce((sum, line) => sum + line.length + 1, 0);
    sizes.set(task, bytes);
    const kept =
      bytes > mostBytes
        ? [`${time} The log is longer than ${mostBytes / 1024 / 1024} MiB: the rest is not kept.`]
        : lines;
    const queued = waiting.get(task);
    if (queued) queued.push(...kept);
    else waiting.set(task, kept);
    timer ??= setTimeout(flush, settleMs).unref();
  };

  const onEvent = (event: TaskEvent): void => {
    if (event.kind === 'progress') {
      const { step, target, message, done, total } = event.progress;
      const amount = done !== undefined && total !== undefined && done === total ? ` ${done}/${total}` : '';
      const line = `${target === undefined ? '' : `${target}: `}${step}${message === undefined ? '' : `: ${message}`}${amount}`;
      if (lastMessage.get(event.id) === line) return;
      lastMessage.set(event.id, line);
      // Lines keep their order: only a task nobody told of before has to be looked up.
      const known = parents.get(event.id);
      if (known !== undefined) add(known, line);
      else void rootOf(event.id).then((root) => add(root, line));
      return;
    }
    const { task } = event;
    const root = task.parent ?? task.id;
    parents.set(task.id, root);
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
      flush();
      const set = listeners.get(task) ?? new Set();
      await inTurn(async () => {
        const text = await readFile(fileOf(task), 'utf8').catch(() => '');
        tell(onLines, text.split('\n').slice(0, -1));
        listeners.set(task, set.add(onLines));
      });
      return () => {
        set.delete(onLines);
        if (set.size === 0) listeners.delete(task);
      };
    },
    async dispose() {
      stop();
      ended = true;
      flush();
      await turn;
    },
  };
}
