import { Drawer } from '@mantine/core';
import { useMemo } from 'react';
import { useTexts } from '../../app/texts.ts';
import { DataTable, type DataColumn } from '../../components/data-table.tsx';
import type { ResultTable } from './console-view.ts';

interface Row {
  id: string;
  cells: string[];
}

/** The last result of a console as a sortable table. */
export function ResultDrawer({
  opened,
  table,
  onClose,
}: {
  opened: boolean;
  table: ResultTable | undefined;
  onClose: () => void;
}) {
  const t = useTexts();
  const columns = useMemo(
    (): DataColumn<Row>[] =>
      (table?.rows[0] ?? []).map((header, index) => ({
        id: `${index}-${header}`,
        header,
        width: 'minmax(100px, 1fr)',
        value: (row) => row.cells[index],
        cell: (row) => <span className="mono">{row.cells[index]}</span>,
      })),
    [table],
  );
  const rows = useMemo(
    (): Row[] => (table?.rows.slice(1) ?? []).map((cells, index) => ({ id: String(index), cells })),
    [table],
  );
  return (
    <Drawer
      opened={opened && table !== undefined}
      onClose={onClose}
      position="right"
      size="70%"
      title={table?.line ?? t('console.lastResult')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <div style={{ height: 'calc(100vh - 90px)' }}>
        <DataTable
          id="console-result"
          label={table?.line ?? t('console.lastResult')}
          rows={rows}
          columns={columns}
          rowId={(row) => row.id}
          rowLabel={(row) => row.cells[0] ?? ''}
        />
      </div>
    </Drawer>
  );
}
