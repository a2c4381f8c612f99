/**
 * One bidirectional gRPC call (docs/reference/admin-protocol.md §2.4) on Node's own HTTP/2. The call has one method and
 * one message of two fields; the socket under it is ours, so the peer is checked exactly as with the other transports.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { ProtocolError, SessionStepError } from '../errors.ts';
import { limits } from '../limits.ts';
import { within } from '../wait.ts';
import { dial } from './dial.ts';
import { Splitter } from './splitter.ts';
import { closedEarly, openErrorOf } from './open-errors.ts';
import { closingOf } from './watch.ts';
import type { OpenOptions, Transport, TransportEvents, TransportTarget } from './types.ts';

const messageHeaderBytes = 5;
/** Room for the two field heads around a frame. */
const envelopeBytes = 64;
const windowBytes = 8 * 1024 * 1024;

export async function openGrpc(
  target: TransportTarget,
  events: TransportEvents,
  options: OpenOptions,
): Promise<Transport> {
  const socket = await dial(target, ['h2'], options);
  options.onStep?.('open');
  const place = `${target.host}:${target.port}`;
  if (target.security !== 'clear' && (socket as TLSSocket).alpnProtocol !== 'h2') {
    socket.destroy();
    throw openErrorOf(new ProtocolError('it does not offer HTTP/2'), target);
  }

  const closing = closingOf(events);
  const http = connectHttp2(`${target.security === 'clear' ? 'http' : 'https'}://${authorityOf(target)}`, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: windowBytes },
  });
  const call = http.request({
    ':method': 'POST',
    ':path': '/streamer.Streamer/Stream',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const destroy = (): void => {
    call.destroy();
    http.destroy();
    socket.destroy();
  };
  follow(http, call, closing.end);
  const splitter = new Splitter(messageHeaderBytes, messageLength);
  call.on('data', (piece: Buffer) => {
    try {
      for (const message of splitter.push(piece)) {
        const frame = frameOf(message.subarray(messageHeaderBytes));
        if (frame !== undefined && !closing.done) events.onFrame(frame);
      }
    } catch (error) {
      closing.end(error as Error);
      destroy();
    }
  });

  // The server answers its headers only with its first message, so "open" is settings exchanged, not headers seen.
  const opened = new Promise<void>((resolve, reject) => {
    http.once('remoteSettings', () => resolve());
    http.once('error', reject);
    http.once('close', () => reject(closedEarly()));
    call.once('error', reject);
  });
  try {
    await within(opened, {
      ms: options.stepTimeoutMs,
      signal: options.signal,
      timeout: () =>
        new SessionStepError('open', 'timeout', `${place} does not answer as an HTTP/2 server.`, {
          retryable: true,
          hint: 'The server may use another scheme than "grpc" on this port, or hang.',
        }),
    });
  } catch (error) {
    closing.silence();
    destroy();
    throw openErrorOf(error, target);
  }
  http.setLocalWindowSize(windowBytes);

  let sequence = 0;
  return {
    send: (frame) =>
      new Promise((resolve) => {
        if (call.destroyed || call.writableEnded) return resolve();
        call.write(messageOf(++sequence, frame), () => resolve());
      }),
    close: () => {
      closing.silence();
      destroy();
    },
  };
}

/** Reports the end of the call: by error, by a refusal in its headers, by trailers, or by the connection's end. */
function follow(http: ClientHttp2Session, call: ClientHttp2Stream, end: (cause?: Error) => void): void {
  let cause: Error | undefined;
  const keep = (error: Error): void => {
    cause ??= error;
  };
  http.on('error', keep);
  call.on('error', keep);
  call.on('response', (headers) => {
    const type = String(headers['content-type'] ?? '');
    if (headers[':status'] === 200 && type.startsWith('application/grpc')) return;
    keep(new ProtocolError(`the peer answered HTTP ${headers[':status'] ?? '?'} ${type}, not gRPC`));
    call.close();
  });
  call.on('close', () => end(cause));
  call.on('end', () => call.close());
  http.on('close', () => end(cause));
  http.on('goaway', () => call.close());
}

function authorityOf(target: TransportTarget): string {
  return `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

function messageLength(header: Uint8Array): number {
  if (header[0] !== 0) throw new ProtocolError('gRPC: a compressed message was not agreed on');
  const length = new DataView(header.buffer, header.byteOffset, header.byteLength).getUint32(1);
  if (length > limits.frameBytes + envelopeBytes) {
    throw new ProtocolError(`gRPC: a message of ${length} bytes is above the limit of ${limits.frameBytes}`);
  }
  return messageHeaderBytes + length;
}

/** `Frame { int32 seq = 1; bytes data = 2; }` with its gRPC header. */
export function messageOf(sequence: number, frame: Uint8Array): Buffer {
  const head = Buffer.from([0x08, ...varint(sequence & 0x7fffffff), 0x12, ...varint(frame.length)]);
  const message = Buffer.allocUnsafe(messageHeaderBytes + head.length + frame.length);
  message.writeUInt8(0, 0);
  message.writeUInt32BE(head.length + frame.length, 1);
  head.copy(message, messageHeaderBytes);
  message.set(frame, messageHeaderBytes + head.length);
  return message;
}

/** The `data` field of a `Frame`; other fields are skipped. Undefined when there is none. */
export function frameOf(message: Uint8Array): Uint8Array | undefined {
  let at = 0;
  let data: Uint8Array | undefined;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw new ProtocolError('gRPC: a message cut short');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ProtocolError('gRPC: a number without an end');
  };
  while (at < message.length) {
    const tag = next();
    const wire = tag & 7;
    if (wire === 0) next();
    else {
      const size = wire === 2 ? next() : wire === 1 ? 8 : wire === 5 ? 4 : Number.NaN;
      if (!(size <= message.length - at)) throw new ProtocolError('gRPC: a field cut short');
      if (tag === 0x12) data = message.subarray(at, at + size);
      at += size;
    }
  }
  return data;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}
