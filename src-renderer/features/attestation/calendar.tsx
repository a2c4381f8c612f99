import { useEffect, useMemo } from 'react';
import type { Envelope } from '../../../src-main/contract/kernel.ts';
import { type Translate, useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { type DataColumn, DataTable } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';

interface Ending {
  id: string;
  name: string;
  kind: string;
  ends: string;
  days: number;
}

/** Every certificate of the project, its kits and its chips, the first to end at the top. */
export function Calendar({ file }: { file: string | undefined }) {
  const t = useTexts();
  const client = useClient();
  const endings = useAction(async (project: string | undefined): Promise<Envelope<Ending[]>> => {
    const chips = await client.call('vcek.list', {});
    if (!chips.ok) return chips;
    const kits =
      project === undefined ? undefined : await client.call('certificates.list', { file: project });
    if (kits !== undefined && !kits.ok) return kits;
    const own = (kits?.value.certificates ?? []).map(
      ({ name, kind, not_after: ends, days_left: days, file: where }) => ({
        id: `${where} ${name}`,
        name,
        kind,
        ends,
        days,
      }),
    );
    const theirs = chips.value.certificates.map(
      ({ kind, product, chip_id: chip, not_after: ends, days_left: days, fingerprint }) => ({
        id: fingerprint,
        name: `${product} ${(chip ?? '').slice(0, 16)}`,
        kind,
        ends,
        days,
      }),
    );
    return { ok: true, value: [...own, ...theirs].sort((one, other) => one.days - other.days) };
  });
  const { run } = endings;
  useEffect(() => void run(file), [run, file]);
  const columns = useMemo(() => calendarColumns(t), [t]);
  return (
    <>
      {endings.error ? <ErrorNotice error={endings.error} /> : null}
      <DataTable
        id="calendar"
        label={t('attestation.calendarLabel')}
        rows={endings.value ?? []}
        columns={columns}
        rowId={({ id }) => id}
        rowLabel={({ name }) => name}
        empty={<EmptyState title={t('attestation.noCalendar')} reason={t('attestation.noCalendarReason')} />}
      />
    </>
  );
}

function calendarColumns(t: Translate): DataColumn<Ending>[] {
  return [
    {
      id: 'name',
      header: t('attestation.columns.name'),
      width: 'minmax(200px, 2fr)',
      value: ({ name }) => name,
    },
    {
      id: 'kind',
      header: t('attestation.columns.kind'),
      width: 'minmax(120px, 1fr)',
      value: ({ kind }) => kind,
    },
    {
      id: 'ends',
      header: t('attestation.columns.ends'),
      width: 'minmax(160px, 1fr)',
      value: ({ ends }) => ends,
      cell: ({ ends }) => new Date(ends).toLocaleDateString(),
    },
    {
      id: 'left',
      header: t('attestation.columns.left'),
      width: '128px',
      numeric: true,
      value: ({ days }) => days,
      cell: ({ days }) => (
        <StateBadge state={days < 7 ? 'bad' : days < 90 ? 'warn' : 'ok'}>
          {t('attestation.days', { count: days })}
        </StateBadge>
      ),
    },
  ];
}
