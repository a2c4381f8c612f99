/** The command layer: JSON documents in both directions (docs/reference/admin-protocol.md §7). */
import { ProtocolError } from './errors.ts';
import { decodeFobs, encodeFobs } from './fobs.ts';
import { isMap } from './msgpack.ts';
import type { CommandInfo, CommandReply, ReplyItem } from './types.ts';

export const hciChannel = 'hci_channel';
export const commandTopic = 'command';
export const expiredTopic = 'SESSION_EXPIRED';

/** A reply document as it came, with the items that only the session itself reads. */
export interface ReplyDocument {
  items: ReplyItem[];
  /** The session token, in the answer to a login. */
  token: string | undefined;
  meta: Record<string, unknown>;
}

/** The text of a request document. */
export function requestText(
  line: string,
  token: string | undefined,
  meta: Record<string, unknown>,
  now: number,
): string {
  const time = new Date(now).toISOString().replace('T', ' ').replace('Z', '000');
  const data = [
    { type: 'command', data: line },
    ...(token === undefined ? [] : [{ type: 'token', data: token }]),
  ];
  return JSON.stringify({ time, data, meta });
}

export function packRequest(text: string): Buffer {
  return encodeFobs(text);
}

/** Unpacks a reply's payload to the text of its document. */
export function unpackReply(payload: Uint8Array): string {
  const text = decodeFobs(payload);
  if (typeof text !== 'string') throw new ProtocolError('the reply is not a text');
  return text;
}

/**
 * Reads a reply document. Items after `error` or `shutdown` are not read, unknown items are skipped, and no answer at
 * all (`null`) is a document without items.
 * @throws ProtocolError when the text is not a reply document
 */
export function parseReply(text: string): ReplyDocument {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new ProtocolError('the reply is not JSON');
  }
  if (document === null) return { items: [], token: undefined, meta: {} };
  if (!isMap(document)) throw new ProtocolError('the reply is not a document');
  const data = document['data'] ?? [];
  if (!Array.isArray(data)) throw new ProtocolError('the reply has no list of items');
  const items: ReplyItem[] = [];
  let token: string | undefined;
  for (const raw of data) {
    if (!isMap(raw)) throw new ProtocolError('the reply has an item that is no map');
    if (raw['type'] === 'token' && typeof raw['data'] === 'string') token = raw['data'];
    const item = itemOf(raw);
    if (item === undefined) continue;
    items.push(item);
    if (item.type === 'error' || item.type === 'shutdown') break;
  }
  return { items, token, meta: isMap(document['meta']) ? document['meta'] : {} };
}

function itemOf(raw: Record<string, unknown>): ReplyItem | undefined {
  const { type, data, rows } = raw;
  if (type === 'string' || type === 'success' || type === 'error' || type === 'shutdown') {
    return { type, data: textOf(data) };
  }
  if (type === 'table') {
    if (!Array.isArray(rows) || !rows.every(Array.isArray))
      throw new ProtocolError('the reply has a table without rows');
    return { type, rows: rows.map((row: unknown[]) => row.map(textOf)) };
  }
  if (type === 'dict') return { type, data: isMap(data) ? data : { value: data } };
  return undefined;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

/** Decides the outcome by §7.2: error item, then `meta.status`, then a failure written into a dictionary (§8.5). */
export function replyOf(line: string, document: ReplyDocument): CommandReply {
  const { items, meta } = document;
  const status = typeof meta['status'] === 'string' ? meta['status'] : undefined;
  const info = typeof meta['info'] === 'string' ? meta['info'] : undefined;
  const failure = items.filter(isText).find((item) => item.type === 'error');
  const base = { line, items, meta };
  if (failure !== undefined) {
    const lost = failure.data.trim() === sessionInactive;
    const named = status === undefined || status === 'ok' ? 'error' : status;
    return {
      ...base,
      ok: false,
      status: lost ? sessionInactive : named,
      message: failure.data || info || 'failed',
    };
  }
  if (status !== undefined && status !== 'ok') {
    return { ...base, ok: false, status, message: info || textsOf(items) || status };
  }
  for (const item of items) {
    if (item.type !== 'dict') continue;
    const code = item.data['error_code'];
    if (typeof code !== 'string' || code === '') continue;
    const words = [item.data['message'], item.data['hint']].filter(
      (text) => typeof text === 'string' && text,
    );
    return { ...base, ok: false, status: code, message: words.join(' ') || code };
  }
  return { ...base, ok: true, status: 'ok' };
}

export const sessionInactive = 'session_inactive';

type TextItem = Extract<ReplyItem, { data: string }>;

function isText(item: ReplyItem): item is TextItem {
  return item.type !== 'table' && item.type !== 'dict';
}

function textsOf(items: readonly ReplyItem[]): string {
  return items.flatMap((item) => (item.type === 'string' && item.data ? [item.data] : [])).join(' ');
}

/** Reads the table of `_commands`, columns by name. Rows without scope or name are left out. */
export function commandsOf(items: readonly ReplyItem[]): CommandInfo[] {
  const table = items.find((item) => item.type === 'table');
  if (table === undefined) throw new ProtocolError('the server did not list its commands');
  const [header = [], ...rows] = table.rows;
  const column = (row: string[], name: string): string => row[header.indexOf(name)] ?? '';
  return rows.flatMap((row) => {
    const scope = column(row, 'SCOPE');
    const name = column(row, 'COMMAND');
    if (scope === '' || name === '') return [];
    const confirm = column(row, 'CONFIRM');
    const clientCommand = column(row, 'CLIENTCMD');
    return [
      {
        scope,
        name,
        description: column(row, 'DESCRIPTION'),
        usage: column(row, 'USAGE'),
        // A way to confirm that is not known yet is taken for the strictest.
        confirm: confirm === 'none' || confirm === '' ? 'none' : confirm === 'yesno' ? 'yesno' : 'auth',
        ...(clientCommand === '' || clientCommand === 'None' ? {} : { clientCommand }),
        visible: column(row, 'VISIBLE') !== 'False',
      } satisfies CommandInfo,
    ];
  });
}

/** The exact version in a reply to `report_version server`: `{server: {version}}`. */
export function versionOf(reply: CommandReply | undefined): string | undefined {
  const item = reply?.ok ? reply.items.find((found) => found.type === 'dict') : undefined;
  const server = item?.data['server'];
  return isMap(server) && typeof server['version'] === 'string' ? server['version'] : undefined;
}

/** Quotes one argument of a command line so that every server version splits it right (§7.1). */
export function quoteArgument(argument: string): string {
  if (/^[^\s"'\\]+$/.test(argument)) return argument;
  return `"${argument.replace(/[\\"]/g, '\\$&')}"`;
}
