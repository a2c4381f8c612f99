import { ActionIcon, Checkbox, Menu, TextInput } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconDownload, IconSearch } from '@tabler/icons-react';
import {
  columnFilteringFeature,
  createColumnHelper,
  createFilteredRowModel,
  createSortedRowModel,
  filterFn_includesString,
  globalFilteringFeature,
  rowSelectionFeature,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_basic,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useTexts } from '../app/texts.ts';
import { toCsv } from './format.ts';
import { saveText } from './save-text.ts';
import classes from './data-table.module.css';

const features = tableFeatures({
  rowSortingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  rowSelectionFeature,
  sortedRowModel: createSortedRowModel(),
  filteredRowModel: createFilteredRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
  filterFns: { includesString: filterFn_includesString },
});

export interface DataColumn<Row> {
  id: string;
  header: string;
  /** What is sorted, filtered and exported. */
  value(row: Row): string | number | undefined;
  /** What is drawn; the value as text when missing. */
  cell?(row: Row): ReactNode;
  /** CSS grid track: `120px`, `minmax(160px, 2fr)`. */
  width: string;
  numeric?: boolean;
  /** Drawn in the column's header, after its name. */
  headerExtra?: ReactNode;
}

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

const rowHeight = 32;
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
  const [rowSelection, setRowSelection] = useState<Record<string, true>>({});
  const [chosenRow, setActive] = useState(0);
  const viewport = useRef<HTMLDivElement>(null);
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
    state: { sorting, globalFilter: filter, rowSelection },
    onSortingChange: setSorting,
    onGlobalFilterChange: setFilter,
    onRowSelectionChange: setRowSelection,
    globalFilterFn: 'includesString',
    getColumnCanGlobalFilter: () => true,
  });
  const shown = table.getRowModel().rows;
  // A filter may have left fewer rows than there were.
  const active = Math.max(0, Math.min(chosenRow, shown.length - 1));
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const activeId = shown[active]?.id;
  const isActiveDrawn = virtual.getVirtualItems().some((item) => item.index === active);
  const template = `${selectable ? '32px ' : ''}${columns.map((column) => column.width).join(' ')}`;
  const selected = rows.filter((row) => rowSelection[rowId(row)]);
  const clear = () => setRowSelection({});
  const allSelected = shown.length > 0 && shown.every((row) => row.getIsSelected());

  const move = (to: number): void => {
    const next = Math.max(0, Math.min(shown.length - 1, to));
    setActive(next);
    virtual.scrollToIndex(next);
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
    const row = shown[active];
    if (step !== undefined) move(active + step);
    else if (event.key === 'c' && (event.ctrlKey || event.metaKey) && row) {
      if (getSelection()?.toString()) return;
      void navigator.clipboard.writeText(copied(selected.length > 0 ? selected : [row.original]));
    } else if (event.key === 'Home') move(0);
    else if (event.key === 'End') move(shown.length - 1);
    else if (event.key === 'Enter' && row && event.target === event.currentTarget) onOpen?.(row.original);
    else if (event.key === ' ' && row && selectable && event.target === event.currentTarget)
      row.toggleSelected();
    else return;
    event.preventDefault();
  };
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
          w={200}
        />
        {selected.length > 0 ? (
          <span className={classes.bulk}>
            <span>{t('common.selected', { count: selected.length })}</span>
            {bulk?.(selected, clear)}
          </span>
        ) : null}
        <span className={classes.grow}>{toolbar}</span>
        <span className="muted" aria-live="polite">
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
        <div
          className={classes.viewport}
          ref={viewport}
          role="grid"
          aria-label={label}
          aria-rowcount={shown.length + 1}
          aria-multiselectable={selectable}
          aria-activedescendant={isActiveDrawn && activeId ? `${id}-row-${activeId}` : undefined}
          tabIndex={0}
          onKeyDown={onKey}
        >
          <div role="rowgroup" className={classes.head}>
            <div
              role="row"
              aria-rowindex={1}
              className={classes.row}
              style={{ gridTemplateColumns: template }}
            >
              {selectable ? (
                <div role="columnheader" className={classes.cell}>
                  <Checkbox
                    aria-label={t('common.selectAll')}
                    checked={allSelected}
                    indeterminate={!allSelected && selected.length > 0}
                    onChange={() => table.toggleAllRowsSelected(!allSelected)}
                  />
                </div>
              ) : null}
              {columns.map((column) => {
                const sorted = sorting.find((item) => item.id === column.id);
                return (
                  <div
                    key={column.id}
                    role="columnheader"
                    aria-sort={sorted ? (sorted.desc ? 'descending' : 'ascending') : 'none'}
                    className={`${classes.cell} ${column.numeric ? 'numeric' : ''}`}
                  >
                    <button
                      type="button"
                      className={classes.sort}
                      onClick={() => table.getColumn(column.id)?.toggleSorting()}
                    >
                      {column.header}
                      {sorted ? sorted.desc ? <IconArrowDown size={12} /> : <IconArrowUp size={12} /> : null}
                    </button>
                    {column.headerExtra}
                  </div>
                );
              })}
            </div>
          </div>
          <div role="rowgroup" className={classes.rows} style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const row = shown[item.index];
              if (!row) return null;
              return (
                <div
                  key={row.id}
                  id={`${id}-row-${row.id}`}
                  role="row"
                  aria-rowindex={item.index + 2}
                  aria-selected={selectable ? row.getIsSelected() : undefined}
                  data-active={item.index === active || undefined}
                  data-opened={row.id === opened || undefined}
                  className={`${classes.row} ${classes.body}`}
                  style={{ gridTemplateColumns: template, transform: `translateY(${item.start}px)` }}
                  onClick={() => {
                    setActive(item.index);
                    onOpen?.(row.original);
                  }}
                >
                  {selectable ? (
                    <div role="gridcell" className={classes.cell}>
                      <Checkbox
                        aria-label={t('common.selectRow', { name: rowLabel(row.original) })}
                        // The grid is one stop of the Tab key; Space selects in it.
                        tabIndex={-1}
                        checked={row.getIsSelected()}
                        onClick={(event) => event.stopPropagation()}
                        onChange={() => row.toggleSelected()}
                      />
                    </div>
                  ) : null}
                  {columns.map((column) => (
                    <div
                      key={column.id}
                      role="gridcell"
                      className={`${classes.cell} ${column.numeric ? 'numeric' : ''}`}
                    >
                      {column.cell ? column.cell(row.original) : column.value(row.original)}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        </div>
      )}
    </div>
  );
}
