import { Button, Drawer, Group } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { LogViewer } from '../../components/log-viewer.tsx';
import { SiteActions } from '../../components/site-actions.tsx';
import { StageCell } from '../../components/stage-cell.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import classes from './site-drawer.module.css';

type Open = NonNullable<StateValue<'workspace.current'>['open']>;
type Participant = Open['participants'][number];

/** One participant: its stages with their evidence, its host, its kit, the log on its host, and what can be done. */
export function SiteDrawer({
  project,
  participant,
  onClose,
}: {
  project: Open;
  participant: Participant | undefined;
  onClose: () => void;
}) {
  const t = useTexts();
  return (
    <Drawer
      opened={participant !== undefined}
      onClose={onClose}
      position="right"
      size={560}
      title={participant ? t('sites.detail', { name: participant.name }) : ''}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {participant ? <SiteDetail key={participant.name} project={project} participant={participant} /> : null}
    </Drawer>
  );
}

function SiteDetail({ project, participant }: { project: Open; participant: Participant }) {
  const t = useTexts();
  const navigate = useNavigate();
  const stages = [
    'kit',
    ...(participant.confidential ? (['image'] as const) : []),
    'reachable',
    'delivered',
    'running',
    'connected',
  ] as const;
  const labels = {
    kit: t('sites.columns.kit'),
    image: t('sites.columns.image'),
    reachable: t('sites.columns.reachable'),
    delivered: t('sites.columns.delivered'),
    running: t('sites.columns.running'),
    connected: t('overview.columns.connected'),
  };
  const absent = {
    kit: t('common.unknown'),
    image: t('overview.notThere'),
    reachable: t('sites.notChecked'),
    delivered: t('sites.notDelivered'),
    running: t('sites.notKnown'),
    connected: t('sites.notKnown'),
  };
  return (
    <div className={classes.detail}>
      <Group gap="sm">
        <SiteActions project={project} participants={[participant]} />
        <Button
          variant="subtle"
          onClick={() => void navigate(`/project/edit/site/${encodeURIComponent(participant.name)}`)}
        >
          {t('sites.edit')}
        </Button>
        {participant.confidential ? (
          <>
            <Button
              variant="subtle"
              onClick={() => void navigate(`/builds/bundles/${encodeURIComponent(participant.name)}`)}
            >
              {t('sites.bundle')}
            </Button>
            <Button
              variant="subtle"
              onClick={() => void navigate(`/builds/data/${encodeURIComponent(participant.name)}`)}
            >
              {t('sites.userData')}
            </Button>
          </>
        ) : null}
        {participant.host && participant.confidential ? (
          <Button variant="subtle" onClick={() => void navigate('/hosts')}>
            {t('shell.pages.hosts')}
          </Button>
        ) : null}
      </Group>
      <h2 className={classes.heading}>{t('sites.stages')}</h2>
      <dl className={classes.facts}>
        {stages.map((id) => {
          const stage = participant[id];
          return (
            <div key={id} className={classes.fact}>
              <dt>{labels[id]}</dt>
              <dd>
                <StageCell stage={stage} absent={absent[id]} />
                {stage?.message ? <div className={classes.message}>{stage.message}</div> : null}
                {stage?.hint ? <div className="muted">{stage.hint}</div> : null}
              </dd>
            </div>
          );
        })}
      </dl>
      {participant.host ? <HostFacts host={participant.host} /> : null}
      {participant.kit_place ? <KitCheck kit={participant.kit_place} /> : null}
      {participant.host ? <SiteLog participant={participant.name} /> : null}
    </div>
  );
}

function HostFacts({ host }: { host: NonNullable<Participant['host']> }) {
  const t = useTexts();
  const rows: [string, string | number | undefined][] = [
    [t('sites.address'), host.ssh],
    [t('sites.user'), host.user],
    [t('sites.port'), host.port],
    [t('sites.identity'), host.identity],
    [t('sites.via'), host.via],
    [t('sites.directory'), host.directory],
    [t('sites.hostKey'), host.host_key],
    [t('sites.pathEntry'), host.path?.join(':')],
  ];
  return (
    <>
      <h2 className={classes.heading}>{t('sites.hostTitle')}</h2>
      <dl className={classes.facts}>
        {rows.map(([label, value]) =>
          value === undefined ? null : (
            <div key={label} className={classes.fact}>
              <dt>{label}</dt>
              <dd>
                <Copyable text={String(value)} length={52} />
              </dd>
            </div>
          ),
        )}
      </dl>
    </>
  );
}

function KitCheck({ kit }: { kit: NonNullable<Participant['kit_place']> }) {
  const t = useTexts();
  const client = useClient();
  const verify = useAction(() => client.call('kits.verify', { kit: kit.token }));
  const problems = verify.value?.problems ?? [];
  return (
    <>
      <h2 className={classes.heading}>{t('sites.columns.kit')}</h2>
      <Group gap="sm">
        <Copyable text={kit.label} length={48} />
        <Button
          variant="default"
          loading={verify.status === 'running'}
          onClick={() => void verify.run(undefined)}
        >
          {t('sites.verify')}
        </Button>
      </Group>
      {verify.error ? <ErrorNotice error={verify.error} /> : null}
      {verify.status === 'done' && problems.length === 0 ? (
        <StateBadge state="ok">{t('sites.verified', { count: verify.value?.checked ?? 0 })}</StateBadge>
      ) : null}
      {problems.length > 0 ? (
        <>
          <StateBadge state="bad">{t('sites.kitProblems')}</StateBadge>
          <ul>
            {problems.map((problem) => (
              <li key={`${problem.file}${problem.problem}`}>
                <span className="mono">{problem.file}</span> {problem.problem}
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </>
  );
}

function SiteLog({ participant }: { participant: string }) {
  const t = useTexts();
  const client = useClient();
  const [asked, setAsked] = useState(false);
  const log = useAction(() => client.call('workspace.site_log', { participant, lines: 5000 }));
  const { run } = log;
  useEffect(() => {
    if (asked) void run(undefined);
  }, [asked, run]);
  return (
    <>
      <h2 className={classes.heading}>{t('sites.log')}</h2>
      <Button
        className={classes.action}
        variant="default"
        loading={log.status === 'running'}
        onClick={() => (asked ? void run(undefined) : setAsked(true))}
      >
        {asked ? t('sites.reloadLog') : t('sites.showLog')}
      </Button>
      {log.error ? <ErrorNotice error={log.error} /> : null}
      {log.value ? (
        <>
          <div className="muted mono">{log.value.path}</div>
          <LogViewer
            lines={log.value.text.split('\n')}
            name={`${participant}.log`}
            label={t('sites.log')}
            height={280}
          />
        </>
      ) : null}
    </>
  );
}
