/** Sites as CSV: RFC 4180 rows under a header, in and out. */
import type { DraftOperation } from '../../contract/drafts.ts';
import { DeskError } from '../../contract/errors.ts';
import {
  participantNamePattern,
  participantNameRule,
  simpleNamePattern,
} from '../../domain/project/names.ts';

/** A participant of the draft as far as CSV tells it. */
export interface CsvSite {
  name: string;
  type: string;
  org: string;
  host?: Readonly<Record<string, unknown>>;
}

export interface CsvRow {
  line: number;
  name: string;
  action: 'add' | 'change' | 'same' | 'refused';
  message?: string;
}

const hostColumns = ['ssh', 'user', 'port', 'identity', 'via', 'directory', 'host_key'] as const;
const columns = ['name', 'org', 'type', ...hostColumns] as const;

/** Largest number of rows; a federation of this product has at most 500 sites. */
const mostRows = 2000;

/** Cells of each row with the line it begins on. Throws `invalid_input` for an open quote. */
export function parseCsv(text: string): { line: number; cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let startLine = 1;
  const endRow = (): void => {
    cells.push(cell);
    if (cells.some((item) => item.trim() !== ''))
      rows.push({ line: startLine, cells: cells.map((item) => item.trim()) });
    cells = [];
    cell = '';
  };
  const source = text.replace(/^\uFEFF/, '');
  for (let index = 0; index < source.length; index++) {
    const char = source[index] ?? '';
    if (char === '\n') line += 1;
    if (quoted) {
      if (char !== '"') cell += char;
      else if (source[index + 1] === '"') {
        cell += '"';
        index += 1;
      } else quoted = false;
    } else if (char === '"' && cell.trim() === '') {
      quoted = true;
      cell = '';
    } else if (char === ',' || char === ';') {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') {
      endRow();
      startLine = line;
    } else if (char !== '\r') cell += char;
  }
  if (quoted)
    throw new DeskError('invalid_input', `The quote that begins in line ${startLine} is never closed.`);
  endRow();
  return rows;
}

/** What importing would do, row by row, and the operations that do it. Throws `invalid_input` for a bad header. */
export function planCsv(
  text: string,
  existing: readonly CsvSite[],
): { rows: CsvRow[]; operations: DraftOperation[] } {
  const [header, ...body] = parseCsv(text);
  const names = header?.cells.map((cell) => cell.toLowerCase()) ?? [];
  const unknown = names.filter((name) => !(columns as readonly string[]).includes(name));
  if (!names.includes('name') || !names.includes('org') || unknown.length > 0) {
    throw new DeskError(
      'invalid_input',
      unknown.length > 0
        ? `Line 1: there is no column ${unknown.map((name) => `"${name}"`).join(', ')}.`
        : 'Line 1: the header needs the columns name and org.',
      { hint: `Known columns: ${columns.join(', ')}.` },
    );
  }
  if (body.length > mostRows) throw new DeskError('too_large', `More than ${mostRows} rows.`);
  const known = new Map(existing.map((site) => [site.name, site]));
  const seen = new Map<string, number>();
  const rows: CsvRow[] = [];
  const operations: DraftOperation[] = [];
  for (const { line, cells } of body) {
    const fields = Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']));
    const planned = planRow(
      fields,
      known.get(fields.name ?? ''),
      seen.get(fields.name ?? ''),
      cells.length > names.length,
    );
    seen.set(fields.name ?? '', line);
    rows.push({ line, name: fields.name ?? '', ...planned.row });
    operations.push(...planned.operations);
  }
  return { rows, operations };
}

interface PlannedRow {
  row: Pick<CsvRow, 'action' | 'message'>;
  operations: DraftOperation[];
}

const refuse = (message: string): PlannedRow => ({ row: { action: 'refused', message }, operations: [] });

function planRow(
  fields: Record<string, string>,
  before: CsvSite | undefined,
  seenLine: number | undefined,
  tooLong: boolean,
): PlannedRow {
  const { name = '', org = '' } = fields;
  const type = fields.type || before?.type || 'client';
  if (tooLong) return refuse('More cells than the header has columns.');
  if (type !== 'client' && type !== 'relay') return refuse('The type is client or relay.');
  if (!participantNamePattern[type].test(name))
    return refuse(`The name is not valid: ${participantNameRule[type]}.`);
  if (!simpleNamePattern.test(org)) return refuse('The org is letters, digits and underscore.');
  if (seenLine !== undefined) return refuse(`The name stands in line ${seenLine} already.`);
  const port = fields.port ? Number(fields.port) : undefined;
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    return refuse('The port is a number from 1 to 65535.');
  }
  if (before && before.type !== type) return refuse(`It is a ${before.type} in this project.`);
  const host: Record<string, string | number> = {};
  for (const column of hostColumns) {
    const value = fields[column];
    if (value) host[column] = column === 'port' ? (port ?? 0) : value;
  }
  const hasHost = Object.keys(host).length > 0;
  const hostOperation: DraftOperation[] = hasHost
    ? [{ op: 'set_host', name, host: { ...before?.host, ...host } }]
    : [];
  if (!before) {
    return {
      row: { action: 'add' },
      operations: [{ op: 'add_participant', participant: { name, type, org } }, ...hostOperation],
    };
  }
  const hostDiffers = Object.entries(host).some(([key, value]) => before.host?.[key] !== value);
  if (before.org === org && !hostDiffers) return { row: { action: 'same' }, operations: [] };
  return {
    row: { action: 'change' },
    operations: [
      ...(before.org === org ? [] : [{ op: 'change_participant' as const, name, changes: { org } }]),
      ...(hostDiffers ? hostOperation : []),
    ],
  };
}

const quote = (value: unknown): string => {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  return /[",;\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** The sites as CSV with every column, the form `planCsv` reads. */
export function toCsv(sites: readonly CsvSite[]): string {
  const rows = sites.map((site) => [
    site.name,
    site.org,
    site.type,
    ...hostColumns.map((column) => site.host?.[column]),
  ]);
  return [columns, ...rows]
    .map((row) => row.map(quote).join(','))
    .join('\n')
    .concat('\n');
}
