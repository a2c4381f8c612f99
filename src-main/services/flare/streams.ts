/** Streams: one blob in numbered chunks, with acknowledgement (docs/reference/admin-protocol.md §5). */
import { ProtocolError } from './errors.ts';
import { limits } from './limits.ts';
import type { MsgpackMap } from './msgpack.ts';
import { ackIntervalBytes, chunkBytes, windowBytes } from './profiles.ts';

export const streamChannel = 'sm__STREAM';
export const streamTopic = { data: 'sm__DATA', ack: 'sm__ACK', error: 'sm__ERROR' } as const;
export const chunkKind = { chunk: 1, final: 2, ack: 3, error: 6 } as const;

const nothing = Buffer.alloc(0);

/** Posts one stream message; adds the cell's own headers. Resolves when it is handed on. */
export type PostChunk = (
  topic: string,
  headers: MsgpackMap,
  payload: Uint8Array,
  encoding: 'bytes' | 'none',
) => Promise<void>;

/** A blob that arrived whole. `headers` are those of its first chunk. */
export interface ReceivedStream {
  headers: MsgpackMap;
  blob: Uint8Array;
}

export interface ReceiverEvents {
  /** Whether somebody waits for this stream. */
  wants(headers: MsgpackMap): boolean;
  /** A chunk of a wanted stream arrived. */
  progress(headers: MsgpackMap): void;
  complete(stream: ReceivedStream): void;
  /** A wanted stream broke. */
  failed(headers: MsgpackMap, reason: string): void;
}

interface Incoming {
  headers: MsgpackMap;
  chunks: Uint8Array[];
  bytes: number;
  nextSequence: number;
  waiting: Map<number, { payload: Uint8Array; final: boolean }>;
  waitingBytes: number;
  acknowledged: number;
}

/**
 * Puts the chunks of the server's streams together. Acknowledges every 4 MiB and the final chunk, always with offset
 * and number: the rule that is right for every server version (§5.2).
 */
export class StreamReceiver {
  readonly #post: PostChunk;
  readonly #events: ReceiverEvents;
  readonly #open = new Map<number, Incoming>();
  /** Finished streams: what to say again when their chunks come again. */
  readonly #finished = new Map<number, { sequence: number; bytes: number }>();

  constructor(post: PostChunk, events: ReceiverEvents) {
    this.#post = post;
    this.#events = events;
  }

  /** Takes a `sm__DATA` message. Throws ProtocolError when its headers make no sense. */
  accept(headers: MsgpackMap, payload: Uint8Array): void {
    const id = numberOf(headers, 'sm__id');
    const kind = numberOf(headers, 'sm__dt');
    const finished = this.#finished.get(id);
    if (finished !== undefined) {
      this.#acknowledge(id, finished.bytes, finished.sequence);
      return;
    }
    if (kind === chunkKind.error) {
      const open = this.#open.get(id);
      this.#open.delete(id);
      if (open !== undefined) this.#events.failed(open.headers, textOf(headers, 'sm__em'));
      return;
    }
    if (kind !== chunkKind.chunk && kind !== chunkKind.final) return;
    const stream = this.#open.get(id) ?? this.#begin(id, headers);
    if (stream !== undefined)
      this.#take(id, stream, numberOf(headers, 'sm__sq'), payload, kind === chunkKind.final);
  }

  #begin(id: number, headers: MsgpackMap): Incoming | undefined {
    if (!this.#events.wants(headers)) {
      this.#refuse(
        id,
        `No callback is registered for ${textOf(headers, 'sm__ch')}:${textOf(headers, 'sm__tp')}`,
      );
      return undefined;
    }
    const size = numberOf(headers, 'sm__sz');
    if (size > limits.streamBytes || this.#open.size >= limits.openStreams) {
      const reason =
        size > limits.streamBytes ? `a stream of ${size} bytes is too large` : 'too many open streams';
      this.#refuse(id, reason);
      this.#events.failed(headers, reason);
      return undefined;
    }
    const stream: Incoming = {
      headers,
      chunks: [],
      bytes: 0,
      nextSequence: 0,
      waiting: new Map(),
      waitingBytes: 0,
      acknowledged: 0,
    };
    this.#open.set(id, stream);
    return stream;
  }

  #take(id: number, stream: Incoming, sequence: number, payload: Uint8Array, final: boolean): void {
    if (sequence < stream.nextSequence) {
      this.#acknowledge(id, stream.bytes, stream.nextSequence - 1);
      return;
    }
    if (!stream.waiting.has(sequence)) {
      stream.waiting.set(sequence, { payload, final });
      stream.waitingBytes += payload.length;
    }
    const isLast = this.#drain(stream);
    const reason =
      stream.bytes + stream.waitingBytes > limits.streamBytes
        ? `a stream of more than ${limits.streamBytes} bytes is too large`
        : stream.waiting.size > limits.waitingChunks
          ? 'too many chunks out of order'
          : isLast && wrongSize(stream)
            ? `${stream.bytes} bytes arrived, ${numberOf(stream.headers, 'sm__sz')} were announced`
            : undefined;
    if (reason !== undefined) {
      this.#open.delete(id);
      this.#refuse(id, reason);
      this.#events.failed(stream.headers, reason);
      return;
    }
    if (isLast) this.#finish(id, stream);
    else {
      if (stream.bytes - stream.acknowledged >= ackIntervalBytes) {
        stream.acknowledged = stream.bytes;
        this.#acknowledge(id, stream.bytes, stream.nextSequence - 1);
      }
      this.#events.progress(stream.headers);
    }
  }

  /** Moves what is in order from `waiting` to `chunks`; true when the final chunk was among it. */
  #drain(stream: Incoming): boolean {
    for (;;) {
      const next = stream.waiting.get(stream.nextSequence);
      if (next === undefined) return false;
      stream.waiting.delete(stream.nextSequence);
      stream.waitingBytes -= next.payload.length;
      stream.chunks.push(next.payload);
      stream.bytes += next.payload.length;
      stream.nextSequence += 1;
      if (next.final) return true;
    }
  }

  #finish(id: number, stream: Incoming): void {
    this.#open.delete(id);
    const sequence = stream.nextSequence - 1;
    this.#finished.set(id, { sequence, bytes: stream.bytes });
    if (this.#finished.size > limits.rememberedStreams) {
      this.#finished.delete(this.#finished.keys().next().value!);
    }
    this.#acknowledge(id, stream.bytes, sequence);
    const blob = stream.chunks.length === 1 ? stream.chunks[0]! : Buffer.concat(stream.chunks, stream.bytes);
    this.#events.complete({ headers: stream.headers, blob });
  }

  #acknowledge(id: number, bytes: number, sequence: number): void {
    const headers = { sm__id: id, sm__dt: chunkKind.ack, sm__os: bytes, sm__sq: sequence };
    void this.#post(streamTopic.ack, headers, nothing, 'none');
  }

  #refuse(id: number, reason: string): void {
    void this.#post(
      streamTopic.ack,
      { sm__id: id, sm__dt: chunkKind.error, sm__em: reason },
      nothing,
      'none',
    );
  }
}

