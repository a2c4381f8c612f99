import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsv, planCsv, toCsv } from '../../../../src-main/services/drafts/csv.ts';

const existing = [
  { name: 'site-1', type: 'client', org: 'north', host: { ssh: 'h1', port: 22, become: 'kept' } },
  { name: 'relay-1', type: 'relay', org: 'north' },
];

describe('reading CSV', () => {
  it('knows quotes, line ends inside them, a byte order mark, semicolons and blank lines', () => {
    expect(parseCsv('\uFEFFname;org\r\n\r\n"a ""b""\nc";x\r\n')).toEqual([
      { line: 1, cells: ['name', 'org'] },
      { line: 3, cells: ['a "b"\nc', 'x'] },
    ]);
  });

  it('refuses a quote that is never closed, with its line', () => {
    expect(() => parseCsv('name,org\na,"b')).toThrow(/begins in line 2/);
  });
});

describe('the plan of an import', () => {
  it('says of each row what it becomes, and does only that', () => {
    const { rows, operations } = planCsv(
      'name,org,type,ssh,port\nsite-1,north,,h1,\nsite-2,south,client,h2,2222\nrelay-1,east,,,\n',
      existing,
    );
    expect(rows).toEqual([
      { line: 2, name: 'site-1', action: 'same' },
      { line: 3, name: 'site-2', action: 'add' },
      { line: 4, name: 'relay-1', action: 'change' },
    ]);
    expect(operations).toEqual([
      { op: 'add_participant', participant: { name: 'site-2', type: 'client', org: 'south' } },
      { op: 'set_host', name: 'site-2', host: { ssh: 'h2', port: 2222 } },
      { op: 'change_participant', name: 'relay-1', changes: { org: 'east' } },
    ]);
  });

  it('changes a host and keeps what CSV does not know of it', () => {
    const { operations } = planCsv('name,org,ssh\nsite-1,north,h9\n', existing);
    expect(operations).toEqual([
      { op: 'set_host', name: 'site-1', host: { ssh: 'h9', port: 22, become: 'kept' } },
    ]);
  });

  it.each([
    ['site-2,south,client,,,extra', /More cells/],
    ['site 2,south', /name is not valid/],
    [',south', /name is not valid/],
    ['site-2,so uth', /org/],
    ['site-2,south,server', /client or relay/],
    ['site-2,south,,,99999', /port/],
    ['site-1,north,relay', /It is a client/],
  ])('refuses the row %s', (row, why) => {
    const { rows, operations } = planCsv(`name,org,type,ssh,port\n${row}\n`, existing);
    expect(rows[0]).toMatchObject({ action: 'refused', message: expect.stringMatching(why) as string });
    expect(operations).toEqual([]);
  });

  it('refuses the second row of a name', () => {
    const { rows } = planCsv('name,org\nsite-2,a\nsite-2,b\n', []);
    expect(rows[1]).toMatchObject({ action: 'refused', message: 'The name stands in line 2 already.' });
  });

  it('refuses a header it does not know and one without a name', () => {
    expect(() => planCsv('name,org,colour\n', [])).toThrow(/no column "colour"/);
    expect(() => planCsv('org\n', [])).toThrow(/name and org/);
    expect(() => planCsv('', [])).toThrow(/name and org/);
  });

  it('finds nothing to do in its own export', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    const cell = fc
      .stringMatching(/^[ -~]*[!-~]$/)
      .filter((value) => value === value.trim() && !value.startsWith(' '));
    const site = fc.record({
      name: word,
      type: fc.constant('client'),
      org: word,
      host: fc.record({ ssh: cell, identity: cell, port: fc.integer({ min: 1, max: 65_535 }) }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(site, { selector: ({ name }) => name, maxLength: 6 }), (sites) => {
        const { rows, operations } = planCsv(toCsv(sites), sites);
        expect(rows.map(({ action }) => action)).toEqual(sites.map(() => 'same'));
        expect(operations).toEqual([]);
      }),
    );
  });
});
