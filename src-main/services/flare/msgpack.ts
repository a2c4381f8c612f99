import { decode, encode } from '@msgpack/msgpack';
import { ProtocolError } from './errors.ts';
import { limits } from './limits.ts';

/** A msgpack map with text keys, as all headers and most bodies are. */
export type MsgpackMap = Record<string, unknown>;

/** Encodes with the shortest forms, as the reference does: str and bin apart, no extension types (§3.4). */
export function encodeMsgpack(value: unknown): Buffer {
  const bytes = encode(value, { ignoreUndefined: true, maxDepth: limits.nesting });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Decodes exactly one value that fills `bytes`.
 * @throws ProtocolError for anything cut short, too deep, with extension types, or followed by more bytes
 */
export function decodeMsgpack(bytes: Uint8Array): unknown {
  checkStructure(bytes);
  try {
    return decode(bytes);
  } catch (error) {
    throw new ProtocolError(`msgpack: ${error instanceof Error ? error.message : 'not readable'}`);
  }
}

/** Like `decodeMsgpack`, for a value that must be a map. */
export function decodeMsgpackMap(bytes: Uint8Array): MsgpackMap {
  const value = decodeMsgpack(bytes);
  if (!isMap(value)) throw new ProtocolError('msgpack: a map was expected');
  return value;
}

export function isMap(value: unknown): value is MsgpackMap {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/**
 * Walks the bytes once before anything is built. The library sets aside an array of the claimed length, so a few bytes
 * that claim nested arrays of a million elements would cost gigabytes.
 */
function checkStructure(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.byteLength;
  let at = 0;
  /** Values still to come, one count for each open array or map. */
  const open: number[] = [1];
  const need = (count: number): number => {
    if (count > end - at) throw new ProtocolError('msgpack: cut short');
    const start = at;
    at += count;
    return start;
  };
  const enter = (count: number): void => {
    if (count > end - at) throw new ProtocolError('msgpack: more elements than bytes');
    if (open.length >= limits.nesting) throw new ProtocolError('msgpack: nested too deep');
    open.push(count);
  };
  for (;;) {
    while (open[open.length - 1] === 0) open.pop();
    if (open.length === 0) break;
    open[open.length - 1]! -= 1;
    const head = view.getUint8(need(1));
    if (head <= 0x7f || head >= 0xe0) continue;
    if (head <= 0x8f) enter((head & 0x0f) * 2);
    else if (head <= 0x9f) enter(head & 0x0f);
    else if (head <= 0xbf) need(head & 0x1f);
    else {
      const fixed = fixedSizes[head];
      if (fixed !== undefined) need(fixed);
      else if (head === 0xc4 || head === 0xd9) need(view.getUint8(need(1)));
      else if (head === 0xc5 || head === 0xda) need(view.getUint16(need(2)));
      else if (head === 0xc6 || head === 0xdb) need(view.getUint32(need(4)));
      else if (head === 0xdc) enter(view.getUint16(need(2)));
      else if (head === 0xdd) enter(view.getUint32(need(4)));
      else if (head === 0xde) enter(view.getUint16(need(2)) * 2);
      else if (head === 0xdf) enter(view.getUint32(need(4)) * 2);
      else throw new ProtocolError(`msgpack: type 0x${head.toString(16)} is not used by FLARE`);
    }
  }
  if (at !== end) throw new ProtocolError('msgpack: bytes left over');
}

/** nil, booleans and numbers: bytes after the head. */
const fixedSizes: Partial<Record<number, number>> = {
  0xc0: 0,
  0xc2: 0,
  0xc3: 0,
  0xca: 4,
  0xcb: 8,
  0xcc: 1,
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1,
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
};
