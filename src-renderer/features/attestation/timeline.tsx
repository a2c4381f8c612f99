import { Button, Tooltip } from '@mantine/core';
import { useEffect, useMemo } from 'react';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import type { Envelope } from '../../../src-main/contract/kernel.ts';
import { type Translate, useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { type DataColumn, DataTable } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import { attestationReplica } from '../../state/replicas.ts';
import { classWord } from './class-word.ts';
import classes from './attestation.module.css';

type Entry = CallOutput<'attestation.timeline'>['entries'][number];

/** What was seen, newest first: who, what, the verdict and why. */
export function Timeline() {
  const t = useTexts();
  const client = useClient();
  const watching = attestationReplica.use((replica) => replica.value?.watching === true);
  const board = attestationReplica.use((replica) => replica.value?.sites);
  const entries = useAction(() => client.call('attestation.timeline', { limit: 1000 }));
  const save = useAction(async (mask: boolean): Promise<Envelope<{ entries: number } | undefined>> => {
    const picked = await client.call('places.pick', {
      purpose: 'save_file',
      suggested_name: 'attestation.jsonl',
    });
    if (!picked.ok) return picked;
    if (!picked.value.place) return { ok: true, value: undefined };
    return client.call('attestation.export', { file: picked.value.place.token, mask_chips: mask });
  });
  const sample = useAction(() => client.start('attestation.sample_logs', {}));
  const { run } = entries;
  useEffect(() => {
    if (board !== undefined) void run(undefined);
  }, [run, board]);
  const columns = useMemo(() => timelineColumns(t), [t]);
  const error = entries.error ?? save.error ?? sample.error;
  return (
    <>
      {error ? <ErrorNotice error={error} /> : null}
      <div className={classes.bar}>
        <Button variant="default" disabled={!watching} onClick={() => void save.run(false)}>
          {t('attestation.export')}
        </Button>
        <Button variant="default" disabled={!watching} onClick={() => void save.run(true)}>
          {t('attestation.exportMasked')}
        </Button>
        <Tooltip label={t('attestation.sampleAbout')} multiline w={360}>
          <Button variant="default" disabled={!watching} onClick={() => void sample.run(undefined)}>
            {t('attestation.sample')}
          </Button>
        </Tooltip>
        {save.value ? (
          <StateBadge state="ok">{t('attestation.exported', { count: save.value.entries })}</StateBadge>
        ) : null}
      </div>
      <DataTable
        id="attestation-timeline"
        label={t('attestation.timelineLabel')}
        rows={entries.value?.entries ?? []}
        columns={columns}
        rowId={({ id }) => String(id)}
        rowLabel={({ site, message }) => `${site} ${message}`}
        empty={<EmptyState title={t('attestation.noEntries')} reason={t('attestation.noEntriesReason')} />}
      />
    </>
  );
}

function timelineColumns(t: Translate): DataColumn<Entry>[] {
  return [
    {
      id: 'when',
      header: t('attestation.columns.when'),
      width: '112px',
      value: ({ at }) => at,
      cell: ({ at }) => <RelativeTime at={at} />,
    },
    {
      id: 'site',
      header: t('attestation.columns.site'),
      width: 'minmax(96px, 1fr)',
      value: ({ site }) => site,
    },
    {
      id: 'class',
      header: t('attestation.columns.class'),
      width: '96px',
      dispensable: 1,
      value: ({ class: kind }) => classWord(t, kind),
    },
    {
      id: 'outcome',
      header: t('attestation.columns.outcome'),
      width: '128px',
      value: ({ outcome, kind }) => outcome ?? kind.replaceAll('_', ' '),
    },
    {
      id: 'says',
      header: t('attestation.columns.says'),
      width: 'minmax(240px, 4fr)',
      value: ({ message }) => message,
    },
    {
      id: 'source',
      header: t('attestation.columns.source'),
      width: 'minmax(120px, 1.5fr)',
      value: ({ source }) => source,
    },
  ];
}