export interface OutgoingStream {
  channel: string;
  topic: string;
  /** Present when a reply is wanted. */
  requestId?: string;
  blob: Uint8Array;
  /** Application headers, repeated on every chunk. */
  headers?: MsgpackMap;
}

interface Sending {
  requestId: string | undefined;
  acknowledged: number;
  failure: Error | undefined;
  wake: () => void;
}

/** Sends blobs as chunks, never more than the window ahead of the acknowledgements. */
export class StreamSender {
  readonly #post: PostChunk;
  readonly #sending = new Map<number, Sending>();
  #nextId: number;

  /** @param firstId unlike any other sender's: microseconds since the epoch and some chance (§5.1) */
  constructor(post: PostChunk, firstId: number) {
    this.#post = post;
    this.#nextId = firstId;
  }

  /**
   * Sends the blob; resolves when its last chunk is handed on. A stream that wants a reply stays known until `release`,
   * because the server may refuse it later.
   * @throws ProtocolError when the server refuses the stream, or it is released
   */
  async send(stream: OutgoingStream, onAcknowledged?: () => void): Promise<void> {
    const id = this.#nextId++;
    const total = stream.blob.length;
    const state: Sending = {
      requestId: stream.requestId,
      acknowledged: 0,
      failure: undefined,
      wake: () => undefined,
    };
    this.#sending.set(id, state);
    try {
      let offset = 0;
      let sequence = 0;
      do {
        while (offset - state.acknowledged >= windowBytes && state.failure === undefined) {
          await new Promise<void>((resolve) => (state.wake = resolve));
          onAcknowledged?.();
        }
        if (state.failure !== undefined) throw state.failure;
        const chunk = stream.blob.subarray(offset, offset + chunkBytes);
        const isLast = offset + chunk.length >= total;
        const headers: MsgpackMap = {
          ...stream.headers,
          sm__id: id,
          sm__ch: stream.channel,
          sm__tp: stream.topic,
          sm__sz: total,
          sm__sq: sequence++,
          sm__os: offset,
          sm__dt: isLast ? chunkKind.final : chunkKind.chunk,
          sm__pe: 'fobs',
          ...(stream.requestId === undefined ? {} : { sm__ri: stream.requestId }),
        };
        await this.#post(streamTopic.data, headers, chunk, 'bytes');
        offset += chunk.length;
      } while (offset < total);
    } finally {
      // One that waits for a reply stays known: a server that refuses it says so on the acknowledgement topic.
      if (stream.requestId === undefined || state.failure !== undefined) this.#sending.delete(id);
    }
  }

  /** Takes a `sm__ACK` or `sm__ERROR` message. Gives the request it ends, when it is an error. */
  accept(headers: MsgpackMap): { requestId: string | undefined; reason: string } | undefined {
    const id = numberOf(headers, 'sm__id');
    const state = this.#sending.get(id);
    if (state === undefined) return undefined;
    if (headers['sm__dt'] === chunkKind.error) {
      const reason = textOf(headers, 'sm__em');
      state.failure = new ProtocolError(reason);
      this.#sending.delete(id);
      state.wake();
      return { requestId: state.requestId, reason };
    }
    const offset = numberOf(headers, 'sm__os');
    if (offset > state.acknowledged) state.acknowledged = offset;
    state.wake();
    return undefined;
  }

  /** Forgets the stream of a request that is answered or given up; one still being sent stops. */
  release(requestId: string): void {
    for (const [id, state] of this.#sending) {
      if (state.requestId !== requestId) continue;
      this.#sending.delete(id);
      state.failure = new ProtocolError('given up');
      state.wake();
    }
  }
}

function wrongSize(stream: Incoming): boolean {
  const announced = numberOf(stream.headers, 'sm__sz');
  return announced !== 0 && announced !== stream.bytes;
}

function numberOf(headers: MsgpackMap, name: string): number {
  const value = headers[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new ProtocolError(`stream header ${name} is not a count`);
  }
  return value;
}

function textOf(headers: MsgpackMap, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value.slice(0, 500) : '';
}
