/** Cell messages: requests and replies, plain or as streams, over one link (docs/reference/admin-protocol.md §4.1, §4.2). */
import { randomInt, randomUUID } from 'node:crypto';
import type { Logger } from '../../ports.ts';
import type { DeskError } from '../../contract/errors.ts';
import { ProtocolError } from './errors.ts';
import { type Link, serverName } from './link.ts';
import type { MsgpackMap } from './msgpack.ts';
import {
  type CellReply,
  type PendingRequest,
  PendingRequests,
  type RequestOptions,
} from './pending-requests.ts';
import { StreamReceiver } from './stream-receiver.ts';
import { StreamSender } from './stream-sender.ts';
import { type PostChunk, streamChannel, streamTopic } from './streams.ts';

const nothing = Buffer.alloc(0);
const byeChannel = 'cellnet.channel';
const returnChannel = 'return_only';

/** What makes our messages acceptable to the server and the server's to us. Outlives a link. */
export interface CellAuth {
  /** client_name, ssid, token and its signature; undefined before register (§4.4). */
  headers: MsgpackMap | undefined;
  /** Whether a message carries the server's own signed name; undefined until its certificate is known. */
  isFromServer: ((headers: MsgpackMap) => boolean) | undefined;
  /** Whether a message carries the name of that site, signed by the server; missing where sites are not spoken with. */
  isFromSite?: ((fqcn: string, headers: MsgpackMap) => boolean) | undefined;
}

export interface CellEvents {
  /** A stream nobody asked for, on a channel of ours. */
  onNotice(channel: string, topic: string, blob: Uint8Array): void;
  /** The server says goodbye. */
  onBye(): void;
  onClose(cause: DeskError): void;
}

export class Cell {
  readonly #link: Link;
  readonly #fqcn: string;
  readonly #auth: CellAuth;
  readonly #events: CellEvents;
  readonly #noticeChannels: ReadonlySet<string>;
  readonly #logger: Logger | undefined;
  readonly #pending: PendingRequests;
  readonly #receiver: StreamReceiver;
  readonly #sender: StreamSender;

