/** Which participants are worked on now, as the tasks tell: kept in memory, so that a burst of progress reads nothing. */
import type { z } from 'zod';
import type { stageSchema } from '../../contract/workspace.ts';
import type { Progress } from '../../ports.ts';
import type { SiteStep } from '../../services/sites/index.ts';
import type { TaskRecord } from '../../services/store/index.ts';
import type { TaskEvent } from '../../services/tasks/index.ts';

type StageName = 'reachable' | 'delivered' | 'running';
type Stage = z.infer<typeof stageSchema>;

const stageOf = (verb: SiteStep): StageName =>
  verb === 'check' ? 'reachable' : verb === 'distribute' ? 'delivered' : 'running';

const working = new Set<string>(['queued', 'running', 'waiting_for_user', 'cancelling']);
export const isWorking = (task: TaskRecord): boolean => working.has(task.status);

const textOf = ({ done, total, message, step }: Partial<Progress>): string =>
  done !== undefined && total ? `${Math.floor((100 * done) / total)} %` : (message ?? step ?? 'working');

export interface BusyStages {
  /** Takes in what happened to a task. */
  hear(event: TaskEvent): void;
  /** The busy stages of the participants of one project file. */
  of(file: string): ReadonlyMap<string, Partial<Record<StageName, Stage>>>;
}

/** `stepOf` reads verb and project file from the record of a task that works on sites. */
export function createBusyStages(
  stepOf: (task: TaskRecord) => { verb: SiteStep; file: string } | undefined,
): BusyStages {
  const roots = new Map<string, { verb: SiteStep; file: string }>();
  const sites = new Map<string, { root: string; target: string; progress: Partial<Progress> }>();

  const hearTask = (task: TaskRecord): void => {
    if (task.parent !== undefined) {
      if (!isWorking(task)) sites.delete(task.id);
      else if (roots.has(task.parent) && task.target !== undefined)
        sites.set(task.id, { root: task.parent, target: task.target, progress: task.progress ?? {} });
      return;
    }
    const step = stepOf(task);
    if (step && isWorking(task)) roots.set(task.id, step);
    else if (roots.delete(task.id)) {
      for (const [id, { root }] of sites) if (root === task.id) sites.delete(id);
    }
  };

  return {
    hear(event) {
      if (event.kind === 'task') return hearTask(event.task);
      const site = sites.get(event.id);
      if (site) site.progress = event.progress;
    },
    of(file) {
      const found = new Map<string, Partial<Record<StageName, Stage>>>();
      for (const { root, target, progress } of sites.values()) {
        const step = roots.get(root);
        if (step?.file !== file) continue;
        const busy: Stage = { state: 'busy', text: textOf(progress), task: root };
        found.set(target, { ...found.get(target), [stageOf(step.verb)]: busy });
      }
      return found;
    },
  };
}
