import { Button, Skeleton } from '@mantine/core';
import { useMemo } from 'react';
import { useLocation, useNavigate } from 'react-router';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { type Translate, useTexts } from '../../app/texts.ts';
import { DataTable, type DataColumn } from '../../components/data-table.tsx';
import { Page } from '../../components/page.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { AttestationBadge, type AttestedSite } from '../../components/attestation-badge.tsx';
import { attestationReplica, workspaceReplica } from '../../state/replicas.ts';
import { ProvisionButton } from './provision-button.tsx';
import { SiteActions } from '../../components/site-actions.tsx';
import { Attention } from './attention.tsx';
import { Begin } from './begin.tsx';
import { StageCell, type Stage } from '../../components/stage-cell.tsx';

type Open = NonNullable<StateValue<'workspace.current'>['open']>;
type Participant = Open['participants'][number];

/** The product in one screen: a row per participant, a column per stage of the pipeline. */
export default function OverviewPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const beginAsked = new URLSearchParams(useLocation().search).has('begin');
  const replica = workspaceReplica.use();
  const open = replica.value?.open;
  if (!replica.value) {
    return (
      <Page title={t('overview.title')}>
        <Skeleton height={240} m="lg" w="auto" />
      </Page>
    );
  }
  if (!open || beginAsked) {
    return (
      <Page title={t('overview.title')}>
        <Begin onOpened={() => void navigate('/overview')} />
      </Page>
    );
  }
  return (
    <Page
      title={open.name}
      subtitle={`${open.label} · ${t('overview.flare', { version: open.flare })}`}
      actions={
        open.kind === 'project' ? (
          <>
            <Button variant="default" onClick={() => void navigate('/project')}>
              {t('overview.actions.edit_project')}
            </Button>
            <ProvisionButton project={open} />
          </>
        ) : null
      }
    >
      <div style={{ display: 'flex', flexDirection: 'column', height: '100%' }}>
        <Attention open={open} />
        <div style={{ flex: 1, minHeight: 0 }}>
          <Board open={open} />
        </div>
      </div>
    </Page>
  );
}

function Board({ open }: { open: Open }) {
  const t = useTexts();
  const navigate = useNavigate();
  const attested = attestationReplica.use((replica) => replica.value?.sites);
  const columns = useMemo(() => boardColumns(t, open, attested ?? []), [t, open, attested]);
  return (
    <DataTable
      id="overview"
      label={t('overview.participants')}
      rows={open.participants}
      columns={columns}
      rowId={(participant) => participant.name}
      rowLabel={(participant) => participant.name}
      selectable
      onOpen={(participant) => void navigate(`/sites/${encodeURIComponent(participant.name)}`)}
      bulk={(selected, clear) => <SiteActions project={open} participants={selected} onStarted={clear} />}
    />
  );
}

const stageColumn = (
  open: Open,
  t: Translate,
  id: 'kit' | 'image' | 'delivered' | 'running' | 'connected',
  width: string,
): DataColumn<Participant> => {
  // The server is what the others connect to; admins come and go.
  const applies = (participant: Participant): boolean =>
    id === 'image'
      ? participant.confidential === true
      : id === 'kit' ||
        (participant.type !== 'admin' && !(id === 'connected' && participant.type === 'server'));
  const relevant = open.participants.filter(applies);
  const ok = relevant.filter((participant) => participant[id]?.state === 'ok').length;
  const stageOf = (participant: Participant): Stage | undefined => participant[id];
  return {
    id,
    header: t(`overview.columns.${id}`),
    width,
    value: (participant) => (applies(participant) ? (stageOf(participant)?.text ?? '') : ''),
    headerExtra: <span className="muted">{t('overview.counts', { ok, count: relevant.length })}</span>,
    cell: (participant) =>
      applies(participant) ? (
        <StageCell
          stage={stageOf(participant)}
          absent={
            id === 'kit' || id === 'image' || participant.host ? t('overview.notThere') : t('overview.noHost')
          }
        />
      ) : (
        <span className="muted">–</span>
      ),
  };
};

/** What the attestation board says of a site, in its own words and colours. */
function attestedColumn(t: Translate, open: Open, sites: readonly AttestedSite[]): DataColumn<Participant> {
  const known = new Map(sites.map((site) => [site.site, site]));
  const relevant = open.participants.filter(({ confidential }) => confidential);
  const ok = relevant.filter(({ name }) => known.get(name)?.badge === 'attested').length;
  return {
    id: 'attested',
    header: t('overview.columns.attested'),
    width: 'minmax(116px, 1.3fr)',
    headerExtra: <span className="muted">{t('overview.counts', { ok, count: relevant.length })}</span>,
    value: ({ name }) => known.get(name)?.label ?? '',
    cell: ({ name, confidential }) => {
      const site = known.get(name);
      if (!confidential) return <span className="muted">–</span>;
      return site === undefined ? (
        <span className="muted">{t('overview.notWatched')}</span>
      ) : (
        <AttestationBadge site={site} />
      );
    },
  };
}

function boardColumns(
  t: Translate,
  open: Open,
  attested: readonly AttestedSite[],
): DataColumn<Participant>[] {
  return [
    {
      id: 'participant',
      header: t('overview.columns.participant'),
      width: 'minmax(136px, 1.1fr)',
      value: (participant) => participant.name,
      cell: (participant) => <strong>{participant.name}</strong>,
    },
    {
      id: 'type',
      header: t('overview.columns.type'),
      width: '48px',
      value: (participant) => participant.type,
    },
    {
      id: 'org',
      header: t('overview.columns.org'),
      width: 'minmax(64px, 0.5fr)',
      value: (participant) => participant.org,
    },
    {
      id: 'defined',
      header: t('overview.columns.defined'),
      width: '84px',
      value: (participant) => participant.problems,
      cell: (participant) =>
        participant.problems === 0 ? (
          <StateBadge state="ok" />
        ) : (
          <StateBadge state="bad">{t('overview.problems', { count: participant.problems })}</StateBadge>
        ),
    },
    stageColumn(open, t, 'kit', 'minmax(116px, 1.5fr)'),
    // Without confidential sites there are no images.
    ...(open.participants.some(({ confidential }) => confidential)
      ? [stageColumn(open, t, 'image', 'minmax(104px, 1.2fr)')]
      : []),
    stageColumn(open, t, 'delivered', 'minmax(116px, 1.5fr)'),
    stageColumn(open, t, 'running', 'minmax(116px, 1.5fr)'),
    stageColumn(open, t, 'connected', 'minmax(116px, 1.5fr)'),
    ...(open.participants.some(({ confidential }) => confidential)
      ? [attestedColumn(t, open, attested)]
      : []),
  ];
}
