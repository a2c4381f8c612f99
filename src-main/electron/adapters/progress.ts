/** Long work outside the window: the system's progress bar while it runs, a notification when it ends unseen. */
import type { BrowserWindow } from 'electron';
import type { DeskClient, StateValue } from '../../contract/index.ts';
import type { Notice, Notify } from './notifier.ts';

type Task = StateValue<'tasks.recent'>['tasks'][number];

const running = new Set<Task['status']>(['queued', 'running', 'waiting_for_user', 'cancelling']);
const words: Partial<Record<Task['status'], string>> = {
  succeeded: 'Done',
  partly_done: 'Done with failures',
  failed: 'Failed',
  interrupted: 'Interrupted',
};

/** Progress of all running tasks as the system's bar wants it: -1 none, 2 going on without a measure, else 0…1. */
export function overallProgress(tasks: Task[]): number {
  const now = tasks.filter((task) => running.has(task.status) && task.parent === undefined);
  if (now.length === 0) return -1;
  const measured = now.flatMap(({ progress }) =>
    progress?.done !== undefined && progress.total ? [progress.done / progress.total] : [],
  );
  return measured.length === 0 ? 2 : measured.reduce((sum, part) => sum + part, 0) / measured.length;
}

/** What is said of a task that ended: its name, its result, and where it ran. */
function noticeOf(task: Pick<Task, 'title' | 'status' | 'target' | 'error'>): Notice | undefined {
  const word = words[task.status];
  if (word === undefined) return undefined;
  const body = [task.target, task.error?.message].filter((line) => line !== undefined).join('\n');
  return { title: `${word}: ${task.title}`, body };
}

export interface ProgressHost {
  window: () => Pick<BrowserWindow, 'isFocused' | 'setProgressBar'> | undefined;
  notify: Notify;
  /** Shows a task in the window, which comes to the front. */
  openTask: (id: string) => void;
}

/** Follows the tasks until the returned function is called. */
export function showProgress(client: DeskClient, { window, notify, openTask }: ProgressHost): () => void {
  let seen = new Map<string, Task['status']>();
  return client.subscribe('tasks.recent', ({ value: { tasks } }) => {
    const shown = window();
    shown?.setProgressBar(overallProgress(tasks));
    const before = seen;
    seen = new Map(tasks.map(({ id, status }) => [id, status]));
    if (shown?.isFocused() === true) return;
    for (const task of tasks) {
      const last = before.get(task.id);
      if (last === undefined || !running.has(last) || task.parent !== undefined) continue;
      const notice = noticeOf(task);
      if (notice) notify(notice, () => openTask(task.id));
    }
  });
}
