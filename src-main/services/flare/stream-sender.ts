/** The sending side of streams (docs/reference/admin-protocol.md §5.1, §5.2). */
import { ProtocolError } from './errors.ts';
import type { MsgpackMap } from './msgpack.ts';
import { chunkBytes, windowBytes } from './profiles.ts';
import { chunkKind, countOf, type PostChunk, streamTopic, textOf } from './streams.ts';

export interface OutgoingStream {
  channel: string;
  topic: string;
  /** Present when a reply is wanted. */
  requestId?: string;
  blob: Uint8Array;
  /** Application headers, repeated on every chunk. */
  headers?: MsgpackMap;
  /** The cell it goes to; the server when missing. */
  destination?: string | undefined;
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
        await this.#post(streamTopic.data, headers, chunk, 'bytes', stream.destination);
        offset += chunk.length;
      } while (offset < total);
    } finally {
      // One that waits for a reply stays known: a server that refuses it says so on the acknowledgement topic.
      if (stream.requestId === undefined || state.failure !== undefined) this.#sending.delete(id);
    }
  }

  /** Takes a `sm__ACK` or `sm__ERROR` message. Gives the request it ends, when it is an error. */
  accept(headers: MsgpackMap): { requestId: string | undefined; reason: string } | undefined {
    const id = countOf(headers, 'sm__id');
    const state = this.#sending.get(id);
    if (state === undefined) return undefined;
    if (headers['sm__dt'] === chunkKind.error) {
      const reason = textOf(headers, 'sm__em');
      state.failure = new ProtocolError(reason);
      this.#sending.delete(id);
      state.wake();
      return { requestId: state.requestId, reason };
    }
    const offset = countOf(headers, 'sm__os');
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
