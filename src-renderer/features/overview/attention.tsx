import { Button } from '@mantine/core';
import { useNavigate } from 'react-router';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { StateBadge, type StateKind } from '../../components/state-badge.tsx';
import { attestationReplica } from '../../state/replicas.ts';
import classes from './attention.module.css';

type Open = NonNullable<StateValue<'workspace.current'>['open']>;
type Item = Open['attention'][number];

const states: Record<Item['severity'], StateKind> = { bad: 'bad', warn: 'warn', info: 'unknown' };

const mostLines = 5;

/** What needs attention now, worst first, at most five lines, each with its action. */
export function Attention({ open }: { open: Open }) {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const alarms = attestationReplica.use((replica) => replica.value?.alarms) ?? [];
  if (open.attention.length === 0 && alarms.length === 0) return null;
  const act = (item: Item): void => {
    const site = item.target ? `/sites/${encodeURIComponent(item.target)}` : '/sites';
    switch (item.action) {
      case 'edit_project':
      case 'provision':
      case 'reissue':
        return void navigate(item.action === 'edit_project' ? '/project' : '/project/edit/review');
      case 'reload':
        return void client.call('workspace.reload', {});
      case 'deliver':
      case 'start':
      case 'check':
      case 'show_task':
      case undefined:
        return void navigate(site);
    }
  };
  return (
    <section className={classes.attention} aria-label={t('overview.attention')}>
      <ul className={classes.list}>
        {alarms.slice(0, mostLines).map((alarm) => (
          <li key={alarm.key} className={classes.item}>
            <StateBadge state={states[alarm.severity]}>{alarm.site ?? open.name}</StateBadge>
            <span className={classes.message}>{alarm.message}</span>
            <Button variant="subtle" onClick={() => void navigate('/attestation')}>
              {t('overview.attestation')}
            </Button>
          </li>
        ))}
        {open.attention.slice(0, Math.max(0, mostLines - alarms.length)).map((item) => (
          <li key={`${item.target ?? ''}${item.message}`} className={classes.item}>
            <StateBadge state={states[item.severity]}>{item.target ?? open.name}</StateBadge>
            <span className={classes.message}>{item.message}</span>
            {item.action ? (
              <Button variant="subtle" onClick={() => act(item)}>
                {t(`overview.actions.${item.action}`)}
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  );
}
