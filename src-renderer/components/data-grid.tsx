import { Checkbox } from '@mantine/core';
import { useElementSize, useMergedRef } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useTexts } from '../app/texts.ts';
import type { DataColumn } from './data-column.ts';
import { DataRow } from './data-row.tsx';
import { fittingColumns, leastWidth, selectionWidth } from './fitting-columns.ts';
import classes from './data-table.module.css';

/** A row as the table has it: filtered, in order. */
export interface GridRow<Row> {
  id: string;
  original: Row;
}

export interface DataGridProps<Row> {
  id: string;
  label: string;
  rows: GridRow<Row>[];
  columns: DataColumn<Row>[];
  sorting: { id: string; desc: boolean }[];
  onSort(columnId: string): void;
  rowLabel(row: Row): string;
  onOpen: ((row: Row) => void) | undefined;
  opened: string | undefined;
  /** Ids of the selected rows; undefined in a table without selection. */
  selection: Readonly<Record<string, true>> | undefined;
  onToggle(rowId: string): void;
  onToggleAll(select: boolean): void;
  /** Ctrl+C with a row: the text for the clipboard. */
  copied(active: Row): string;
  /** Below the header when no row is shown. */
  nothing?: ReactNode;
}

const rowHeight = 32;
const pageOfRows = 15;

/** The rows of a table: virtual, one stop of the Tab key, arrows within. Scrolling draws nothing but this. */
export function DataGrid<Row extends object>(props: DataGridProps<Row>) {
  const { id, label, rows, opened, selection } = props;
  const [chosenRow, setActive] = useState(0);
  const viewport = useRef<HTMLDivElement>(null);
  const { ref: measured, width: room } = useElementSize<HTMLDivElement>();
  const hasSelection = selection !== undefined;
  const columns = useMemo(
    () => fittingColumns(props.columns, room, hasSelection),
    [props.columns, room, hasSelection],
  );
  // A filter may have left fewer rows than there were.
  const active = Math.max(0, Math.min(chosenRow, rows.length - 1));
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const activeId = rows[active]?.id;
  const isActiveDrawn = items.some((item) => item.index === active);
  const template = `${hasSelection ? `${selectionWidth}px ` : ''}${columns.map((column) => column.width).join(' ')}`;
  const minWidth = leastWidth(columns, hasSelection);

  // The rows get functions that stay the same, or each of them would be drawn again with every step.
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const onOpen = useCallback((index: number, row: Row) => {
    setActive(index);
    latest.current.onOpen?.(row);
  }, []);
  const onToggle = useCallback((rowId: string) => latest.current.onToggle(rowId), []);
  const onToggleAll = useCallback((select: boolean) => latest.current.onToggleAll(select), []);
  const onSort = useCallback((columnId: string) => latest.current.onSort(columnId), []);

  const move = (to: number): void => {
    const next = Math.max(0, Math.min(rows.length - 1, to));
    setActive(next);
    virtual.scrollToIndex(next);
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: pageOfRows, PageUp: -pageOfRows }[event.key];
    const row = rows[active];
    const isOwn = event.target === event.currentTarget;
    if (step !== undefined) move(active + step);
    else if (event.key === 'c' && (event.ctrlKey || event.metaKey) && row) {
      if (getSelection()?.toString()) return;
      void navigator.clipboard.writeText(props.copied(row.original));
    } else if (event.key === 'Home') move(0);
    else if (event.key === 'End') move(rows.length - 1);
    else if (event.key === 'Enter' && row && isOwn) props.onOpen?.(row.original);
    else if (event.key === ' ' && row && selection && isOwn) props.onToggle(row.id);
    else return;
    event.preventDefault();
  };

  const setViewport = useMergedRef(viewport, measured);
  const selectedCount = selection ? rows.filter((row) => selection[row.id]).length : 0;
  return (
    <div
      className={classes.viewport}
      ref={setViewport}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-multiselectable={selection ? true : undefined}
      aria-activedescendant={isActiveDrawn && activeId ? `${id}-row-${activeId}` : undefined}
      data-filled={rows.length > 0 || undefined}
      tabIndex={0}
      onKeyDown={onKey}
    >
      <DataHead
        columns={columns}
        template={template}
        minWidth={minWidth}
        sorting={props.sorting}
        onSort={onSort}
        selected={selection && selectedOf(selectedCount, rows.length)}
        onToggleAll={onToggleAll}
      />
      <div role="rowgroup" className={classes.rows} style={{ height: virtual.getTotalSize(), minWidth }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <DataRow
              key={row.id}
              domId={`${id}-row-${row.id}`}
              rowId={row.id}
              index={item.index}
              start={item.start}
              row={row.original}
              label={props.rowLabel(row.original)}
              columns={columns}
              template={template}
              selected={selection && selection[row.id] === true}
              active={item.index === active}
              opened={row.id === opened}
              onOpen={onOpen}
              onToggle={onToggle}
            />
          );
        })}
      </div>
      {rows.length === 0 ? props.nothing : null}
    </div>
  );
}

type Selected = 'none' | 'some' | 'all';
const selectedOf = (selected: number, all: number): Selected =>
  selected === 0 ? 'none' : selected === all ? 'all' : 'some';

interface DataHeadProps<Row> {
  columns: DataColumn<Row>[];
  template: string;
  minWidth: number;
  sorting: { id: string; desc: boolean }[];
  onSort(columnId: string): void;
  selected: Selected | undefined;
  onToggleAll(select: boolean): void;
}

const DataHead = memo(DrawnHead) as typeof DrawnHead;

function DrawnHead<Row>(props: DataHeadProps<Row>) {
  const { columns, template, minWidth, sorting, onSort, selected, onToggleAll } = props;
  const t = useTexts();
  return (
    <div role="rowgroup" className={classes.head} style={{ minWidth }}>
      <div role="row" aria-rowindex={1} className={classes.row} style={{ gridTemplateColumns: template }}>
        {selected === undefined ? null : (
          <div role="columnheader" className={classes.cell}>
            <Checkbox
              aria-label={t('common.selectAll')}
              checked={selected === 'all'}
              indeterminate={selected === 'some'}
              onChange={() => onToggleAll(selected !== 'all')}
            />
          </div>
        )}
        {columns.map((column) => {
          const sorted = sorting.find((item) => item.id === column.id);
          return (
            <div
              key={column.id}
              role="columnheader"
              aria-sort={sorted ? (sorted.desc ? 'descending' : 'ascending') : 'none'}
              className={`${classes.cell} ${column.numeric ? 'numeric' : ''}`}
            >
              <button type="button" className={classes.sort} onClick={() => onSort(column.id)}>
                {column.header}
                {sorted ? sorted.desc ? <IconArrowDown size={12} /> : <IconArrowUp size={12} /> : null}
              </button>
              {column.headerExtra}
            </div>
          );
        })}
      </div>
    </div>
  );
}