  constructor(
    link: Link,
    options: {
      fqcn: string;
      auth: CellAuth;
      noticeChannels: string[];
      now: () => number;
      logger?: Logger | undefined;
    },
    events: CellEvents,
  ) {
    this.#link = link;
    this.#pending = new PendingRequests(() => link.closed);
    this.#fqcn = options.fqcn;
    this.#auth = options.auth;
    this.#events = events;
    this.#noticeChannels = new Set(options.noticeChannels);
    this.#logger = options.logger;
    const post: PostChunk = (topic, headers, payload, encoding, destination) =>
      this.#send(
        {
          ...headers,
          ...this.#address(streamChannel, topic, destination),
          cn__req_id: '',
          cn__msg_type: 'req',
          cn__reply_expected: false,
          cn__payload_encoding: encoding,
          cn__payload_len: payload.length,
        },
        payload,
      );
    this.#sender = new StreamSender(post, Math.floor(options.now() * 1000) + randomInt(1_000_000));
    this.#receiver = new StreamReceiver(post, {
      wants: (headers) =>
        this.#asked(headers) !== undefined ||
        (headers['cn__origin'] === serverName && this.#noticeChannels.has(String(headers['sm__ch']))),
      progress: (headers) => this.#asked(headers)?.progress(),
      failed: (headers, reason) =>
        this.#asked(headers)?.reject(new ProtocolError(`the reply broke off: ${reason}`)),
      complete: ({ headers, blob }) => this.#streamArrived(headers, blob),
    });
    link.attach({
      onMessage: (headers, payload) => this.#receive(headers, payload),
      onClose: (cause) => {
        this.#pending.rejectAll(cause);
        events.onClose(cause);
      },
    });
  }

  get closed(): boolean {
    return this.#link.closed;
  }

  /** One message there, one back. */
  request(
    channel: string,
    topic: string,
    payload: Uint8Array | undefined,
    options: RequestOptions,
  ): Promise<CellReply> {
    const id = randomUUID();
    return this.#pending.await(id, options, () =>
      this.#send(
        {
          ...options.headers,
          ...this.#address(channel, topic, options.destination),
          cn__req_id: id,
          cn__msg_type: 'req',
          cn__reply_expected: true,
          cn__payload_encoding: payload === undefined ? 'none' : 'fobs',
          cn__payload_len: payload?.length ?? 0,
        },
        payload ?? nothing,
      ),
    );
  }

  /** A stream there, a stream back; `blob` is a FOBS container. */
  streamRequest(
    channel: string,
    topic: string,
    blob: Uint8Array,
    options: RequestOptions,
  ): Promise<CellReply> {
    const requestId = randomUUID();
    const { destination } = options;
    const stream = { channel, topic, requestId, blob, headers: options.headers ?? {}, destination };
    return this.#pending
      .await(requestId, options, () =>
        this.#sender.send(stream, () => this.#pending.get(requestId)?.progress()),
      )
      .finally(() => this.#sender.release(requestId));
  }

  /** A stream without an answer. */
  async streamNotice(channel: string, topic: string, blob: Uint8Array): Promise<void> {
    await this.#sender.send({ channel, topic, blob });
  }

  /** Says goodbye and waits for the answer, at most `timeoutMs`. Never throws. */
  async bye(timeoutMs: number): Promise<void> {
    await this.request(byeChannel, 'bye', undefined, { timeoutMs }).catch(() => undefined);
  }

  /** Gives the link up when the server shows no sign of life within `ms`. */
  probe(ms: number): void {
    this.#link.probe(ms);
  }

  /** Ends the link; requests in flight fail with `reason`. */
  close(reason: Error): void {
    this.#link.close();
    this.#pending.rejectAll(reason);
  }

  /** The request a stream answers, when it comes from the cell that was asked. */
  #asked(headers: MsgpackMap): PendingRequest | undefined {
    const pending = this.#pending.get(String(headers['sm__ri']));
    return pending !== undefined && pending.destination === headers['cn__origin'] ? pending : undefined;
  }

  #address(channel: string, topic: string, destination = serverName): MsgpackMap {
    return {
      cn__channel: channel,
      cn__topic: topic,
      cn__origin: this.#fqcn,
      cn__destination: destination,
      cn__from: this.#fqcn,
      cn__to: serverName,
      cn__secure: false,
      cn__optional: false,
    };
  }

  #send(headers: MsgpackMap, payload: Uint8Array): Promise<void> {
    return this.#link.send({ ...headers, ...this.#auth.headers }, payload);
  }

  #receive(headers: MsgpackMap, payload: Uint8Array): void {
    const type = headers['cn__msg_type'];
    // A request that cannot be delivered comes back unsigned; it can do no more than fail the request.
    if (type === 'return') return this.#replied({ ...headers, cn__return_code: failureOf(headers) }, nothing);
    if (headers['cn__destination'] !== this.#fqcn) return this.#drop('is addressed to another cell');
    const origin = headers['cn__origin'];
    const fromSite = typeof origin === 'string' && origin !== serverName && this.#pending.speaksWith(origin);
    if (fromSite) {
      if (this.#auth.isFromSite?.(origin, headers) !== true) {
        return this.#drop(`does not prove that it comes from "${origin}"`);
      }
      // A site may answer what it was asked, and nothing else.
      if (type === 'reply') this.#replied(headers, payload);
      else if (type === 'req' && headers['cn__channel'] === streamChannel) this.#requested(headers, payload);
      else this.#drop('was not asked for');
      return;
    }
    if (this.#auth.isFromServer !== undefined && !this.#auth.isFromServer(headers)) {
      return this.#drop('does not carry the signature of the server');
    }
    if (type === 'reply') this.#replied(headers, payload);
    else if (type === 'req') this.#requested(headers, payload);
    else this.#drop('is of an unknown kind');
  }

  #replied(headers: MsgpackMap, payload: Uint8Array): void {
    const origin = headers['cn__origin'];
    const ids = ([] as unknown[]).concat(headers['cn__req_id']);
    for (const id of ids) {
      const pending = this.#pending.get(String(id));
      if (pending === undefined) continue;
      // What comes back undelivered (`return`) has our own name as its origin; everything else is from who was asked.
      if (headers['cn__msg_type'] === 'reply' && origin !== undefined && origin !== pending.destination) {
        this.#drop('answers what another cell was asked');
        continue;
      }
      pending.resolve(replyOf(headers, payload));
    }
  }

  #requested(headers: MsgpackMap, payload: Uint8Array): void {
    const channel = headers['cn__channel'];
    const topic = headers['cn__topic'];
    if (channel === streamChannel) {
      // Before login the server has nothing to stream, and nothing proves that it is the server.
      if (this.#auth.isFromServer === undefined) return this.#drop('came before the login');
      if (topic === streamTopic.data) this.#receiver.accept(headers, payload);
      else {
        const broken = this.#sender.accept(headers);
        if (broken?.requestId !== undefined) {
          this.#pending.get(broken.requestId)?.resolve({
            returnCode: 'process_exception',
            error: broken.reason,
            headers,
            payload: nothing,
          });
        }
      }
      return;
    }
    const isBye = channel === byeChannel && topic === 'bye' && this.#auth.isFromServer !== undefined;
    if (headers['cn__reply_expected'] === true) {
      void this.#send(
        {
          ...this.#address(String(channel), String(topic)),
          cn__req_id: headers['cn__req_id'],
          cn__msg_type: 'reply',
          cn__reply_expected: false,
          cn__payload_encoding: 'none',
          cn__payload_len: 0,
          ...(isBye
            ? { cn__return_code: 'ok' }
            : { cn__return_code: 'process_exception', cn__error: 'no callback' }),
        },
        nothing,
      );
    }
    if (isBye) this.#events.onBye();
  }

  #streamArrived(headers: MsgpackMap, blob: Uint8Array): void {
    const pending = this.#asked(headers);
    if (pending !== undefined && headers['sm__ch'] === returnChannel) pending.resolve(replyOf(headers, blob));
    else if (headers['cn__origin'] === serverName && this.#noticeChannels.has(String(headers['sm__ch']))) {
      this.#events.onNotice(String(headers['sm__ch']), String(headers['sm__tp']), blob);
    }
  }

  #drop(reason: string): void {
    this.#logger?.warn(`A message was ignored: it ${reason}.`);
  }
}

function failureOf(headers: MsgpackMap): string {
  const code = headers['cn__return_code'];
  return typeof code === 'string' && code !== 'ok' ? code : 'comm_error';
}

function replyOf(headers: MsgpackMap, payload: Uint8Array): CellReply {
  const code = headers['cn__return_code'];
  const error = headers['cn__error'];
  return {
    returnCode: typeof code === 'string' ? code : 'ok',
    error: typeof error === 'string' ? error : '',
    headers,
    payload,
  };
}
