/** What needs attention now, worst first. */
import type { z } from 'zod';
import type { openProjectSchema } from '../../contract/workspace.ts';

type Open = z.infer<typeof openProjectSchema>;
type Item = Open['attention'][number];

const soonDays = 30;

/** The lines above the overview. Pure: the same picture gives the same lines. */
export function attentionOf(open: Omit<Open, 'attention'>): Item[] {
  const items: Item[] = [];
  const add = (item: Item): void => void items.push(item);
  if (open.state !== 'ok') {
    add({ severity: 'bad', message: open.message ?? 'The project cannot be read.', action: 'reload' });
  }
  if (open.errors > 0) {
    const count = open.errors === 1 ? 'One error' : `${open.errors} errors`;
    add({ severity: 'bad', message: `${count} in the project files.`, action: 'edit_project' });
  }
  for (const site of open.participants) {
    const stages = [
      ['reachable', 'check'],
      ['delivered', 'deliver'],
      ['running', 'start'],
    ] as const;
    for (const [name, action] of stages) {
      const stage = site[name];
      if (stage?.state === 'bad') {
        add({
          severity: 'bad',
          target: site.name,
          message: stage.message ?? stage.text,
          action,
          ...(stage.task ? { task: stage.task } : {}),
        });
      }
    }
    const days = site.certificate_days_left;
    if (days !== undefined && days < 0) {
      add({ severity: 'bad', target: site.name, message: 'The certificate has ended.', action: 'reissue' });
    } else if (days !== undefined && days <= soonDays) {
      add({
        severity: 'warn',
        target: site.name,
        message: days === 1 ? 'The certificate ends in a day.' : `The certificate ends in ${days} days.`,
        action: 'reissue',
      });
    }
    if (site.running?.state === 'warn') {
      add({
        severity: 'warn',
        target: site.name,
        message: site.running.message ?? site.running.text,
        action: 'check',
      });
    }
  }
  if (
    open.kind === 'project' &&
    open.errors === 0 &&
    open.prod === undefined &&
    open.participants.length > 0
  ) {
    add({ severity: 'info', message: 'No kits were made yet.', action: 'provision' });
  }
  const undelivered = open.participants.filter((site) => site.host && site.kit && !site.delivered);
  if (undelivered.length > 0 && open.prod !== undefined) {
    const names = undelivered
      .slice(0, 3)
      .map((site) => site.name)
      .join(', ');
    const more = undelivered.length > 3 ? ` and ${undelivered.length - 3} more` : '';
    add({
      severity: 'info',
      message: `${open.prod} was not delivered to ${names}${more}.`,
      action: 'deliver',
    });
  }
  const rank = { bad: 0, warn: 1, info: 2 };
  return items.sort((a, b) => rank[a.severity] - rank[b.severity]);
}
