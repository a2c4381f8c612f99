import { useEffect, useMemo } from 'react';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import { type Translate, useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { type DataColumn, DataTable } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge, type StateKind } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import classes from './attestation.module.css';

type Ending = CallOutput<'attestation.calendar'>['endings'][number];

const states: Record<Ending['level'], StateKind> = {
  ended: 'bad',
  within_7_days: 'bad',
  within_30_days: 'warn',
  within_90_days: 'warn',
  later: 'ok',
};

/** Every certificate of the project, its kits, its chips and its key broker, the first to end at the top. */
export function Calendar({ file }: { file: string | undefined }) {
  const t = useTexts();
  const client = useClient();
  const calendar = useAction((project: string | undefined) =>
    client.call('attestation.calendar', project === undefined ? {} : { file: project }),
  );
  const { run } = calendar;
  useEffect(() => void run(file), [run, file]);
  const columns = useMemo(() => calendarColumns(t), [t]);
  return (
    <>
      {calendar.error ? <ErrorNotice error={calendar.error} /> : null}
      {calendar.value?.problems.map(({ what, message }) => (
        <p key={`${what} ${message}`} className={classes.problem}>
          <StateBadge state="unknown">{what}</StateBadge> {message}
        </p>
      ))}
      <DataTable
        id="calendar"
        label={t('attestation.calendarLabel')}
        rows={calendar.value?.endings ?? []}
        columns={columns}
        rowId={({ kind, name, where, not_after: ends }) => `${kind} ${name} ${where} ${ends}`}
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
      width: 'minmax(160px, 2fr)',
      value: ({ name }) => name,
    },
    {
      id: 'kind',
      header: t('attestation.columns.kind'),
      width: 'minmax(120px, 1fr)',
      value: ({ kind }) => t(`attestation.endKinds.${kind}`),
    },
    {
      id: 'where',
      header: t('attestation.columns.where'),
      width: 'minmax(160px, 2fr)',
      value: ({ where }) => where,
    },
    {
      id: 'ends',
      header: t('attestation.columns.ends'),
      width: 'minmax(112px, 1fr)',
      value: ({ not_after: ends }) => ends,
      cell: ({ not_after: ends }) => new Date(ends).toLocaleDateString(),
    },
    {
      id: 'left',
      header: t('attestation.columns.left'),
      width: '128px',
      numeric: true,
      value: ({ days_left: days }) => days,
      cell: ({ days_left: days, level }) => (
        <StateBadge state={states[level]}>{t('attestation.days', { count: days })}</StateBadge>
      ),
    },
  ];
}
