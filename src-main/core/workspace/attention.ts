/** What needs attention now, worst first. */
import type { z } from 'zod';
import type { openProjectSchema } from '../../contract/workspace.ts';

type Open = z.infer<typeof openProjectSchema>;
type Item = Open['attention'][number];
type Site = Open['participants'][number];

const soonDays = 30;
/** So many participants have a line of their own each; more with the same trouble share one. */
const mostLines = 2;
const mostNames = 3;

const named = (sites: readonly Site[]): string => {
  const names = sites.slice(0, mostNames).map(({ name }) => name);
  const more = sites.length > mostNames ? ` and ${sites.length - mostNames} more` : '';
  return `${names.join(', ')}${more}`;
};

const targetsOf = (sites: readonly Site[]): Pick<Item, 'targets'> => ({
  targets: sites.map(({ name }) => name),
});

/** The same trouble of several participants: a line each, or one for all of them. */
function shared(
  sites: readonly Site[],
  severity: Item['severity'],
  action: Item['action'],
  all: string,
  one: (site: Site) => Partial<Item> & Pick<Item, 'message'>,
): Item[] {
  if (sites.length > mostLines) {
    return [{ severity, message: `${all}: ${named(sites)}.`, action, ...targetsOf(sites) }];
  }
  return sites.map((site) => ({ severity, target: site.name, action, ...one(site) }));
}

/** Stages that failed, worst of all. */
function failures(sites: readonly Site[]): Item[] {
  const stages = [
    ['reachable', 'check', 'The check of these hosts failed'],
    ['delivered', 'deliver', 'Delivery failed'],
    ['running', 'start', 'Not running'],
  ] as const;
  return stages.flatMap(([stage, action, all]) =>
    shared(
      sites.filter((site) => site[stage]?.state === 'bad'),
      'bad',
      action,
      all,
      (site) => {
        const found = site[stage];
        return {
          message: found?.message ?? found?.text ?? '',
          ...(found?.task ? { task: found.task } : {}),
        };
      },
    ),
  );
}

function certificates(sites: readonly Site[]): Item[] {
  const left = ({ certificate_days_left: days }: Site): number => days ?? Number.POSITIVE_INFINITY;
  const ending = sites.filter((site) => left(site) >= 0 && left(site) <= soonDays);
  return [
    ...shared(
      sites.filter((site) => left(site) < 0),
      'bad',
      'reissue',
      'The certificates have ended',
      () => ({ message: 'The certificate has ended.' }),
    ),
    ...shared(ending, 'warn', 'reissue', `The certificates end within ${soonDays} days`, (site) => ({
      message:
        left(site) === 1 ? 'The certificate ends in a day.' : `The certificate ends in ${left(site)} days.`,
    })),
  ];
}

/** What comes next on the way from a project to a running federation. */
function nextSteps({ kind, errors, prod, participants }: Omit<Open, 'attention'>): Item[] {
  if (kind !== 'project') return [];
  if (prod === undefined) {
    const isReady = errors === 0 && participants.length > 0;
    return isReady ? [{ severity: 'info', message: 'No kits were made yet.', action: 'provision' }] : [];
  }
  const withKit = participants.filter(({ kit, type }) => kit && type !== 'admin');
  const hosted = withKit.filter(({ host }) => host);
  if (withKit.length > 0 && hosted.length === 0) {
    const message = 'No participant has a host yet: name the hosts to deliver and start the kits from here.';
    return [{ severity: 'info', message, action: 'edit_project' }];
  }
  const items: Item[] = [];
  const undelivered = hosted.filter(({ delivered }) => !delivered);
  if (undelivered.length > 0) {
    const message = `${prod} was not delivered to ${named(undelivered)}.`;
    items.push({ severity: 'info', message, action: 'deliver', ...targetsOf(undelivered) });
  }
  const idle = hosted.filter(({ delivered, running }) => delivered?.state === 'ok' && !running);
  if (idle.length > 0) {
    const message = `Delivered and not started from here: ${named(idle)}.`;
    items.push({ severity: 'info', message, action: 'start', ...targetsOf(idle) });
  }
  return items;
}

/** The lines above the overview. Pure: the same picture gives the same lines. */
export function attentionOf(open: Omit<Open, 'attention'>): Item[] {
  const items: Item[] = [];
  if (open.state !== 'ok') {
    items.push({ severity: 'bad', message: open.message ?? 'The project cannot be read.', action: 'reload' });
  } else if (open.errors > 0) {
    const count = open.errors === 1 ? 'One error' : `${open.errors} errors`;
    items.push({ severity: 'bad', message: `${count} in the project files.`, action: 'edit_project' });
  }
  const odd = open.participants.filter(({ running }) => running?.state === 'warn');
  items.push(
    ...failures(open.participants),
    ...certificates(open.participants),
    ...shared(odd, 'warn', 'check', 'These run with warnings', ({ running }) => ({
      message: running?.message ?? running?.text ?? '',
    })),
    ...nextSteps(open),
  );
  const rank = { bad: 0, warn: 1, info: 2 };
  return items.sort((a, b) => rank[a.severity] - rank[b.severity]);
}
