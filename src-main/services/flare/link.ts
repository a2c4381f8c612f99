/** An SFM connection: handshake, frames, heartbeat (docs/reference/admin-protocol.md §3). */
import { DeskError } from '../../contract/errors.ts';
import { ProtocolError, reasonOf, SessionStepError, type SessionStep } from './errors.ts';
import { decodeMsgpackMap, encodeMsgpack, type MsgpackMap } from './msgpack.ts';
import { decodeFrame, encodeFrame, frameType } from './sfm.ts';
import {
  closedEarly,
  isTlsError,
  openTransport,
  tlsErrorOf,
  type Transport,
  type TransportTarget,
} from './transport/index.ts';
import { within } from './wait.ts';

const firstStreamId = 17;
const cellnetApp = 1;
const nil = Buffer.from([0xc0]);
const nothing = Buffer.alloc(0);
export const serverName = 'server';

export interface LinkOptions {
  /** Our cell name. */
  fqcn: string;
  /** For each step up to hello. */
  stepTimeoutMs: number;
  /** A PING goes out after this time; two in a row without any frame from the server end the link. */
  pingMs: number;
  now: () => number;
  signal?: AbortSignal | undefined;
  onStep?: ((step: SessionStep) => void) | undefined;
}

export interface LinkEvents {
  onMessage(headers: MsgpackMap, payload: Uint8Array): void;
  /** Called once, when the link is gone for whatever reason but our own `close`. The reason is for a person. */
  onClose(cause: DeskError): void;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #target: TransportTarget;
  /** Missing only until the transport is open. */
  #transport: Transport | undefined;
  #events: LinkEvents | undefined;
  #sequence = 0;
  #streamId = firstStreamId - 1;
  #heartbeat: NodeJS.Timeout | undefined;
  #probe: NodeJS.Timeout | undefined;
  #heardSincePing = true;
  #silentPings = 0;
  #closed = false;
  #ready: { resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(target: TransportTarget, options: LinkOptions) {
    this.#target = target;
    this.#options = options;
  }

  /**
   * Connects and shakes hands.
   * @throws SessionStepError of step resolve, connect, tls, open or hello; DeskError `cancelled`
   */
  static async open(target: TransportTarget, options: LinkOptions): Promise<Link> {
    const link = new Link(target, options);
    link.#transport = await openTransport(
      target,
      { onFrame: (frame) => link.#receive(frame), onClose: (cause) => link.#lost(cause) },
      options,
    );
    await link.#hello();
    return link;
  }

  /** Where messages go from now on; those that came before are gone, as the server sends none before a request. */
  attach(events: LinkEvents): void {
    this.#events = events;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends a cell message. Resolves when it is handed on; never rejects. Throws ProtocolError when it is too long. */
  send(headers: MsgpackMap, payload: Uint8Array): Promise<void> {
    return this.#sendFrame(frameType.data, cellnetApp, this.#nextStreamId(), headers, payload);
  }

  /** Asks for a sign of life at once: without one within `ms` the link is given up, as after silent keep-alive messages. */
  probe(ms: number): void {
    if (this.#closed || this.#probe !== undefined) return;
    this.#probe = setTimeout(
      () => this.#lost(new ProtocolError(`it gave no sign of life for ${ms / 1000} s`)),
      ms,
    );
    this.#probe.unref();
    void this.#sendFrame(frameType.ping, 0, this.#nextStreamId(), undefined, nil);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#probe);
    this.#transport?.close();
  }

  async #hello(): Promise<void> {
    const { fqcn, stepTimeoutMs, signal, onStep, now } = this.#options;
    const place = `${this.#target.host}:${this.#target.port}`;
    onStep?.('hello');
    const answered = new Promise<void>((resolve, reject) => {
      this.#ready = { resolve, reject };
    });
    if (this.#closed) this.#ready?.reject(closedEarly());
    const payload = encodeMsgpack({ endpoint_name: fqcn, timestamp: now() / 1000, fqcn });
    void this.#sendFrame(frameType.hello, 0, 1, undefined, payload);
    try {
      await within(answered, {
        ms: stepTimeoutMs,
        signal,
        timeout: () =>
          new SessionStepError(
            'hello',
            'timeout',
            `${place} is connected but does not answer as a FLARE server.`,
            {
              retryable: true,
              hint: 'The server may hang, or another service uses this port.',
            },
          ),
      });
    } catch (error) {
      this.close();
      if (error instanceof DeskError) throw error;
      if (isTlsError(error)) throw tlsErrorOf(error, this.#target);
      throw new SessionStepError(
        'hello',
        error instanceof ProtocolError ? 'remote_failed' : 'unreachable',
        `${place} does not answer as a FLARE server: ${reasonOf(error)}.`,
        {
          retryable: true,
          hint: 'A server that is starting or stopping closes connections. Else compare scheme, port and connection_security of the kit with the server.',
          cause: error,
        },
      );
    } finally {
      this.#ready = undefined;
    }
    this.#heartbeat = setInterval(() => this.#beat(), this.#options.pingMs);
  }

  #receive(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    this.#heardSincePing = true;
    clearTimeout(this.#probe);
    this.#probe = undefined;
    switch (frame.type) {
      case frameType.data:
        if (frame.headers !== undefined) this.#events?.onMessage(frame.headers, frame.payload);
        return;
      case frameType.ready:
        this.#greeted(frame.payload);
        return;
      case frameType.ping:
        void this.#sendFrame(frameType.pong, 0, this.#nextStreamId(), undefined, nil);
        return;
      case frameType.pong:
        return;
      default:
        throw new ProtocolError(`SFM: a frame of type ${frame.type} is not part of this dialogue`);
    }
  }

  #greeted(payload: Uint8Array): void {
    const name = decodeMsgpackMap(payload)['fqcn'];
    if (name !== serverName) {
      throw new ProtocolError(`it is the cell "${String(name).slice(0, 80)}", not a server`);
    }
    this.#ready?.resolve();
  }

  #beat(): void {
    this.#silentPings = this.#heardSincePing ? 0 : this.#silentPings + 1;
    if (this.#silentPings >= 2) {
      this.#lost(new ProtocolError('it does not answer keep-alive messages any more'));
      return;
    }
    this.#heardSincePing = false;
    void this.#sendFrame(frameType.ping, 0, this.#nextStreamId(), undefined, nil);
  }

  #lost(cause: Error | undefined): void {
    if (this.#closed) return;
    this.close();
    if (this.#ready !== undefined) {
      this.#ready.reject(cause ?? closedEarly());
      return;
    }
    const place = `${this.#target.host}:${this.#target.port}`;
    const reason = cause === undefined ? 'it closed the connection' : reasonOf(cause);
    this.#events?.onClose(
      new DeskError('unreachable', `The connection to the server at ${place} is lost: ${reason}.`, {
        retryable: true,
        hint: 'The session connects again by itself when the server is back.',
        cause,
      }),
    );
  }

  #nextStreamId(): number {
    this.#streamId = (this.#streamId + 1) & 0xffff;
    return this.#streamId;
  }

  #sendFrame(
    type: number,
    appId: number,
    streamId: number,
    headers: MsgpackMap | undefined,
    payload: Uint8Array,
  ): Promise<void> {
    if (this.#closed || this.#transport === undefined) return Promise.resolve();
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return this.#transport.send(
      encodeFrame({
        type,
        flags: 0,
        appId,
        streamId,
        sequence: this.#sequence,
        headers,
        payload: payload ?? nothing,
      }),
    );
  }
}
