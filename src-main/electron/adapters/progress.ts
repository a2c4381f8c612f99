/** Long work outside the window: the system's progress bar while it runs, a notification when it ends unseen. */
import { type BrowserWindow, Notification } from 'electron';
import type { DeskClient, StateValue } from '../../contract/index.ts';

type Task = StateValue<'tasks.recent'>['tasks'][number];

const running = new Set<Task['status']>(['queued', 'running', 'waiting_for_user', 'cancelling']);
const words: Partial<Record<Task['status'], string>> = {
  succeeded: 'Done',
  partly_done: 'Partly done',
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

/** Follows the tasks until the returned function is called. */
export function showProgress(client: DeskClient, window: () => BrowserWindow | undefined): () => void {
  const seen = new Map<string, Task['status']>();
  return client.subscribe('tasks.recent', ({ value }) => {
    const shown = window();
    if (shown && !shown.isDestroyed()) shown.setProgressBar(overallProgress(value.tasks));
    for (const task of value.tasks) {
      const before = seen.get(task.id);
      seen.set(task.id, task.status);
      const word = words[task.status];
      const endedNow = before !== undefined && running.has(before) && word !== undefined;
      if (!endedNow || task.parent !== undefined || shown?.isFocused() || !Notification.isSupported())
        continue;
      const notification = new Notification({
        title: `${word}: ${task.title}`,
        body: task.error?.message ?? '',
      });
      notification.on('click', () => {
        shown?.show();
        shown?.focus();
      });
      notification.show();
    }
  });
}
