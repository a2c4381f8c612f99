import { Anchor, Button } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { notifications } from '@mantine/notifications';
import { Link, useNavigate } from 'react-router';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { StateBadge, type StateKind } from '../../components/state-badge.tsx';
import { attestationReplica } from '../../state/replicas.ts';
import classes from './attention.module.css';

type Open = NonNullable<StateValue<'workspace.current'>['open']>;
type Item = Open['attention'][number];

const states: Record<Item['severity'], StateKind> = { bad: 'bad', warn: 'warn', info: 'unknown' };
const verbs = { check: 'check', deliver: 'distribute', start: 'start' } as const;

const mostLines = 5;

/** What needs attention now, worst first, at most five lines, each with its action. */
export function Attention({ open }: { open: Open }) {
  const t = useTexts();
  const navigate = useNavigate();
  const act = useAct(open);
  const alarms = attestationReplica.use((replica) => replica.value?.alarms) ?? [];
  const items = open.attention.slice(0, Math.max(0, mostLines - alarms.length));
  const hidden = alarms.length + open.attention.length - Math.min(alarms.length, mostLines) - items.length;
  if (open.attention.length === 0 && alarms.length === 0) return null;
  return (
    <section className={classes.attention} aria-label={t('overview.attention')}>
      <ul className={classes.list}>
        {alarms.slice(0, mostLines).map((alarm) => (
          <li key={alarm.key} className={classes.item}>
            <Subject severity={alarm.severity} name={alarm.site} />
            <span className={classes.message} title={alarm.message}>
              {alarm.message}
            </span>
            <Button variant="subtle" onClick={() => void navigate('/attestation')}>
              {t('overview.attestation')}
            </Button>
          </li>
        ))}
        {items.map((item) => (
          <li key={`${item.target ?? ''}${item.message}`} className={classes.item}>
            <Subject severity={item.severity} name={item.target} />
            <span className={classes.message} title={item.message}>
              {item.message}
            </span>
            {item.action ? (
              <Button variant="subtle" onClick={() => act(item)}>
                {t(`overview.actions.${item.action}`)}
              </Button>
            ) : null}
          </li>
        ))}
        {hidden > 0 ? (
          <li className={classes.hidden}>{t('overview.moreAttention', { count: hidden })}</li>
        ) : null}
      </ul>
    </section>
  );
}

/** What the line is about: a participant by name, which leads to its evidence, or the whole project. */
function Subject({ severity, name }: { severity: Item['severity']; name: string | undefined }) {
  const t = useTexts();
  if (severity === 'info' && name === undefined) {
    return (
      <span className={classes.next}>
        <IconArrowRight size={14} aria-hidden />
        {t('overview.severity.info')}
      </span>
    );
  }
  return (
    <StateBadge state={states[severity]}>
      {name === undefined ? (
        t(`overview.severity.${severity}`)
      ) : (
        <Anchor component={Link} to={`/sites/${encodeURIComponent(name)}`} inherit c="inherit">
          {name}
        </Anchor>
      )}
    </StateBadge>
  );
}

/** Begins what a line offers, for the participants it is about. */
function useAct(open: Open): (item: Item) => void {
  const client = useClient();
  const navigate = useNavigate();
  const run = async (verb: (typeof verbs)[keyof typeof verbs], only: string[]): Promise<void> => {
    if (!open.file) return;
    const started = await client.start('sites.run', { verb, file: open.file.token, only });
    if (!started.ok)
      notifications.show({ color: 'red', title: started.error.message, message: started.error.hint ?? '' });
  };
  return ({ action, target, targets }) => {
    switch (action) {
      case 'edit_project':
        return void navigate('/project');
      case 'provision':
      case 'reissue':
        return void navigate('/project/edit/review');
      case 'reload':
        return void client.call('workspace.reload', {});
      case 'deliver':
      case 'start':
      case 'check':
        return void run(verbs[action], targets ?? (target === undefined ? [] : [target]));
      case undefined:
        return undefined;
    }
  };
}
