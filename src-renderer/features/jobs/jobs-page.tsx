import { Button, Select } from '@mantine/core';
import { useEffect, useMemo, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { type Translate, useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { DataTable, type DataColumn } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { formatSeconds } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { boardReplica, workspaceReplica } from '../../state/replicas.ts';
import { type BoardJob, type ChosenJob, phaseStates } from './job-model.ts';
import { JobDrawer } from './job-drawer.tsx';
import { SubmitDialog } from './submit-dialog.tsx';
import { TransferFolder } from './transfer-folder.tsx';
import classes from './jobs-page.module.css';

/** Left what can be submitted, right what the server has. The address `/jobs/ID` opens one job. */
export default function JobsPage() {
  const t = useTexts();
  const client = useClient();
  const location = useLocation();
  const navigate = useNavigate();
  const participants = workspaceReplica.use((replica) => replica.value?.open?.participants) ?? [];
  const admins = participants.filter((item) => item.type === 'admin' && item.kit_place);
  const [chosen, setChosen] = useState<string>();
  const admin = admins.find((item) => item.name === chosen) ?? admins[0];
  const kit = admin?.kit_place?.token;
  const [submitting, setSubmitting] = useState<ChosenJob>();
  const openedId = decodeURIComponent(location.pathname.split('/')[2] ?? '');
  useEffect(() => {
    if (kit) void client.call('jobs.look', { kit });
    return () => void client.call('jobs.look', { kit: null });
  }, [client, kit]);
  if (!kit) {
    return (
      <Page title={t('jobs.title')}>
        <EmptyState title={t('jobs.noKits')} reason={t('jobs.noKitsReason')}>
          <Button onClick={() => void navigate('/overview?begin')}>{t('shell.openOther')}</Button>
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page
      title={t('jobs.title')}
      subtitle={<Seen />}
      actions={
        <Select
          aria-label={t('jobs.lookAs')}
          value={admin?.name ?? null}
          onChange={(name) => setChosen(name ?? undefined)}
          data={admins.map((item) => item.name)}
          allowDeselect={false}
          w={240}
        />
      }
    >
      <div className={classes.jobs}>
        <TransferFolder key={kit} kit={kit} onSubmit={setSubmitting} />
        <div className={classes.board}>
          <Board opened={openedId} />
        </div>
      </div>
      {submitting ? (
        <SubmitDialog kit={kit} chosen={submitting} onClose={() => setSubmitting(undefined)} />
      ) : null}
      <JobDrawer kit={kit} jobId={openedId} onClose={() => void navigate('/jobs')} />
    </Page>
  );
}

/** How old the list is. */
function Seen() {
  const t = useTexts();
  const at = boardReplica.use((replica) => replica.value?.seen_at);
  if (at === undefined) return t('jobs.notSeen');
  return (
    <>
      {t('jobs.seen')} <RelativeTime at={at} />
    </>
  );
}

function Board({ opened }: { opened: string }) {
  const t = useTexts();
  const navigate = useNavigate();
  const board = boardReplica.use((replica) => replica.value);
  const columns = useMemo(() => boardColumns(t), [t]);
  const rows = useMemo(() => board?.jobs ?? [], [board]);
  return (
    <>
      {board?.error ? (
        <div className={classes.failed}>
          <ErrorNotice error={board.error}>
            {board.seen_at ? <div className="muted">{t('jobs.stale')}</div> : null}
          </ErrorNotice>
        </div>
      ) : null}
      <div className={classes.table}>
        <DataTable
          id="jobs"
          label={t('jobs.onServer')}
          rows={rows}
          columns={columns}
          rowId={(job) => job.job_id}
          rowLabel={(job) => job.name}
          opened={opened}
          onOpen={(job) => void navigate(`/jobs/${encodeURIComponent(job.job_id)}`)}
          empty={
            board?.seen_at ? (
              <EmptyState title={t('jobs.none')} reason={t('jobs.noneReason')} />
            ) : board?.error ? (
              <EmptyState title={t('jobs.notReached')} reason={t('jobs.notReachedReason')}>
                <Button variant="default" onClick={() => void navigate('/sites')}>
                  {t('jobs.toSites')}
                </Button>
              </EmptyState>
            ) : undefined
          }
        />
      </div>
    </>
  );
}

function boardColumns(t: Translate): DataColumn<BoardJob>[] {
  return [
    {
      id: 'name',
      header: t('jobs.columns.name'),
      width: 'minmax(110px, 1.3fr)',
      value: (job) => job.name,
      cell: (job) => <strong>{job.name}</strong>,
    },
    {
      id: 'status',
      header: t('jobs.columns.status'),
      width: 'minmax(176px, 1.4fr)',
      value: (job) => job.status,
      cell: (job) => <StateBadge state={phaseStates[job.phase]}>{job.status}</StateBadge>,
    },
    {
      id: 'rounds',
      header: t('jobs.columns.rounds'),
      width: '56px',
      numeric: true,
      value: (job) => job.rounds?.done,
      cell: (job) =>
        job.rounds
          ? job.rounds.total === undefined
            ? job.rounds.done
            : t('jobs.roundsOf', { done: job.rounds.done, total: job.rounds.total })
          : '',
    },
    {
      id: 'submitted',
      header: t('jobs.columns.submitted'),
      width: '108px',
      dispensable: 1,
      value: (job) => job.submitted_at,
      cell: (job) => (job.submitted_at ? <RelativeTime at={job.submitted_at} /> : ''),
    },
    {
      id: 'duration',
      header: t('jobs.columns.duration'),
      width: '72px',
      numeric: true,
      dispensable: 2,
      value: (job) => job.duration,
      cell: (job) => (job.duration === undefined ? '' : formatSeconds(job.duration)),
    },
    {
      id: 'id',
      header: t('jobs.columns.id'),
      width: 'minmax(136px, 0.8fr)',
      dispensable: 3,
      value: (job) => job.job_id,
      cell: (job) => <Copyable text={job.job_id} length={11} />,
    },
  ];
}
