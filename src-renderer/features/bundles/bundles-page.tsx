import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { type Translate, useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { type DataColumn, DataTable } from '../../components/data-table.tsx';
import { BackButton } from '../../components/back-button.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { baseName, formatBytes } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { useAction } from '../../state/action.ts';
import type { Place } from '../../state/pick.ts';
import { buildsReplica } from '../../state/replicas.ts';
import { BundleView } from './bundle-view.tsx';
import { bundleId, type ShownBundle } from './model.ts';

/** Picked from disk while this window is open; its address is `/builds/bundles/~picked`. */
let picked: Place | undefined;
const pickedName = '~picked';

interface Row {
  participant: string;
  run: string;
  bytes: number;
  sha256: string | undefined;
  built: string | undefined;
  place: Place;
}

/** The bundles of the newest run, and any other from disk. `/builds/bundles/NAME` opens one. */
export default function BundlesPage() {
  const t = useTexts();
  const location = useLocation();
  const navigate = useNavigate();
  const rows = useBundles();
  const [, , , first = ''] = location.pathname.split('/');
  const chosen = decodeURIComponent(first);
  if (chosen === '') return <BundleList rows={rows} />;
  const shown = chosen === pickedName ? fromDisk() : fromRun(rows, chosen);
  if (shown) return <BundleView key={bundleId(shown)} bundle={shown} />;
  return (
    <Page title={t('bundles.title')}>
      <EmptyState title={t('bundles.gone')} reason={t('bundles.goneReason')}>
        <Button onClick={() => void navigate('/builds/bundles')}>{t('bundles.back')}</Button>
      </EmptyState>
    </Page>
  );
}

const fromDisk = (): ShownBundle | undefined => picked && { place: picked };

function fromRun(rows: readonly Row[], name: string): ShownBundle | undefined {
  const row = rows.find(({ participant }) => participant === name);
  if (!row) return undefined;
  const { place, participant, bytes, sha256 } = row;
  return { place, participant, bytes, ...(sha256 === undefined ? {} : { sha256 }) };
}

function useBundles(): Row[] {
  const builds = buildsReplica.use((replica) => replica.value?.builds);
  return useMemo(
    () =>
      (builds ?? []).flatMap(({ site, prod, archive, ended_at: built }) =>
        archive
          ? [
              {
                participant: site,
                run: prod,
                bytes: archive.bytes,
                sha256: archive.sha256,
                built,
                place: archive.place,
              },
            ]
          : [],
      ),
    [builds],
  );
}

function BundleList({ rows }: { rows: Row[] }) {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const open = useAction(async (purpose: 'bundle_archive' | 'bundle_folder') => {
    const answer = await client.call('places.pick', { purpose });
    if (answer.ok && answer.value.place) {
      picked = answer.value.place;
      void navigate(`/builds/bundles/${pickedName}`);
    }
    return answer;
  });
  const columns = useMemo(() => columnsOf(t), [t]);
  return (
    <Page
      title={t('bundles.title')}
      actions={
        <>
          <BackButton to="/builds">{t('bundles.backToBuilds')}</BackButton>
          <Button variant="default" onClick={() => void open.run('bundle_folder')}>
            {t('bundles.openFolder')}
          </Button>
          <Button onClick={() => void open.run('bundle_archive')}>{t('bundles.openArchive')}</Button>
        </>
      }
    >
      {open.error ? <ErrorNotice error={open.error} /> : null}
      <DataTable
        id="bundles"
        label={t('bundles.label')}
        rows={rows}
        columns={columns}
        rowId={({ participant }) => participant}
        rowLabel={({ participant }) => participant}
        onOpen={({ participant }) => void navigate(`/builds/bundles/${encodeURIComponent(participant)}`)}
        empty={<EmptyState title={t('bundles.none')} reason={t('bundles.noneReason')} />}
      />
    </Page>
  );
}

function columnsOf(t: Translate): DataColumn<Row>[] {
  return [
    {
      id: 'participant',
      header: t('bundles.columns.participant'),
      width: 'minmax(120px, 1fr)',
      value: ({ participant }) => participant,
      cell: ({ participant }) => <strong>{participant}</strong>,
    },
    {
      id: 'run',
      header: t('bundles.columns.run'),
      width: 'minmax(80px, 1fr)',
      value: ({ run }) => run,
      cell: ({ run, place }) => <span title={place.label}>{`${run} · ${baseName(place.label)}`}</span>,
    },
    {
      id: 'size',
      header: t('bundles.columns.size'),
      width: '96px',
      numeric: true,
      value: ({ bytes }) => bytes,
      cell: ({ bytes }) => <span className="numeric">{formatBytes(bytes)}</span>,
    },
    {
      id: 'sha256',
      header: t('bundles.columns.sha256'),
      width: 'minmax(240px, 2fr)',
      value: ({ sha256 }) => sha256 ?? '',
      cell: ({ sha256 }) => (sha256 === undefined ? '–' : <Copyable text={sha256} length={24} />),
    },
    {
      id: 'built',
      header: t('bundles.columns.built'),
      width: 'minmax(96px, 1fr)',
      value: ({ built }) => built ?? '',
      cell: ({ built }) => <RelativeTime at={built} />,
    },
  ];
}
