/** SFM frames: a 16-byte prefix, msgpack headers, a payload (docs/reference/admin-protocol.md §3). */
import { ProtocolError } from './errors.ts';
import { limits } from './limits.ts';
import { decodeMsgpackMap, encodeMsgpack, type MsgpackMap } from './msgpack.ts';

const prefixBytes = 16;
const longestHeaders = 0xffff;

export const frameType = { data: 1, hello: 4, ready: 5, ping: 6, pong: 7 } as const;

export interface SfmFrame {
  type: number;
  flags: number;
  appId: number;
  streamId: number;
  sequence: number;
  /** Undefined when the frame has none. */
  headers: MsgpackMap | undefined;
  payload: Uint8Array;
}

/** Builds one frame. Throws ProtocolError when headers or frame are longer than the format carries. */
export function encodeFrame(frame: SfmFrame): Buffer {
  const headers = frame.headers === undefined ? undefined : encodeMsgpack(frame.headers);
  const headerBytes = headers?.length ?? 0;
  const length = prefixBytes + headerBytes + frame.payload.length;
  if (headerBytes > longestHeaders) throw new ProtocolError(`SFM: headers of ${headerBytes} bytes`);
  if (length > limits.frameBytes) throw new ProtocolError(`SFM: a frame of ${length} bytes`);
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt16BE(headerBytes, 4);
  bytes.writeUInt8(frame.type, 6);
  bytes.writeUInt8(0, 7);
  bytes.writeUInt16BE(frame.flags, 8);
  bytes.writeUInt16BE(frame.appId, 10);
  bytes.writeUInt16BE(frame.streamId & 0xffff, 12);
  bytes.writeUInt16BE(frame.sequence & 0xffff, 14);
  headers?.copy(bytes, prefixBytes);
  bytes.set(frame.payload, prefixBytes + headerBytes);
  return bytes;
}

/** Reads one whole frame. Throws ProtocolError when the bytes are not exactly one frame. */
export function decodeFrame(bytes: Uint8Array): SfmFrame {
  const length = frameLength(bytes);
  if (length !== bytes.byteLength) {
    throw new ProtocolError(`SFM: a frame says ${length} bytes and has ${bytes.byteLength}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getUint16(4);
  const bodyAt = prefixBytes + headerBytes;
  if (bodyAt > length) throw new ProtocolError('SFM: headers longer than their frame');
  return {
    type: view.getUint8(6),
    flags: view.getUint16(8),
    appId: view.getUint16(10),
    streamId: view.getUint16(12),
    sequence: view.getUint16(14),
    headers: headerBytes === 0 ? undefined : decodeMsgpackMap(bytes.subarray(prefixBytes, bodyAt)),
    payload: bytes.subarray(bodyAt),
  };
}

/** The whole length a frame claims in its first four bytes, checked against the limit before anything is kept. */
export function frameLength(start: Uint8Array): number {
  if (start.byteLength < 4) throw new ProtocolError('SFM: a frame without a prefix');
  const length = new DataView(start.buffer, start.byteOffset, start.byteLength).getUint32(0);
  if (length < prefixBytes)
    throw new ProtocolError(`SFM: a frame of ${length} bytes is shorter than its prefix`);
  if (length > limits.frameBytes) {
    throw new ProtocolError(`SFM: a frame of ${length} bytes is above the limit of ${limits.frameBytes}`);
  }
  return length;
}
