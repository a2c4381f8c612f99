import { Button, Switch } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Page } from '../../components/page.tsx';
import { hostMatrixReplica, workspaceReplica } from '../../state/replicas.ts';
import { HostMatrix } from './host-matrix.tsx';
import { ProbeDrawer } from './probe-drawer.tsx';
import classes from './hosts.module.css';

type Open = NonNullable<StateValue<'workspace.current'>['open']>;

/** Participants whose hosts are asked: those that run in confidential VMs, or all where there is none. */
function asked(open: Open): string[] {
  const hosted = open.participants.filter(({ host, type }) => host !== undefined && type !== 'admin');
  const confidential = hosted.filter((participant) => participant.confidential);
  return (confidential.length > 0 ? confidential : hosted).map(({ name }) => name);
}

/** What every host has and lacks, one column a host, one row a probe; a cell opens its evidence. */
export default function HostsPage() {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const [onlyOdd, setOnlyOdd] = useState(false);
  const [chosen, setChosen] = useState<{ host: string; probe: string }>();
  const open = workspaceReplica.use((replica) => replica.value?.open);
  const known = hostMatrixReplica.use((replica) => replica.value?.hosts) ?? [];
  if (!open) return <Page title={t('hosts.title')}>{null}</Page>;
  const names = asked(open);
  const check = async (only: string[], probes?: string[]): Promise<void> => {
    if (!open.file) return;
    const started = await client.start('hosts.check', {
      file: open.file.token,
      only,
      ...(probes ? { probes } : {}),
    });
    if (!started.ok)
      notifications.show({ color: 'red', title: started.error.message, message: started.error.hint ?? '' });
  };
  const shown = names.map((name) => ({ name, check: known.find((host) => host.name === name) }));
  const host = known.find(({ name }) => name === chosen?.host);
  const probe = host?.probes.find(({ id }) => id === chosen?.probe);
  const anyKnown = shown.some((one) => one.check !== undefined);
  return (
    <Page
      title={t('hosts.title')}
      subtitle={open.name}
      actions={
        names.length > 0 ? <Button onClick={() => void check(names)}>{t('hosts.checkAll')}</Button> : null
      }
    >
      {names.length === 0 ? (
        <EmptyState title={t('hosts.noHost')} reason={t('hosts.noHostReason')}>
          <Button onClick={() => void navigate('/project/edit/sites')}>{t('hosts.editSites')}</Button>
        </EmptyState>
      ) : !anyKnown ? (
        <EmptyState title={t('hosts.none')} reason={t('hosts.noneReason')} />
      ) : (
        <div className={classes.page}>
          <div className={classes.bar}>
            <Switch
              label={t('hosts.onlyOdd')}
              checked={onlyOdd}
              onChange={(event) => setOnlyOdd(event.currentTarget.checked)}
            />
            <span className="muted">{t('hosts.hostReported')}</span>
          </div>
          <HostMatrix
            hosts={shown}
            onlyOdd={onlyOdd}
            chosen={chosen}
            onChoose={setChosen}
            onCheck={(name) => void check([name])}
          />
        </div>
      )}
      <ProbeDrawer
        host={host}
        probe={probe}
        onClose={() => setChosen(undefined)}
        onAsk={(name, id) => void check([name], [id])}
      />
    </Page>
  );
}
