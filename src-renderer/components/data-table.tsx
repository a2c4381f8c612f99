import { ActionIcon, Button, Menu, TextInput } from '@mantine/core';
import { IconDownload, IconSearch } from '@tabler/icons-react';
import {
  columnFilteringFeature,
  createColumnHelper,
  createFilteredRowModel,
  createSortedRowModel,
  filterFn_includesString,
  globalFilteringFeature,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_basic,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { useTexts } from '../app/texts.ts';
import type { DataColumn } from './data-column.ts';
import { DataGrid } from './data-grid.tsx';
import { toCsv } from './format.ts';
import { saveText } from './save-text.ts';
import classes from './data-table.module.css';

export type { DataColumn } from './data-column.ts';

const features = tableFeatures({
  rowSortingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  sortedRowModel: createSortedRowModel(),
  filteredRowModel: createFilteredRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
  filterFns: { includesString: filterFn_includesString },
});

export interface DataTableProps<Row> {
  /** Names the view: sort order and filter are remembered by it. */
  id: string;
  label: string;
  rows: Row[];
  columns: DataColumn<Row>[];
  rowId(row: Row): string;
  rowLabel(row: Row): string;
  onOpen?(row: Row): void;
  opened?: string | undefined;
  selectable?: boolean;
  /** Buttons that act on the selected rows. */
  bulk?(selected: Row[], clear: () => void): ReactNode;
  toolbar?: ReactNode;
  empty?: ReactNode;
}

const remembered = <T,>(key: string, fallback: T): T => {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? 'null') as T | null) ?? fallback;
  } catch {
    return fallback;
  }
};

/** Every list of the console: virtual rows, sort, filter, multi-select, export of what is shown, keyboard. */
export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { id, label, rows, columns, rowId, rowLabel, onOpen, opened, selectable, bulk, toolbar, empty } =
    props;
  const t = useTexts();
  const [sorting, setSorting] = useState<{ id: string; desc: boolean }[]>(() =>
    remembered(`table.${id}.sort`, []),
  );
  const [filter, setFilter] = useState(() => remembered(`table.${id}.filter`, ''));
  const [selection, setSelection] = useState<Record<string, true>>({});
  useEffect(() => localStorage.setItem(`table.${id}.sort`, JSON.stringify(sorting)), [id, sorting]);
  useEffect(() => localStorage.setItem(`table.${id}.filter`, JSON.stringify(filter)), [id, filter]);

  const definitions = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>();
    return helper.columns(
      columns.map((column) =>
        helper.accessor((row) => column.value(row), {
          id: column.id,
          header: column.header,
          sortFn: column.numeric ? 'basic' : 'alphanumeric',
        }),
      ),
    );
  }, [columns]);
  const table = useTable({
    features,
    data: rows,
    columns: definitions,
    getRowId: rowId,
    state: { sorting, globalFilter: filter },
    onSortingChange: setSorting,
    onGlobalFilterChange: setFilter,
    globalFilterFn: 'includesString',
    getColumnCanGlobalFilter: () => true,
  });
  const shown = table.getRowModel().rows;
  const selected = rows.filter((row) => selection[rowId(row)]);
  const clear = () => setSelection({});
  const toggle = (ids: readonly string[], select: (id: string) => boolean): void =>
    setSelection((before) => {
      const after = { ...before };
      for (const one of ids) {
        if (select(one)) after[one] = true;
        else delete after[one];
      }
      return after;
    });

  const copied = (some: Row[]): string =>
    some.map((row) => columns.map((column) => column.value(row) ?? '').join('\t')).join('\n');
  const exported = () => shown.map((row) => columns.map((column) => column.value(row.original)));

  return (
    <div className={classes.table}>
      <div className={classes.toolbar}>
        <TextInput
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
          placeholder={t('common.filter')}
          aria-label={`${t('common.filter')}: ${label}`}
          leftSection={<IconSearch size={14} />}
          className={classes.filter ?? ''}
        />
        {selected.length > 0 && bulk ? (
          <span className={classes.bulk}>
            <span>{t('common.selected', { count: selected.length })}</span>
            {bulk(selected, clear)}
            <Button variant="subtle" color="gray" onClick={clear}>
              {t('common.clearSelection')}
            </Button>
          </span>
        ) : (
          <span className={classes.grow}>{toolbar}</span>
        )}
        <span className={`muted ${classes.count}`} aria-live="polite">
          {shown.length === rows.length
            ? t('common.rows', { count: rows.length })
            : t('common.rowsOf', { shown: shown.length, count: rows.length })}
        </span>
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={t('common.more')}>
              <IconDownload size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item
              onClick={() =>
                saveText(
                  `${id}.csv`,
                  toCsv(
                    columns.map((column) => column.header),
                    exported(),
                  ),
                )
              }
            >
              {t('common.exportCsv')}
            </Menu.Item>
            <Menu.Item
              onClick={() =>
                saveText(
                  `${id}.json`,
                  JSON.stringify(
                    exported().map((cells) =>
                      Object.fromEntries(columns.map((column, i) => [column.id, cells[i]])),
                    ),
                    null,
                    2,
                  ),
                )
              }
            >
              {t('common.exportJson')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      {rows.length === 0 && empty !== undefined ? (
        empty
      ) : (
        <DataGrid
          id={id}
          label={label}
          rows={shown}
          columns={columns}
          sorting={sorting}
          onSort={(column) => table.getColumn(column)?.toggleSorting()}
          rowLabel={rowLabel}
          onOpen={onOpen}
          opened={opened}
          selection={selectable ? selection : undefined}
          onToggle={(row) => toggle([row], (one) => !selection[one])}
          onToggleAll={(select) =>
            toggle(
              shown.map((row) => row.id),
              () => select,
            )
          }
          copied={(active) => copied(selected.length > 0 ? selected : [active])}
          nothing={
            rows.length > 0 ? (
              <div className={classes.nothing}>
                {t('common.nothingMatches', { filter })}
                <Button variant="subtle" onClick={() => setFilter('')}>
                  {t('common.clearFilter')}
                </Button>
              </div>
            ) : null
          }
        />
      )}
    </div>
  );
}
