import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { useLocation, useNavigate } from 'react-router';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { type Translate, useTexts } from '../../app/texts.ts';
import { DataTable, type DataColumn } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Page } from '../../components/page.tsx';
import { SiteActions } from '../../components/site-actions.tsx';
import { StageCell } from '../../components/stage-cell.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { workspaceReplica } from '../../state/replicas.ts';
import { SiteDrawer } from './site-drawer.tsx';
import classes from './sites-page.module.css';

type Participant = NonNullable<StateValue<'workspace.current'>['open']>['participants'][number];

/** The hosts of the participants, and the acts on one or many of them. The address `/sites/NAME` opens one. */
export default function SitesPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const location = useLocation();
  const open = workspaceReplica.use((replica) => replica.value?.open);
  const hasImages = open?.participants.some(({ confidential }) => confidential) ?? false;
  const columns = useMemo(() => siteColumns(t, hasImages), [t, hasImages]);
  const opened = decodeURIComponent(location.pathname.split('/')[2] ?? '');
  const hosted = useMemo(
    () =>
      open?.participants.filter(
        (participant) => participant.host !== undefined || participant.name === opened,
      ) ?? [],
    [open, opened],
  );
  if (!open) return <Page title={t('sites.title')}>{null}</Page>;
  const chosen = open.participants.find((participant) => participant.name === opened);
  return (
    <Page
      title={t('sites.title')}
      subtitle={open.name}
      actions={
        <Button variant="default" onClick={() => void navigate('/project/edit/sites')}>
          {t('sites.addHost')}
        </Button>
      }
    >
      <DataTable
        id="sites"
        label={t('sites.label')}
        rows={hosted}
        columns={columns}
        rowId={(participant) => participant.name}
        rowLabel={(participant) => participant.name}
        selectable
        opened={opened}
        onOpen={(participant) => void navigate(`/sites/${encodeURIComponent(participant.name)}`)}
        bulk={(selected, clear) => <SiteActions project={open} participants={selected} onStarted={clear} />}
        toolbar={hosted.length > 0 ? <AllHosts open={open} hosted={hosted} /> : null}
        empty={
          <EmptyState title={t('sites.none')} reason={t('sites.noneReason')}>
            <Button onClick={() => void navigate('/project/edit/sites')}>{t('sites.addHost')}</Button>
          </EmptyState>
        }
      />
      <SiteDrawer project={open} participant={chosen} onClose={() => void navigate('/sites')} />
    </Page>
  );
}

function AllHosts({
  open,
  hosted,
}: {
  open: NonNullable<StateValue<'workspace.current'>['open']>;
  hosted: Participant[];
}) {
  const t = useTexts();
  return (
    <span className={classes.all}>
      <span className="muted">{t('sites.all', { count: hosted.length })}</span>
      <SiteActions project={open} participants={hosted} />
    </span>
  );
}

function siteColumns(t: Translate, hasImages: boolean): DataColumn<Participant>[] {
  return [
    {
      id: 'participant',
      header: t('sites.columns.participant'),
      width: 'minmax(120px, 1.2fr)',
      value: (participant) => participant.name,
      cell: (participant) => <strong>{participant.name}</strong>,
    },
    {
      id: 'type',
      header: t('sites.columns.type'),
      width: '48px',
      dispensable: 2,
      value: (participant) => participant.type,
    },
    {
      id: 'host',
      header: t('sites.columns.host'),
      width: 'minmax(152px, 1.5fr)',
      value: (participant) => hostText(participant),
      cell: (participant) => <span className="mono">{hostText(participant)}</span>,
    },
    {
      id: 'reachable',
      header: t('sites.columns.reachable'),
      width: 'minmax(108px, 1.4fr)',
      value: (participant) => participant.reachable?.text ?? '',
      cell: (participant) => <StageCell stage={participant.reachable} absent={t('sites.notChecked')} />,
    },
    {
      id: 'kit',
      header: t('sites.columns.kit'),
      width: 'minmax(80px, 1.4fr)',
      value: (participant) => participant.kit?.text ?? '',
      cell: (participant) => <StageCell stage={participant.kit} absent={t('sites.notDelivered')} />,
    },
    ...(hasImages
      ? [
          {
            id: 'image',
            header: t('sites.columns.image'),
            width: 'minmax(96px, 1.2fr)',
            value: (participant: Participant) => participant.image?.text ?? '',
            cell: (participant: Participant) =>
              participant.confidential ? (
                <StageCell stage={participant.image} absent={t('overview.notThere')} />
              ) : (
                <span className="muted">–</span>
              ),
          },
        ]
      : []),
    {
      id: 'delivered',
      header: t('sites.columns.delivered'),
      width: 'minmax(96px, 1.4fr)',
      value: (participant) => participant.delivered?.text ?? '',
      cell: (participant) => <StageCell stage={participant.delivered} absent={t('sites.notDelivered')} />,
    },
    {
      id: 'running',
      header: t('sites.columns.running'),
      width: 'minmax(96px, 1.4fr)',
      value: (participant) => participant.running?.text ?? '',
      cell: (participant) => <StageCell stage={participant.running} absent={t('sites.notKnown')} />,
    },
    {
      id: 'certificate',
      header: t('sites.columns.certificate'),
      width: '84px',
      numeric: true,
      dispensable: 1,
      value: (participant) => participant.certificate_days_left,
      cell: (participant) => <DaysLeft days={participant.certificate_days_left} />,
    },
  ];
}

function DaysLeft({ days }: { days: number | undefined }) {
  const t = useTexts();
  if (days === undefined) return <span className="muted">–</span>;
  if (days < 0) return <StateBadge state="bad">{t('sites.expired')}</StateBadge>;
  const text = t('sites.daysLeft', { count: days });
  return days <= 30 ? <StateBadge state="warn">{text}</StateBadge> : <span>{text}</span>;
}

const hostText = (participant: Participant): string => {
  const host = participant.host;
  if (!host) return '';
  const at = host.user ? `${host.user}@${host.ssh}` : host.ssh;
  return host.port === undefined ? at : `${at}:${host.port}`;
};
