import { useEffect } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import classes from './task-drawer.module.css';

/** So many are named, the others counted: five hundred sites fail for one reason as a rule. */
const mostNamed = 5;

/** What a task that is done in part left undone: the participants that failed, each with its reason. */
export function FailedParts({ id }: { id: string }) {
  const t = useTexts();
  const client = useClient();
  const asked = useAction(() => client.call('tasks.get', { id }));
  const { run } = asked;
  useEffect(() => void run(undefined), [run]);
  const children = asked.value?.children ?? [];
  const failed = children.filter(({ status }) => status === 'failed' || status === 'cancelled');
  if (failed.length === 0) return null;
  return (
    <section className={classes.failed} aria-label={t('tasks.failedParts')}>
      <StateBadge state="bad">
        {t('tasks.failedOf', { count: failed.length, total: children.length })}
      </StateBadge>
      <ul className={classes.list}>
        {failed.slice(0, mostNamed).map(({ id: own, target, error, status }) => (
          <li key={own} className={classes.part}>
            <strong>{target}</strong>
            <span>
              {error?.message ?? t(`tasks.status.${status}`)}
              {error?.hint ? <span className="muted"> {error.hint}</span> : null}
            </span>
          </li>
        ))}
      </ul>
      {failed.length > mostNamed ? (
        <span className="muted">{t('tasks.moreFailed', { count: failed.length - mostNamed })}</span>
      ) : null}
    </section>
  );
}
