import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src-main/services/flare/limits.ts';
import type { MsgpackMap } from '../../../../src-main/services/flare/msgpack.ts';
import { StreamReceiver } from '../../../../src-main/services/flare/stream-receiver.ts';
import { StreamSender } from '../../../../src-main/services/flare/stream-sender.ts';

const MiB = 1024 * 1024;

interface Posted {
  topic: string;
  headers: MsgpackMap;
  size: number;
}

function sender(): { sender: StreamSender; posted: Posted[] } {
  const posted: Posted[] = [];
  const post = (topic: string, headers: MsgpackMap, payload: Uint8Array): Promise<void> => {
    posted.push({ topic, headers, size: payload.length });
    return Promise.resolve();
  };
  return { sender: new StreamSender(post, 1000), posted };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('sending', () => {
  test.each([
    [0, [0]],
    [1, [1]],
    [MiB, [MiB]],
    [MiB + 1, [MiB, 1]],
    [2 * MiB, [MiB, MiB]],
  ])('%i bytes go as chunks of %j', async (size, sizes) => {
    const { sender: made, posted } = sender();
    await made.send({
      channel: 'c',
      topic: 't',
      requestId: 'r',
      blob: Buffer.alloc(size),
      headers: { study: 's' },
    });
    expect(posted.map((message) => message.size)).toEqual(sizes);
    posted.forEach(({ headers }, index) => {
      const isLast = index === posted.length - 1;
      expect(headers).toEqual({
        study: 's',
        sm__id: 1000,
        sm__ch: 'c',
        sm__tp: 't',
        sm__ri: 'r',
        sm__pe: 'fobs',
        sm__sz: size,
        sm__sq: index,
        sm__os: index * MiB,
        sm__dt: isLast ? 2 : 1,
      });
    });
  });

  test('every stream has an id of its own', async () => {
    const { sender: made, posted } = sender();
    for (let index = 0; index < 3; index += 1)
      await made.send({ channel: 'c', topic: 't', blob: Buffer.alloc(1) });
    expect(posted.map(({ headers }) => headers['sm__id'])).toEqual([1000, 1001, 1002]);
  });

  test('never more than 16 MiB ahead of the acknowledgements', async () => {
    const { sender: made, posted } = sender();
    let progress = 0;
    const sending = made.send(
      { channel: 'c', topic: 't', requestId: 'r', blob: Buffer.alloc(40 * MiB) },
      () => (progress += 1),
    );
    for (const [acknowledged, sent] of [
      [0, 16],
      [4, 20],
      [4, 20],
      [20, 36],
      [30, 40],
    ] as const) {
      if (acknowledged > 0) made.accept({ sm__id: 1000, sm__dt: 3, sm__os: acknowledged * MiB });
      await settled();
      expect(posted.length).toBe(sent);
    }
    await sending;
    expect(progress).toBeGreaterThan(2);
  });

  test('an error from the server, or giving up, ends one that waits', async () => {
    const { sender: made } = sender();
    const refused = made.send({ channel: 'c', topic: 't', requestId: 'r', blob: Buffer.alloc(20 * MiB) });
    await settled();
    expect(made.accept({ sm__id: 1000, sm__dt: 6, sm__em: 'no room' })).toEqual({
      requestId: 'r',
      reason: 'no room',
    });
    await expect(refused).rejects.toThrow('no room');
    const released = made.send({ channel: 'c', topic: 't', requestId: 'q', blob: Buffer.alloc(20 * MiB) });
    await settled();
    made.release('q');
    await expect(released).rejects.toThrow('given up');
  });

  test('a late refusal reaches the request; messages about strangers and rubbish do not', async () => {
    const { sender: made } = sender();
    await made.send({ channel: 'c', topic: 't', requestId: 'r', blob: Buffer.alloc(1) });
    expect(made.accept({ sm__id: 5, sm__dt: 6, sm__em: 'x' })).toBeUndefined();
    expect(() => made.accept({ sm__dt: 6 })).toThrow(/sm__id/);
    expect(made.accept({ sm__id: 1000, sm__dt: 6, sm__em: 'No callback' })).toMatchObject({ requestId: 'r' });
    expect(made.accept({ sm__id: 1000, sm__dt: 6, sm__em: 'again' })).toBeUndefined();
  });
});

function receiver(wanted = true) {
  const posted: Posted[] = [];
  const done: Buffer[] = [];
  const failed: string[] = [];
  const post = (topic: string, headers: MsgpackMap, payload: Uint8Array): Promise<void> => {
    posted.push({ topic, headers, size: payload.length });
    return Promise.resolve();
  };
  const made = new StreamReceiver(post, {
    wants: () => wanted,
    progress: () => undefined,
    complete: ({ blob }) => done.push(Buffer.from(blob)),
    failed: (_headers, reason) => failed.push(reason),
  });
  return { receiver: made, posted, done, failed };
}

function chunksOf(blob: Buffer, size: number, id = 7): { headers: MsgpackMap; payload: Buffer }[] {
  const count = Math.max(1, Math.ceil(blob.length / size));
  return Array.from({ length: count }, (_, index) => ({
    headers: {
      sm__id: id,
      sm__ch: 'return_only',
      sm__tp: 'x',
      sm__ri: 'r',
      sm__sz: blob.length,
      sm__sq: index,
      sm__os: index * size,
      sm__dt: index === count - 1 ? 2 : 1,
    },
    payload: blob.subarray(index * size, (index + 1) * size),
  }));
}

describe('receiving', () => {
  test('any order, with repetitions, gives the same blob once', () => {
    const scenario = fc.uint8Array({ minLength: 0, maxLength: 600 }).chain((bytes) =>
      fc.integer({ min: 10, max: 100 }).chain((size) => {
        const chunks = chunksOf(Buffer.from(bytes), size);
        const indexes = chunks.map((_, index) => index);
        return fc.record({
          bytes: fc.constant(Buffer.from(bytes)),
          chunks: fc.constant(chunks),
          order: fc.shuffledSubarray(indexes, { minLength: indexes.length, maxLength: indexes.length }),
          again: fc.array(fc.constantFrom(...indexes), { maxLength: 10 }),
        });
      }),
    );
    fc.assert(
      fc.property(scenario, ({ bytes, chunks, order, again }) => {
        const { receiver: made, posted, done, failed } = receiver();
        const sequence = [...order.slice(0, 3), ...again, ...order];
        for (const index of sequence) made.accept(chunks[index]!.headers, chunks[index]!.payload);
        expect(failed).toEqual([]);
        expect(done).toEqual([bytes]);
        expect(posted.at(-1)).toMatchObject({
          topic: 'sm__ACK',
          headers: { sm__id: 7, sm__dt: 3, sm__os: bytes.length, sm__sq: chunks.length - 1 },
        });
      }),
    );
  });

  test('an acknowledgement every 4 MiB, and for the end', () => {
    const { receiver: made, posted, done } = receiver();
    for (const { headers, payload } of chunksOf(Buffer.alloc(10 * MiB), MiB)) made.accept(headers, payload);
    expect(posted.map(({ headers }) => [headers['sm__os'], headers['sm__sq']])).toEqual([
      [4 * MiB, 3],
      [8 * MiB, 7],
      [10 * MiB, 9],
    ]);
    expect(done[0]!.length).toBe(10 * MiB);
  });

  test('what nobody wants is refused with a reason', () => {
    const { receiver: made, posted, done } = receiver(false);
    made.accept(chunksOf(Buffer.alloc(5), 5)[0]!.headers, Buffer.alloc(5));
    expect(posted).toMatchObject([
      { topic: 'sm__ACK', headers: { sm__dt: 6, sm__em: expect.stringContaining('No callback') as string } },
    ]);
    expect(done).toEqual([]);
  });

  test('sizes beyond the limits are refused, whether announced or not', () => {
    const announced = receiver();
    announced.receiver.accept(
      { ...chunksOf(Buffer.alloc(5), 5)[0]!.headers, sm__sz: limits.streamBytes + 1 },
      Buffer.alloc(5),
    );
    expect(announced.failed[0]).toMatch(/too large/);
    const grown = receiver();
    const piece = Buffer.alloc(32 * MiB);
    for (let index = 0; index <= limits.streamBytes / piece.length; index += 1) {
      grown.receiver.accept(
        { sm__id: 7, sm__ch: 'c', sm__tp: 't', sm__sz: 0, sm__sq: index, sm__dt: 1 },
        piece,
      );
    }
    expect(grown.failed[0]).toMatch(/too large/);
    const many = receiver();
    for (let id = 0; id <= limits.openStreams; id += 1) {
      many.receiver.accept(
        { sm__id: id, sm__ch: 'c', sm__tp: 't', sm__sz: 0, sm__sq: 0, sm__dt: 1 },
        Buffer.alloc(1),
      );
    }
    expect(many.failed).toEqual(['too many open streams']);
  });

  test('headers that are no counts break the connection, not the process', () => {
    const { receiver: made } = receiver();
    const rubbish = fc.anything();
    fc.assert(
      fc.property(rubbish, rubbish, rubbish, rubbish, (id, kind, sequence, size) => {
        try {
          made.accept({ sm__id: id, sm__dt: kind, sm__sq: sequence, sm__sz: size }, Buffer.alloc(3));
        } catch (error) {
          expect(error).toHaveProperty('name', 'ProtocolError');
        }
      }),
    );
  });
});
