import { Button, Tooltip } from '@mantine/core';
import { useEffect, useMemo } from 'react';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import type { Envelope } from '../../../src-main/contract/kernel.ts';
import { type Translate, useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { type DataColumn, DataTable } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import { attestationReplica } from '../../state/replicas.ts';
import classes from './attestation.module.css';

type Chip = CallOutput<'vcek.list'>['certificates'][number];

/** The certificates of the chips that sign evidence. */
export function Chips() {
  const t = useTexts();
  const client = useClient();
  const sites = attestationReplica.use((replica) => replica.value?.sites);
  const chips = useAction(() => client.call('vcek.list', {}));
  const { run } = chips;
  useEffect(() => void run(undefined), [run]);
  const importFrom = useAction(async (): Promise<Envelope<CallOutput<'vcek.import'> | undefined>> => {
    const picked = await client.call('places.pick', { purpose: 'download_folder' });
    if (!picked.ok) return picked;
    if (!picked.value.place) return { ok: true, value: undefined };
    const answer = await client.call('vcek.import', { from: picked.value.place.token });
    void run(undefined);
    return answer;
  });
  const exportTo = useAction(async (): Promise<Envelope<CallOutput<'vcek.export'> | undefined>> => {
    const picked = await client.call('places.pick', { purpose: 'download_folder' });
    if (!picked.ok) return picked;
    if (!picked.value.place) return { ok: true, value: undefined };
    return client.call('vcek.export', { folder: picked.value.place.token });
  });
  const fetch = useAction(() => client.start('vcek.fetch', { sites: (sites ?? []).map(({ site }) => site) }));
  const columns = useMemo(() => chipColumns(t), [t]);
  const error = chips.error ?? importFrom.error ?? exportTo.error ?? fetch.error;
  const files = importFrom.value?.files;
  return (
    <>
      {error ? <ErrorNotice error={error} /> : null}
      <div className={classes.bar}>
        <Button onClick={() => void importFrom.run(undefined)}>{t('attestation.import')}</Button>
        <Tooltip label={t('attestation.fetchAbout')} multiline w={320}>
          <Button
            variant="default"
            disabled={(sites ?? []).length === 0}
            onClick={() => void fetch.run(undefined)}
          >
            {t('attestation.fetch')}
          </Button>
        </Tooltip>
        <Button
          variant="default"
          disabled={!chips.value?.certificates.length}
          onClick={() => void exportTo.run(undefined)}
        >
          {t('attestation.exportStore')}
        </Button>
        {files ? (
          <StateBadge state="ok">
            {t('attestation.imported', {
              added: files.filter(({ state }) => state === 'added').length,
              refused: files.filter(({ state }) => state === 'refused').length,
            })}
          </StateBadge>
        ) : null}
        {exportTo.value ? (
          <StateBadge state="ok">{t('attestation.exportedStore', { ...exportTo.value })}</StateBadge>
        ) : null}
      </div>
      <DataTable
        id="chips"
        label={t('attestation.chipsLabel')}
        rows={chips.value?.certificates ?? []}
        columns={columns}
        rowId={({ fingerprint }) => fingerprint}
        rowLabel={({ chip_id: chip, product }) => `${product} ${chip ?? ''}`}
        empty={<EmptyState title={t('attestation.noChips')} reason={t('attestation.noChipsReason')} />}
      />
    </>
  );
}

function chipColumns(t: Translate): DataColumn<Chip>[] {
  return [
    {
      id: 'product',
      header: t('attestation.columns.product'),
      width: '96px',
      value: ({ product }) => product,
    },
    { id: 'kind', header: t('attestation.columns.kind'), width: '72px', value: ({ kind }) => kind },
    {
      id: 'chip',
      header: t('attestation.columns.chip'),
      width: 'minmax(220px, 1.5fr)',
      value: ({ chip_id: chip }) => chip ?? '',
      cell: ({ chip_id: chip }) => (chip === undefined ? '–' : <Copyable text={chip} length={24} />),
    },
    {
      id: 'firmware',
      header: t('attestation.columns.firmware'),
      width: 'minmax(240px, 2fr)',
      value: ({ tcb }) => tcb,
    },
    {
      id: 'left',
      header: t('attestation.columns.left'),
      width: '96px',
      numeric: true,
      value: ({ days_left: days }) => days,
      cell: ({ days_left: days }) => t('attestation.days', { count: days }),
    },
  ];
}
