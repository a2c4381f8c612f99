/** The three transports against echo servers made of the same libraries' server sides, and peers that break the rules. */
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { encodeFrame } from '../../../../src-main/services/flare/sfm.ts';
import { frameLength } from '../../../../src-main/services/flare/sfm.ts';
import { frameOf, messageOf } from '../../../../src-main/services/flare/transport/grpc.ts';
import {
  openTransport,
  type TransportKind,
  transportKindOf,
} from '../../../../src-main/services/flare/transport/index.ts';
import { Splitter } from '../../../../src-main/services/flare/transport/splitter.ts';
import { until } from './support/quiet.ts';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** What a test does with one connection on the server's side. */
interface Far {
  /** A whole SFM frame in the transport's own wrapping. */
  send(frame: Uint8Array): void;
  /** Bytes below that wrapping. */
  raw(bytes: Buffer): void;
  end(): void;
}

type OnFrame = (frame: Uint8Array, far: Far) => void;

const servers: Record<TransportKind, (onFrame: OnFrame, onOpen: (far: Far) => void) => Promise<number>> = {
  tcp: async (onFrame, onOpen) => {
    const server = createServer((socket) => {
      const far = {
        send: (frame: Uint8Array) => socket.write(frame),
        raw: (bytes: Buffer) => socket.write(bytes),
        end: () => socket.destroy(),
      };
      const splitter = new Splitter(4, frameLength);
      socket.on('error', () => undefined);
      socket.on('data', (piece) => {
        for (const frame of splitter.push(piece)) onFrame(frame, far);
      });
      onOpen(far);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => new Promise((resolve) => server.close(resolve)));
    return (server.address() as AddressInfo).port;
  },
  http: async (onFrame, onOpen) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/f3', maxPayload: 2 ** 30 });
    server.on('connection', (web: WebSocket & { _socket?: Socket }) => {
      const far = {
        send: (frame: Uint8Array) => web.send(frame),
        raw: (bytes: Buffer) => void web._socket?.write(bytes),
        end: () => web.terminate(),
      };
      web.on('message', (data) => onFrame(data as Buffer, far));
      onOpen(far);
    });
    await new Promise((resolve) => server.once('listening', resolve));
    cleanUps.push(() => new Promise((resolve) => server.close(resolve)));
    return (server.address() as AddressInfo).port;
  },
  grpc: async (onFrame, onOpen) => {
    const server = createHttp2();
    const streams = new Set<ServerHttp2Stream>();
    server.on('stream', (stream, headers) => {
      expect(headers[':path']).toBe('/streamer.Streamer/Stream');
      streams.add(stream);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      let sequence = 0;
      const far = {
        send: (frame: Uint8Array) => stream.write(messageOf(++sequence, frame)),
        raw: (bytes: Buffer) => stream.write(bytes),
        end: () => stream.session?.destroy(),
      };
      const splitter = new Splitter(5, (header) => 5 + Buffer.from(header).readUInt32BE(1));
      stream.on('error', () => undefined);
      stream.on('data', (piece: Buffer) => {
        for (const message of splitter.push(piece)) onFrame(frameOf(message.subarray(5))!, far);
      });
      onOpen(far);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => {
      for (const stream of streams) stream.session?.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  },
};

async function open(kind: TransportKind, onFrame: OnFrame, onOpen: (far: Far) => void = () => undefined) {
  const port = await servers[kind](onFrame, onOpen);
  const frames: Buffer[] = [];
  const ends: (Error | undefined)[] = [];
  const transport = await openTransport(
    {
      kind,
      host: '127.0.0.1',
      port,
      security: 'clear',
      secureContext: createSecureContext(),
      serverIdentity: 's',
      acceptHostName: false,
      rootName: 'r',
    },
    { onFrame: (frame) => frames.push(Buffer.from(frame)), onClose: (cause) => ends.push(cause) },
    { stepTimeoutMs: 2000 },
  );
  cleanUps.unshift(() => transport.close());
  return { transport, frames, ends };
}

const frameWith = (payload: Buffer, sequence = 1) =>
  encodeFrame({ type: 1, flags: 0, appId: 1, streamId: 17, sequence, headers: { a: 1 }, payload });

describe.each<TransportKind>(['tcp', 'http', 'grpc'])('%s', (kind) => {
  test('frames of all sizes come back in order', async () => {
    const { transport, frames, ends } = await open(kind, (frame, far) => far.send(frame));
    const sent = [0, 1, 100, 70_000, 3_000_000, 20_000_000, 5].map((size, index) =>
      frameWith(Buffer.alloc(size, index), index),
    );
    for (const frame of sent) await transport.send(frame);
    await until(() => frames.length === sent.length, 8000);
    expect(frames.every((frame, index) => frame.equals(sent[index]!))).toBe(true);
    expect(ends).toEqual([]);
  });

  test('the end is told once, and sending afterwards does no harm', async () => {
    const { transport, ends } = await open(kind, (_frame, far) => far.end());
    await transport.send(frameWith(Buffer.alloc(1)));
    await until(() => ends.length > 0);
    await transport.send(frameWith(Buffer.alloc(1)));
    transport.close();
    transport.close();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(ends.length).toBe(1);
  });

  test('our own close is not told', async () => {
    const { transport, ends } = await open(kind, () => undefined);
    transport.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(ends).toEqual([]);
  });

  test('a claim of 2 GiB is refused before memory is set aside', async () => {
    const claims: Record<TransportKind, Buffer> = {
      tcp: Buffer.from([0x7f, 0xff, 0xff, 0xff]),
      http: Buffer.from([0x82, 127, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]),
      grpc: Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]),
    };
    const before = process.memoryUsage().rss;
    const { ends } = await open(
      kind,
      () => undefined,
      (far) => far.raw(claims[kind]),
    );
    await until(() => ends.length === 1);
    expect(ends[0]).toBeInstanceOf(Error);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  test('bytes that are no message of this transport end the connection', async () => {
    const { ends } = await open(
      kind,
      () => undefined,
      (far) => far.raw(Buffer.from([0x01, 0x00, 0x00, 0x00, 0x02, 0xff, 0xff, 0xff])),
    );
    if (kind === 'tcp') return;
    await until(() => ends.length === 1);
    expect(ends[0]).toBeInstanceOf(Error);
  });
});

test('http: text messages are passed over', async () => {
  const { transport, frames, ends } = await open('http', (frame, far) => {
    far.raw(Buffer.concat([Buffer.from([0x81, 5]), Buffer.from('hello')]));
    far.send(frame);
  });
  await transport.send(frameWith(Buffer.alloc(3)));
  await until(() => frames.length === 1);
  expect(ends).toEqual([]);
});

test('grpc: a call the server ends with trailers is over', async () => {
  const server = createHttp2();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () =>
      stream.sendTrailers({ 'grpc-status': '1', 'grpc-message': 'service closed' }),
    );
    stream.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => new Promise((resolve) => server.close(resolve)));
  const ends: unknown[] = [];
  const transport = await openTransport(
    {
      kind: 'grpc',
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      security: 'clear',
      secureContext: createSecureContext(),
      serverIdentity: 's',
      acceptHostName: false,
      rootName: 'r',
    },
    { onFrame: () => undefined, onClose: (cause) => ends.push(cause) },
    { stepTimeoutMs: 2000 },
  );
  await until(() => ends.length === 1);
  transport.close();
});

test('the schemes a kit may name', () => {
  const names = [
    'tcp',
    'stcp',
    'atcp',
    'satcp',
    'http',
    'https',
    'ws',
    'wss',
    'grpc',
    'grpcs',
    'agrpc',
    'agrpcs',
    'HTTP',
    'udp',
  ];
  expect(names.map(transportKindOf)).toEqual([
    'tcp',
    'tcp',
    'tcp',
    'tcp',
    'http',
    'http',
    'http',
    'http',
    'grpc',
    'grpc',
    'grpc',
    'grpc',
    'http',
    undefined,
  ]);
});
