import { Tooltip, UnstyledButton } from '@mantine/core';
import type { StateValue } from '../../src-main/contract/index.ts';
import { StateBadge, type StateKind } from '../components/state-badge.tsx';
import { taskTitle } from '../components/task-title.ts';
import { connectionsReplica, custodyReplica, tasksReplica } from '../state/replicas.ts';
import { useTexts } from './texts.ts';
import classes from './status-bar.module.css';

const busy = new Set(['queued', 'running', 'waiting_for_user', 'cancelling']);
const sessionStates: Record<string, StateKind> = {
  connected: 'ok',
  connecting: 'busy',
  reconnecting: 'warn',
  closed: 'unknown',
};

const endings: Partial<Record<string, StateKind>> = {
  failed: 'bad',
  partly_done: 'warn',
  interrupted: 'warn',
};

type Session = StateValue<'session.connections'>['sessions'][number];

/** One per user and state: a console and what works beside it have sessions of their own. At most three. */
const distinct = (sessions: Session[]): Session[] =>
  [...new Map(sessions.map((session) => [`${session.user} ${session.state}`, session])).values()].slice(0, 3);

/** Running tasks, sessions and the signing key, from every page. */
export function StatusBar({ onTasks }: { onTasks: () => void }) {
  const t = useTexts();
  const tasks = tasksReplica.use((replica) => replica.value?.tasks) ?? [];
  const sessions = connectionsReplica.use((replica) => replica.value?.sessions) ?? [];
  const custody = custodyReplica.use((replica) => replica.value);
  const running = tasks.filter((task) => busy.has(task.status) && task.parent === undefined);
  const newest = running[0];
  // What ended badly stays to be seen until something else is begun.
  const last = tasks.find((task) => task.parent === undefined);
  const ended = newest || !last ? undefined : endings[last.status];
  const progress = newest?.progress;
  const percent =
    progress?.done !== undefined && progress.total
      ? Math.floor((100 * progress.done) / progress.total)
      : undefined;
  return (
    <footer className={classes.bar} data-region aria-label={t('shell.statusBar')}>
      <UnstyledButton className={classes.item} onClick={onTasks}>
        <StateBadge state={newest ? 'busy' : (ended ?? 'unknown')}>
          {newest
            ? t('shell.tasksRunning', { count: running.length })
            : last && ended
              ? `${taskTitle(t, last)} · ${t(`tasks.status.${last.status}`)}`
              : t('shell.tasksIdle')}
          {newest ? ` · ${taskTitle(t, newest)}${percent === undefined ? '' : ` ${percent} %`}` : ''}
        </StateBadge>
      </UnstyledButton>
      <span className={classes.item} role="status">
        {sessions.length === 0 ? (
          <span className="muted">{t('shell.noSession')}</span>
        ) : (
          distinct(sessions).map((session) => (
            <Tooltip key={session.id} label={session.message} disabled={!session.message}>
              <span>
                <StateBadge state={sessionStates[session.state] ?? 'unknown'}>
                  {t('shell.sessionState', { user: session.user, state: session.state })}
                </StateBadge>
              </span>
            </Tooltip>
          ))
        )}
      </span>
      {custody ? (
        <span className={`${classes.item} ${classes.last}`}>
          <StateBadge state={custody.form === 'wrapped' && !custody.unlocked_until ? 'ok' : 'unknown'}>
            {custody.form === 'none'
              ? t('shell.keyNone')
              : custody.form === 'plain'
                ? t('shell.keyPlain')
                : custody.unlocked_until
                  ? t('shell.keyUnlocked')
                  : t('shell.keyLocked')}
          </StateBadge>
        </span>
      ) : null}
    </footer>
  );
}
