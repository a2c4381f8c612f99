import { Button, Skeleton } from '@mantine/core';
import { useMemo } from 'react';
import { useLocation, useNavigate } from 'react-router';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { type Translate, useTexts } from '../../app/texts.ts';
import { DataTable, type DataColumn } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { PlaceName } from '../../components/place-name.tsx';
import { Page } from '../../components/page.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { AttestationBadge, type AttestedSite } from '../../components/attestation-badge.tsx';
import { attestationReplica, workspaceReplica } from '../../state/replicas.ts';
import { ProvisionButton } from './provision-button.tsx';
import { SiteActions } from '../../components/site-actions.tsx';
import { Attention } from './attention.tsx';
import { Begin } from './begin.tsx';
import { DraftOffer } from './draft-offer.tsx';
import { StageCell } from '../../components/stage-cell.tsx';

type Open = NonNullable<StateValue<'workspace.current'>['open']>;
type Participant = Open['participants'][number];

/** The product in one screen: a row per participant, a column per stage of the pipeline. */
export default function OverviewPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const beginAsked = new URLSearchParams(useLocation().search).has('begin');
  const workspace = workspaceReplica.use((replica) => replica.value);
  const open = workspace?.open;
  if (!workspace) {
    return (
      <Page title={t('overview.title')}>
        <Skeleton height={240} m="lg" w="auto" />
      </Page>
    );
  }
  if (!open || beginAsked) {
    return (
      <Page title={t('overview.title')}>
        <DraftOffer />
        <Begin onOpened={() => void navigate('/overview')} />
      </Page>
    );
  }
  return (
    <Page
      title={open.name}
      subtitle={
        <>
          <PlaceName path={open.label} /> · {t('overview.flare', { version: open.flare })}
        </>
      }
      actions={
        open.kind === 'project' ? (
          <>
            <Button variant="default" onClick={() => void navigate('/project/edit')}>
              {t('overview.actions.edit_project')}
            </Button>
            <ProvisionButton project={open} />
          </>
        ) : null
      }
    >
      <div style={{ display: 'flex', flexDirection: 'column', height: '100%' }}>
        <DraftOffer />
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
  const hasImages = open.participants.some(({ confidential }) => confidential);
  const columns = useMemo(() => boardColumns(t, hasImages, attested ?? []), [t, hasImages, attested]);
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
      empty={
        <EmptyState
          title={t('overview.nobody')}
          reason={t(open.state === 'ok' ? 'overview.nobodyReason' : 'overview.unreadReason')}
        >
          {open.kind === 'project' && open.state === 'ok' ? (
            <Button onClick={() => void navigate('/project/edit/review')}>
              {t('overview.actions.edit_project')}
            </Button>
          ) : null}
        </EmptyState>
      }
    />
  );
}

type StageName = 'kit' | 'image' | 'delivered' | 'running' | 'connected';

/** The server is what the others connect to; admins come and go. */
const applies = (id: StageName, { type, confidential }: Participant): boolean =>
  id === 'image'
    ? confidential === true
    : id === 'kit' || (type !== 'admin' && !(id === 'connected' && type === 'server'));

/** How many participants stand well at a stage. */
function StageCount({ id }: { id: StageName }) {
  const t = useTexts();
  const participants = workspaceReplica.use((replica) => replica.value?.open?.participants) ?? [];
  const relevant = participants.filter((participant) => applies(id, participant));
  const ok = relevant.filter((participant) => participant[id]?.state === 'ok').length;
  return <span className="muted">{t('overview.counts', { ok, count: relevant.length })}</span>;
}

const stageColumn = (t: Translate, id: StageName, width: string): DataColumn<Participant> => ({
  id,
  header: t(`overview.columns.${id}`),
  width,
  value: (participant) => (applies(id, participant) ? (participant[id]?.text ?? '') : ''),
  headerExtra: <StageCount id={id} />,
  cell: (participant) =>
    applies(id, participant) ? (
      <StageCell
        stage={participant[id]}
        absent={
          id === 'kit' || id === 'image' || participant.host ? t('overview.notThere') : t('overview.noHost')
        }
      />
    ) : (
      <span className="muted">–</span>
    ),
});

/** How many confidential sites are attested right now. */
function AttestedCount({ sites }: { sites: ReadonlyMap<string, AttestedSite> }) {
  const t = useTexts();
  const participants = workspaceReplica.use((replica) => replica.value?.open?.participants) ?? [];
  const relevant = participants.filter(({ confidential }) => confidential);
  const ok = relevant.filter(({ name }) => sites.get(name)?.badge === 'attested').length;
  return <span className="muted">{t('overview.counts', { ok, count: relevant.length })}</span>;
}

/** What the attestation board says of a site, in its own words and colours. */
function attestedColumn(t: Translate, sites: readonly AttestedSite[]): DataColumn<Participant> {
  const known = new Map(sites.map((site) => [site.site, site]));
  return {
    id: 'attested',
    header: t('overview.columns.attested'),
    width: 'minmax(112px, 1.3fr)',
    headerExtra: <AttestedCount sites={known} />,
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
  hasImages: boolean,
  attested: readonly AttestedSite[],
): DataColumn<Participant>[] {
  return [
    {
      id: 'participant',
      header: t('overview.columns.participant'),
      width: hasImages ? 'minmax(124px, 1.1fr)' : 'minmax(150px, 1.1fr)',
      value: (participant) => participant.name,
      cell: (participant) => <strong>{participant.name}</strong>,
    },
    {
      id: 'type',
      header: t('overview.columns.type'),
      width: '48px',
      dispensable: 1,
      value: (participant) => participant.type,
    },
    {
      id: 'org',
      header: t('overview.columns.org'),
      width: 'minmax(64px, 0.5fr)',
      dispensable: 2,
      value: (participant) => participant.org,
    },
    {
      id: 'defined',
      header: t('overview.columns.defined'),
      width: '84px',
      dispensable: 3,
      value: (participant) => participant.problems,
      cell: (participant) =>
        participant.problems === 0 ? (
          <StateBadge state="ok" />
        ) : (
          <StateBadge state="bad">{t('overview.problems', { count: participant.problems })}</StateBadge>
        ),
    },
    stageColumn(t, 'kit', 'minmax(104px, 1.5fr)'),
    // Without confidential sites there are no images.
    ...(hasImages ? [stageColumn(t, 'image', 'minmax(104px, 1.2fr)')] : []),
    stageColumn(t, 'delivered', 'minmax(112px, 1.5fr)'),
    stageColumn(t, 'running', 'minmax(104px, 1.5fr)'),
    stageColumn(t, 'connected', 'minmax(116px, 1.5fr)'),
    ...(hasImages ? [attestedColumn(t, attested)] : []),
  ];
}
