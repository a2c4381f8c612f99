import { Button } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useNavigate } from 'react-router';
import { type Translate, useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ConfirmTyped } from '../../components/confirm-typed.tsx';
import { DataTable, type DataColumn } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { saveText } from '../../components/save-text.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { CsvImport } from './csv-import.tsx';
import { type Draft, type DraftParticipant, findingsOf, participantsOf, useEdit } from './draft.ts';

const adds = {
  server: [['server', 'project.addServer']],
  sites: [
    ['client', 'project.addSite'],
    ['relay', 'project.addRelay'],
  ],
  admins: [['admin', 'project.addAdmin']],
} as const;
const abouts = {
  server: 'project.serverAbout',
  sites: 'project.sitesAbout',
  admins: 'project.adminsAbout',
} as const;

/** The participants of one step as a table: add, edit, remove, and CSV for the sites. */
export function ParticipantList({ draft, step }: { draft: Draft; step: 'server' | 'sites' | 'admins' }) {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const edit = useEdit(draft);
  const [importing, setImporting] = useState(false);
  const rows = participantsOf(draft, step);
  const columns = useMemo(() => listColumns(t, draft, step), [t, draft, step]);
  const buttons = adds[step]
    .filter(([type]) => type !== 'server' || rows.length === 0)
    .map(([type, text], index) => (
      <Button
        key={type}
        variant={index === 0 ? 'filled' : 'default'}
        onClick={() => void navigate(`/project/edit/add/${type}`)}
      >
        {t(text)}
      </Button>
    ));
  const remove = (selected: DraftParticipant[]): void =>
    void edit.run(selected.map((participant) => ({ op: 'remove_participant', name: participant.name })));
  return (
    <>
      {edit.error ? <ErrorNotice error={edit.error} /> : null}
      <DataTable
        id={`draft-${step}`}
        label={t(`project.steps.${step}`)}
        rows={rows}
        columns={columns}
        rowId={(participant) => participant.name}
        rowLabel={(participant) => participant.name}
        selectable
        onOpen={(participant) => void navigate(`/project/edit/site/${encodeURIComponent(participant.name)}`)}
        bulk={(selected, clear) => (
          <ConfirmTyped
            title={t('project.removeTitle', { name: selected.map((item) => item.name).join(', ') })}
            message={t('project.removeMessage', { name: selected.map((item) => item.name).join(', ') })}
            word={selected.length === 1 ? (selected[0]?.name ?? '') : String(selected.length)}
            button={t('common.remove')}
            onConfirm={() => {
              remove(selected);
              clear();
            }}
          />
        )}
        toolbar={
          <span style={{ display: 'inline-flex', gap: 8 }}>
            {rows.length > 0 ? buttons : null}
            {step === 'sites' ? (
              <>
                <Button variant="default" onClick={() => setImporting(true)}>
                  {t('project.importCsv')}
                </Button>
                {rows.length > 0 ? (
                  <Button
                    variant="default"
                    onClick={() =>
                      void client
                        .call('drafts.export_csv', {})
                        .then((answer) => answer.ok && saveText('sites.csv', answer.value.text))
                    }
                  >
                    {t('project.exportCsv')}
                  </Button>
                ) : null}
              </>
            ) : null}
          </span>
        }
        empty={
          <EmptyState title={t(`project.steps.${step}`)} reason={t(abouts[step])}>
            {buttons}
          </EmptyState>
        }
      />
      {importing ? <CsvImport draft={draft} onClose={() => setImporting(false)} /> : null}
    </>
  );
}

function listColumns(
  t: Translate,
  draft: Draft,
  step: 'server' | 'sites' | 'admins',
): DataColumn<DraftParticipant>[] {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const columns: DataColumn<DraftParticipant>[] = [
    {
      id: 'name',
      header: t('project.columns.name'),
      width: 'minmax(140px, 1.4fr)',
      value: (participant) => participant.name,
      cell: (participant) => <strong>{participant.name}</strong>,
    },
    {
      id: 'org',
      header: t('project.columns.org'),
      width: 'minmax(80px, 1fr)',
      dispensable: 1,
      value: (participant) => participant.org,
    },
  ];
  if (step === 'sites') {
    columns.push({
      id: 'type',
      header: t('project.columns.type'),
      width: '70px',
      dispensable: 2,
      value: (participant) => participant.type,
    });
  }
  if (step === 'admins') {
    columns.push({
      id: 'role',
      header: t('project.columns.role'),
      width: '120px',
      value: (participant) => text(participant.properties.role),
    });
  } else {
    columns.push({
      id: 'host',
      header: t('project.columns.host'),
      width: 'minmax(120px, 1fr)',
      value: (participant) => text(participant.host?.ssh),
      cell: (participant) => <span className="mono">{text(participant.host?.ssh)}</span>,
    });
  }
  columns.push({
    id: 'problems',
    header: t('project.columns.problems'),
    width: 'minmax(140px, 1.4fr)',
    value: (participant) => findingsOf(draft, participant.name).length,
    cell: (participant) => {
      const worst = findingsOf(draft, participant.name).toSorted(
        (a, b) => Number(a.severity !== 'error') - Number(b.severity !== 'error'),
      )[0];
      if (!worst) return <StateBadge state="ok">{t('project.fine')}</StateBadge>;
      return (
        <span title={worst.message}>
          <StateBadge
            state={worst.severity === 'error' ? 'bad' : worst.severity === 'warning' ? 'warn' : 'unknown'}
          >
            {worst.message}
          </StateBadge>
        </span>
      );
    },
  });
  return columns;
}
