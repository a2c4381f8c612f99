import { Button, Progress } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMemo } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { type Translate, useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { DataTable, type DataColumn } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { formatBytes } from '../../components/format.ts';
import { useNow } from '../../components/now.ts';
import { Page } from '../../components/page.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { buildsReplica, workspaceReplica } from '../../state/replicas.ts';
import { AppImage } from './app-image.tsx';
import { BuildDrawer } from './build-drawer.tsx';
import { type Build, kinds, share, stageText, timeText } from './model.ts';
import classes from './builds.module.css';

/** The images of the newest run, host by host. `/builds/NAME` opens one; `/builds/app` is the application image. */
export default function BuildsPage() {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const location = useLocation();
  const open = workspaceReplica.use((replica) => replica.value?.open);
  const board = buildsReplica.use((replica) => replica.value);
  const columns = useMemo(() => columnsOf(t), [t]);
  const [, , first = ''] = location.pathname.split('/');
  const chosen = decodeURIComponent(first);
  if (chosen === 'app') return <AppImage file={open?.file} builders={board?.builders ?? []} />;
  const builds = board?.builds ?? [];
  const left = builds.filter(({ actions }) => actions.some((action) => action !== 'cancel'));
  const file = open?.file?.token;
  const buildAll = async (only: readonly Build[]): Promise<void> => {
    if (file === undefined) return;
    const started = await client.start('builds.run', { file, only: only.map(({ site }) => site) });
    if (!started.ok)
      notifications.show({ color: 'red', title: started.error.message, message: started.error.hint ?? '' });
  };
  return (
    <Page
      title={t('builds.title')}
      subtitle={board?.prod}
      actions={
        <>
          <Button variant="default" onClick={() => void navigate('/builds/bundles')}>
            {t('builds.bundles')}
          </Button>
          <Button variant="default" onClick={() => void navigate('/builds/app')}>
            {t('builds.appImage')}
          </Button>
          <Button
            disabled={file === undefined || left.length === 0}
            title={builds.length > 0 && left.length === 0 ? t('builds.buildNone') : undefined}
            onClick={() => void buildAll(left)}
          >
            {t('builds.build')}
          </Button>
        </>
      }
    >
      {board?.problem ? (
        <div role="alert" className={classes.builders}>
          {board.problem}
        </div>
      ) : null}
      <Builders builders={board?.builders ?? []} builds={builds} />
      <DataTable
        id="builds"
        label={t('builds.label')}
        rows={builds}
        columns={columns}
        rowId={({ site }) => site}
        rowLabel={({ site }) => site}
        opened={chosen}
        onOpen={({ site }) => void navigate(`/builds/${encodeURIComponent(site)}`)}
        empty={
          board?.prod === undefined && (open?.participants.length ?? 0) > 0 ? (
            <EmptyState title={t('builds.noKits')} reason={t('builds.noKitsReason')} />
          ) : (
            <EmptyState title={t('builds.none')} reason={t('builds.noneReason')} />
          )
        }
      />
      <BuildDrawer
        build={builds.find(({ site }) => site === chosen)}
        file={file}
        onClose={() => void navigate('/builds')}
      />
    </Page>
  );
}

/** What each builder host is at, and how many images wait for one. */
function Builders({ builders, builds }: { builders: { name: string; ssh?: string }[]; builds: Build[] }) {
  const t = useTexts();
  if (builders.length === 0) return null;
  const waiting = builds.filter(({ state }) => state === 'queued' || state === 'waiting').length;
  return (
    <ul className={classes.builders} aria-label={t('builds.builders')}>
      {builders.map(({ name, ssh }) => {
        const busy = builds.find(
          ({ host, state }) =>
            host === name && (state === 'building' || state === 'sending' || state === 'checking'),
        );
        return (
          <li key={name}>
            <strong>{name}</strong>
            {ssh === undefined ? null : <span className="mono">{ssh}</span>}
            <StateBadge state={busy ? 'busy' : 'unknown'}>{busy ? busy.site : t('builds.free')}</StateBadge>
          </li>
        );
      })}
      {waiting > 0 ? <li className="muted">{t('builds.waiting', { count: waiting })}</li> : null}
    </ul>
  );
}

function BuildProgress({ build }: { build: Build }) {
  const t = useTexts();
  const now = useNow();
  // Its state says it all.
  if (build.state === 'none' || build.state === 'queued' || build.state === 'built')
    return <span className="muted">–</span>;
  const word = stageText(t, build);
  return (
    <span className={classes.progress}>
      <Progress
        value={share(build, now)}
        size={6}
        color={kinds[build.state] === 'bad' ? 'red' : undefined}
        aria-label={`${build.site}: ${word}`}
      />
      <span className="muted">{word}</span>
    </span>
  );
}

function BuildTime({ build }: { build: Build }) {
  const t = useTexts();
  const now = useNow();
  return <span className="numeric">{timeText(t, build, now)}</span>;
}

function columnsOf(t: Translate): DataColumn<Build>[] {
  return [
    {
      id: 'participant',
      header: t('builds.columns.participant'),
      width: 'minmax(96px, 1fr)',
      value: ({ site }) => site,
      cell: ({ site }) => <strong>{site}</strong>,
    },
    {
      id: 'state',
      header: t('builds.columns.state'),
      width: 'minmax(112px, 1fr)',
      value: ({ state }) => t(`builds.state.${state}`),
      cell: ({ state }) => <StateBadge state={kinds[state]}>{t(`builds.state.${state}`)}</StateBadge>,
    },
    {
      id: 'host',
      header: t('builds.columns.host'),
      width: 'minmax(96px, 1fr)',
      value: ({ host }) => host ?? '',
      cell: ({ host }) => host ?? <span className="muted">–</span>,
    },
    {
      id: 'progress',
      header: t('builds.columns.progress'),
      width: 'minmax(176px, 2fr)',
      value: (build) => stageText(t, build),
      cell: (build) => <BuildProgress build={build} />,
    },
    {
      id: 'time',
      header: t('builds.columns.time'),
      width: 'minmax(176px, 1.4fr)',
      numeric: true,
      value: ({ started_at }) => started_at ?? '',
      cell: (build) => <BuildTime build={build} />,
    },
    {
      id: 'result',
      header: t('builds.columns.result'),
      width: 'minmax(160px, 2fr)',
      value: ({ archive, error, note }) => archive?.place.label ?? error?.message ?? note ?? '',
      cell: ({ archive, error, note }) =>
        archive ? (
          <span className="numeric">{formatBytes(archive.bytes)}</span>
        ) : (
          <span className="muted">{error?.message ?? note ?? ''}</span>
        ),
    },
  ];
}
