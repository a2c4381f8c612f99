import { Checkbox } from '@mantine/core';
import { memo, type MouseEvent } from 'react';
import { useTexts } from '../app/texts.ts';
import type { DataColumn } from './data-column.ts';
import classes from './data-table.module.css';

/** A cell whose text does not fit says it all when it is pointed at, unless what is in it has a tooltip of its own. */
function showWhatIsCut({ target }: MouseEvent): void {
  const cell = target instanceof HTMLElement ? target.closest<HTMLElement>('[role=gridcell]') : null;
  if (!cell || cell.querySelector('[data-explained]')) return;
  const isCut = [cell, ...cell.querySelectorAll('*')].some(
    (part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0,
  );
  if (isCut) cell.title = cell.textContent;
  else cell.removeAttribute('title');
}

interface DataRowProps<Row> {
  /** Names the element, for `aria-activedescendant`. */
  domId: string;
  rowId: string;
  index: number;
  /** Pixels from the top of the list. */
  start: number;
  row: Row;
  label: string;
  columns: DataColumn<Row>[];
  /** CSS grid tracks. */
  template: string;
  /** Undefined in a table without selection. */
  selected: boolean | undefined;
  active: boolean;
  opened: boolean;
  onOpen(index: number, row: Row): void;
  onToggle(rowId: string): void;
}

/** One row. Drawn again only when something of it changed: scrolling draws no row but the new ones. */
export const DataRow = memo(DrawnRow) as typeof DrawnRow;

function DrawnRow<Row>(props: DataRowProps<Row>) {
  const { domId, rowId, index, start, row, label, columns, template, selected, active, opened } = props;
  const t = useTexts();
  return (
    <div
      id={domId}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-active={active || undefined}
      data-opened={opened || undefined}
      className={`${classes.row} ${classes.body}`}
      style={{ gridTemplateColumns: template, transform: `translateY(${start}px)` }}
      onClick={() => props.onOpen(index, row)}
      onMouseOver={showWhatIsCut}
    >
      {selected === undefined ? null : (
        <div role="gridcell" className={classes.cell}>
          <Checkbox
            aria-label={t('common.selectRow', { name: label })}
            // The grid is one stop of the Tab key; Space selects in it.
            tabIndex={-1}
            checked={selected}
            onClick={(event) => event.stopPropagation()}
            onChange={() => props.onToggle(rowId)}
          />
        </div>
      )}
      {columns.map((column) => (
        <div key={column.id} role="gridcell" className={`${classes.cell} ${column.numeric ? 'numeric' : ''}`}>
          {column.cell ? column.cell(row) : column.value(row)}
        </div>
      ))}
    </div>
  );
}
