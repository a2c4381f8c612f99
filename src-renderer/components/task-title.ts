import type { StateValue } from '../../src-main/contract/index.ts';
import type { TextKey, Translate } from '../app/texts.ts';

type Task = StateValue<'tasks.recent'>['tasks'][number];

const words = new Map<string, TextKey>([
  ['provisioning.run', 'tasks.kinds.provision'],
  ['jobs.submit', 'tasks.kinds.submit'],
  ['jobs.follow', 'tasks.kinds.follow'],
  ['jobs.download', 'tasks.kinds.download'],
  ['sites.run check', 'common.sites.check'],
  ['sites.run distribute', 'common.sites.deliver'],
  ['sites.run start', 'common.sites.start'],
  ['sites.run stop', 'common.sites.stop'],
  ['sites.run status', 'common.sites.status'],
]);

/** What a task does, in the words of its button. A kind of a newer version goes by its own title. */
export function taskTitle(t: Translate, { kind, title }: Pick<Task, 'kind' | 'title'>): string {
  const key = words.get(kind) ?? words.get(`${kind} ${title}`);
  return key === undefined ? title : t(key);
}
