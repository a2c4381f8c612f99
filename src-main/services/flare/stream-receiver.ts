/** The receiving side of streams (docs/reference/admin-protocol.md §5.2). */
import { limits } from './limits.ts';
import type { MsgpackMap } from './msgpack.ts';
import { ackIntervalBytes } from './profiles.ts';
import { chunkKind, countOf, type PostChunk, streamTopic, textOf } from './streams.ts';

const nothing = Buffer.alloc(0);

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
  /** By origin and number: two cells may use the same number. */
  readonly #open = new Map<string, Incoming>();
  /** Finished streams: what to say again when their chunks come again. */
  readonly #finished = new Map<string, { sequence: number; bytes: number }>();

  constructor(post: PostChunk, events: ReceiverEvents) {
    this.#post = post;
    this.#events = events;
  }

  /** Takes a `sm__DATA` message. Throws ProtocolError when its headers make no sense. */
  accept(headers: MsgpackMap, payload: Uint8Array): void {
    const id: StreamId = { number: countOf(headers, 'sm__id'), ...originOf(headers) };
    const kind = countOf(headers, 'sm__dt');
    const finished = this.#finished.get(keyOf(id));
    if (finished !== undefined) {
      this.#acknowledge(id, finished.bytes, finished.sequence);
      return;
    }
    if (kind === chunkKind.error) {
      const open = this.#open.get(keyOf(id));
      this.#open.delete(keyOf(id));
      if (open !== undefined) this.#events.failed(open.headers, textOf(headers, 'sm__em'));
      return;
    }
    if (kind !== chunkKind.chunk && kind !== chunkKind.final) return;
    const stream = this.#open.get(keyOf(id)) ?? this.#begin(id, headers);
    if (stream !== undefined)
      this.#take(id, stream, countOf(headers, 'sm__sq'), payload, kind === chunkKind.final);
  }

  #begin(id: StreamId, headers: MsgpackMap): Incoming | undefined {
    if (!this.#events.wants(headers)) {
      this.#refuse(
        id,
        `No callback is registered for ${textOf(headers, 'sm__ch')}:${textOf(headers, 'sm__tp')}`,
      );
      return undefined;
    }
    const size = countOf(headers, 'sm__sz');
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
    this.#open.set(keyOf(id), stream);
    return stream;
  }

  #take(id: StreamId, stream: Incoming, sequence: number, payload: Uint8Array, final: boolean): void {
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
            ? `${stream.bytes} bytes arrived, ${countOf(stream.headers, 'sm__sz')} were announced`
            : undefined;
    if (reason !== undefined) {
      this.#open.delete(keyOf(id));
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

  #finish(id: StreamId, stream: Incoming): void {
    this.#open.delete(keyOf(id));
    const sequence = stream.nextSequence - 1;
    this.#finished.set(keyOf(id), { sequence, bytes: stream.bytes });
    if (this.#finished.size > limits.rememberedStreams) {
      this.#finished.delete(this.#finished.keys().next().value!);
    }
    this.#acknowledge(id, stream.bytes, sequence);
    const blob = stream.chunks.length === 1 ? stream.chunks[0]! : Buffer.concat(stream.chunks, stream.bytes);
    this.#events.complete({ headers: stream.headers, blob });
  }

  #acknowledge(id: StreamId, bytes: number, sequence: number): void {
    const headers = { sm__id: id.number, sm__dt: chunkKind.ack, sm__os: bytes, sm__sq: sequence };
    void this.#post(streamTopic.ack, headers, nothing, 'none', id.origin);
  }

  #refuse(id: StreamId, reason: string): void {
    const headers = { sm__id: id.number, sm__dt: chunkKind.error, sm__em: reason };
    void this.#post(streamTopic.ack, headers, nothing, 'none', id.origin);
  }
}

interface StreamId {
  number: number;
  /** The cell that sends it; missing when the message does not say. */
  origin?: string;
}

const originOf = ({ cn__origin: origin }: MsgpackMap): { origin?: string } =>
  typeof origin === 'string' ? { origin } : {};

const keyOf = ({ number, origin = '' }: StreamId): string => `${number} ${origin}`;

function wrongSize(stream: Incoming): boolean {
  const announced = countOf(stream.headers, 'sm__sz');
  return announced !== 0 && announced !== stream.bytes;
}
