import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { fittingColumns, leastWidth } from '../../src-renderer/components/fitting-columns.ts';
import { type DataColumn, DataTable } from '../../src-renderer/components/data-table.tsx';
import { draw } from './render.tsx';

interface Site {
  name: string;
  size: number;
}
const sites: Site[] = [
  { name: 'site-10', size: 5 },
  { name: 'site-2', size: 100 },
  { name: 'relay-1', size: 20 },
];
const columns: DataColumn<Site>[] = [
  { id: 'name', header: 'Name', width: '1fr', value: ({ name }) => name },
  { id: 'size', header: 'Size', width: '80px', numeric: true, value: ({ size }) => size },
];

function table(rows = sites, more: Partial<Parameters<typeof DataTable<Site>>[0]> = {}) {
  const user = userEvent.setup();
  const onOpen = vi.fn();
  draw(
    <DataTable
      id="sites"
      label="Sites"
      rows={rows}
      columns={columns}
      rowId={({ name }) => name}
      rowLabel={({ name }) => name}
      onOpen={onOpen}
      selectable
      bulk={(selected) => (
        <button type="button">{`Check ${selected.map(({ name }) => name).join(' ')}`}</button>
      )}
      {...more}
    />,
  );
  return { user, onOpen };
}
const names = () =>
  screen
    .getAllByRole('row')
    .slice(1)
    .map((row) => within(row).getAllByRole('gridcell')[1]?.textContent);
const click = (name: string) => screen.getByRole('button', { name });

describe('a table', () => {
  it('sorts names as people count and numbers as numbers, and says how', async () => {
    const { user } = table();
    expect(names()).toEqual(['site-10', 'site-2', 'relay-1']);
    await user.click(click('Name'));
    expect(names()).toEqual(['relay-1', 'site-2', 'site-10']);
    expect(screen.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort')).toBe('ascending');
    await user.click(click('Size'));
    const first = names();
    await user.click(click('Size'));
    expect([first, names()].sort()).toEqual(
      [
        ['site-10', 'relay-1', 'site-2'],
        ['site-2', 'relay-1', 'site-10'],
      ].sort(),
    );
  });

  it('filters, counts what is shown, and remembers both', async () => {
    const { user } = table();
    await user.type(screen.getByRole('textbox'), 'SITE');
    expect(names()).toEqual(['site-10', 'site-2']);
    expect(screen.getByText('2 of 3')).toBeDefined();
    expect(localStorage.getItem('table.sites.filter')).toBe('"SITE"');
  });

  it('selects one and all that are shown, for the buttons above', async () => {
    const { user, onOpen } = table();
    await user.click(screen.getByRole('checkbox', { name: 'Select site-2' }));
    expect(screen.getByText('1 selected')).toBeDefined();
    expect(onOpen).not.toHaveBeenCalled();
    await user.type(screen.getByRole('textbox'), 'site');
    await user.click(screen.getByRole('checkbox', { name: 'Select all rows' }));
    expect(click('Check site-10 site-2')).toBeDefined();
  });

  it('is worked by keys alone', async () => {
    const { user, onOpen } = table();
    screen.getByRole('grid').focus();
    await user.keyboard('{ArrowDown}{Enter}');
    expect(onOpen).toHaveBeenLastCalledWith(sites[1]);
    await user.keyboard('{End} ');
    expect(click('Check relay-1')).toBeDefined();
    await user.keyboard('{ArrowDown}{Enter}');
    expect(onOpen).toHaveBeenLastCalledWith(sites[2]);
    await user.keyboard('{Home}{ArrowUp}{Enter}');
    expect(onOpen).toHaveBeenLastCalledWith(sites[0]);
  });

  it('keeps its place within the rows when a filter shortens them', async () => {
    const { user, onOpen } = table();
    screen.getByRole('grid').focus();
    await user.keyboard('{End}');
    await user.type(screen.getByRole('textbox'), 'site-2');
    screen.getByRole('grid').focus();
    await user.keyboard('{Enter}');
    expect(onOpen).toHaveBeenLastCalledWith(sites[1]);
  });

  it('says that nothing matches, and clears the filter', async () => {
    const { user } = table();
    await user.type(screen.getByRole('textbox'), 'zzz');
    expect(screen.getByText(/Nothing matches “zzz”/)).toBeDefined();
    await user.click(click('Clear filter'));
    expect(names()).toHaveLength(3);
  });

  it('has the buttons of the selection in place of those for all', async () => {
    const { user } = table(sites, { toolbar: <button type="button">Check all</button> });
    expect(click('Check all')).toBeDefined();
    await user.click(screen.getByRole('checkbox', { name: 'Select site-2' }));
    expect(click('Check site-2')).toBeDefined();
    expect(screen.queryByRole('button', { name: 'Check all' })).toBeNull();
    await user.click(click('Clear selection'));
    expect(click('Check all')).toBeDefined();
  });

  it.each([
    [0, 'name type org size'],
    [500, 'name type org size'],
    [371, 'name org size'],
    [311, 'name size'],
    [100, 'name size'],
  ])('has in %i pixels the columns %s', (room, wanted) => {
    const track = (id: string, width: string, dispensable?: number): DataColumn<Site> => ({
      id,
      header: id,
      width,
      value: ({ name }) => name,
      ...(dispensable === undefined ? {} : { dispensable }),
    });
    const all = [
      track('name', 'minmax(120px, 1fr)'),
      track('type', '48px', 2),
      track('org', '64px', 1),
      track('size', '48px'),
    ];
    // 32 at the sides, 24 for the selection, 12 between two.
    expect(leastWidth(all, true)).toBe(32 + 24 + 120 + 48 + 64 + 48 + 4 * 12);
    expect(
      fittingColumns(all, room, true)
        .map(({ id }) => id)
        .join(' '),
    ).toBe(wanted);
  });

  it('shows why it is empty', () => {
    table([], { empty: <p>Nothing yet</p> });
    expect(screen.getByText('Nothing yet')).toBeDefined();
  });

  it('draws a screen of ten thousand rows, not all of them', () => {
    table(Array.from({ length: 10_000 }, (_, index) => ({ name: `site-${index}`, size: index })));
    expect(screen.getAllByRole('row').length).toBeLessThan(80);
    expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('10001');
  });

  it('draws a row again only when something of it changed', async () => {
    const drawn: string[] = [];
    const counting: DataColumn<Site>[] = [
      { id: 'name', header: 'Name', width: '1fr', value: ({ name }) => name },
      {
        id: 'size',
        header: 'Size',
        width: '80px',
        value: ({ size }) => size,
        cell: ({ name, size }) => {
          drawn.push(name);
          return size;
        },
      },
    ];
    const { user } = table(sites, { columns: counting });
    drawn.length = 0;
    await user.click(screen.getByRole('checkbox', { name: /site-2/ }));
    expect(new Set(drawn)).toEqual(new Set(['site-2']));
    drawn.length = 0;
    await user.type(screen.getByRole('textbox'), 'site');
    expect(new Set(drawn)).toEqual(new Set(drawn.filter((name) => name.startsWith('site'))));
    expect(screen.getByRole('checkbox', { name: /site-2/ })).toHaveProperty('checked', true);
  });
});
