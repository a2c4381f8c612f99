/** Streams: one blob in numbered chunks, with acknowledgement (docs/reference/admin-protocol.md §5). */
import { ProtocolError } from './errors.ts';
import type { MsgpackMap } from './msgpack.ts';

export const streamChannel = 'sm__STREAM';
export const streamTopic = { data: 'sm__DATA', ack: 'sm__ACK', error: 'sm__ERROR' } as const;
export const chunkKind = { chunk: 1, final: 2, ack: 3, error: 6 } as const;

/** Posts one stream message; adds the cell's own headers. Resolves when it is handed on. */
export type PostChunk = (
  topic: string,
  headers: MsgpackMap,
  payload: Uint8Array,
  encoding: 'bytes' | 'none',
  /** The cell it goes to; the server when missing. */
  destination?: string,
) => Promise<void>;

/** A count among stream headers. Throws ProtocolError when it is none. */
export function countOf(headers: MsgpackMap, name: string): number {
  const value = headers[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new ProtocolError(`stream header ${name} is not a count`);
  }
  return value;
}

export function textOf(headers: MsgpackMap, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value.slice(0, 500) : '';
}
