/**
 * A server that speaks the admin dialogue over tcp and can go wrong at any step. The right dialogue itself is proven by
 * the captured sessions and by real servers; this peer is for what those never do.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { decodeFobs, encodeFobs, shareable } from '../../../../../src-main/services/flare/fobs.ts';
import {
  decodeMsgpack,
  encodeMsgpack,
  isMap,
  type MsgpackMap,
} from '../../../../../src-main/services/flare/msgpack.ts';
import {
  decodeFrame,
  encodeFrame,
  frameLength,
  frameType,
} from '../../../../../src-main/services/flare/sfm.ts';
import { Splitter } from '../../../../../src-main/services/flare/transport/splitter.ts';
import { signPss } from '../../../../../src-main/services/pki/pss.ts';
import type { Party, TestProject } from './project.ts';

export type Step = 'hello' | 'challenge' | 'register' | 'login' | 'commands' | 'command' | 'ping';

export interface FakeOptions {
  project: TestProject;
  server: Party;
  /** What the session token says beside user, role, org and session. */
  tokenExtra?: MsgpackMap;
  security?: 'mtls' | 'tls' | 'clear';
  /** Shown in the TLS handshake instead of the server: a TLS end before it. */
  front?: Party;
  /** Does something else at a step; call `usual` to do the right thing as well. */
  at?: Partial<Record<Step, (peer: FakePeer, usual: () => void, headers: MsgpackMap) => void>>;
  /** Answers a command line with a reply document. */
  commands?: Record<string, (line: string) => unknown>;
  /** Contents offered for download, by ref_id. */
  files?: Record<string, Buffer>;
  downloadChannel?: string;
  uploadPrefix?: string;
  chunkBytes?: number;
}

export class FakeServer {
  readonly options: FakeOptions;
  readonly peers = new Set<FakePeer>();
  /** All command lines received, in order. */
  readonly lines: string[] = [];
  readonly uploads: Buffer[] = [];
  readonly aborts: string[] = [];
  registers = 0;
  challenges = 0;
  connections = 0;
  #server: Server | undefined;
  port = 0;

  constructor(options: FakeOptions) {
    this.options = options;
  }

  async start(port = 0): Promise<this> {
    const { project, security = 'mtls' } = this.options;
    const server = this.options.front ?? this.options.server;
    const accept = (socket: Socket): void => {
      this.connections += 1;
      const peer = new FakePeer(this, socket);
      this.peers.add(peer);
      socket.on('close', () => this.peers.delete(peer));
    };
    this.#server =
      security === 'clear'
        ? createServer(accept)
        : createTlsServer(
            {
              key: server.keyPem,
              cert: server.certificatePem,
              ca: project.root.certificatePem,
              requestCert: security === 'mtls',
              rejectUnauthorized: true,
            },
            accept,
          );
    this.#server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => this.#server!.listen(port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  cut(): void {
    for (const peer of this.peers) peer.socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}

export class FakePeer {
  readonly server: FakeServer;
  readonly socket: Socket;
  fqcn = '';
  #sequence = 0;
  #streamId = Math.floor(Math.random() * 2 ** 40);
  /** Stream messages the client sent on the acknowledgement topic. */
  readonly acks: MsgpackMap[] = [];
  readonly pings: number[] = [];
  readonly #incoming = new Map<number, Buffer[]>();
  readonly #uploads = new Map<string, Buffer[]>();

  constructor(server: FakeServer, socket: Socket) {
    this.server = server;
    this.socket = socket;
    const splitter = new Splitter(4, frameLength);
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      for (const unit of splitter.push(piece)) this.#frame(unit);
    });
  }

  frame(type: number, headers: MsgpackMap | undefined, payload: Uint8Array): void {
    if (this.socket.destroyed) return;
    const sequence = (this.#sequence = (this.#sequence + 1) & 0xffff);
    this.socket.write(
      encodeFrame({ type, flags: 0, appId: headers ? 1 : 0, streamId: 17, sequence, headers, payload }),
    );
  }

  /** The headers that make a message the server's own. */
  signed(): MsgpackMap {
    const signature = signPss(this.server.options.server.key, Buffer.from('serverserver')).toString('base64');
    return { client_name: 'server', __token__: 'server', __token_signature__: signature };
  }

  reply(request: MsgpackMap, headers: MsgpackMap, body: unknown): void {
    this.frame(
      frameType.data,
      {
        cn__channel: request['cn__channel'],
        cn__topic: request['cn__topic'],
        cn__origin: 'server',
        cn__destination: this.fqcn,
        cn__req_id: request['cn__req_id'],
        cn__msg_type: 'reply',
        cn__return_code: 'ok',
        cn__payload_encoding: 'fobs',
        ...this.signed(),
        ...headers,
      },
      body instanceof Uint8Array ? body : encodeFobs(body),
    );
  }

  /** The chunks of one stream as frames are built from them: to send, to reorder, to repeat. */
  chunks(
    channel: string,
    topic: string,
    blob: Buffer,
    extra: MsgpackMap = {},
  ): { headers: MsgpackMap; payload: Buffer }[] {
    const size = this.server.options.chunkBytes ?? 1024 * 1024;
    const id = ++this.#streamId;
    const parts: { headers: MsgpackMap; payload: Buffer }[] = [];
    for (let at = 0; at === 0 || at < blob.length; at += size) {
      const payload = blob.subarray(at, at + size);
      parts.push({
        payload,
        headers: {
          cn__channel: 'sm__STREAM',
          cn__topic: 'sm__DATA',
          cn__origin: 'server',
          cn__destination: this.fqcn,
          cn__req_id: '',
          cn__msg_type: 'req',
          cn__reply_expected: false,
          cn__payload_encoding: 'bytes',
          sm__id: id,
          sm__ch: channel,
          sm__tp: topic,
          sm__sz: blob.length,
          sm__sq: parts.length,
          sm__os: at,
          sm__dt: at + size >= blob.length ? 2 : 1,
          sm__pe: 'fobs',
          ...this.signed(),
          ...extra,
        },
      });
    }
    return parts;
  }

  send(parts: { headers: MsgpackMap; payload: Buffer }[]): void {
    for (const { headers, payload } of parts) this.frame(frameType.data, headers, payload);
  }

  streamReply(request: MsgpackMap, blob: Buffer, extra: MsgpackMap = {}): void {
    this.send(this.replyChunks(request, blob, extra));
  }

  replyChunks(request: MsgpackMap, blob: Buffer, extra: MsgpackMap = {}) {
    const topic = `${String(request['sm__ch'])}:${String(request['sm__tp'])}`;
    return this.chunks('return_only', topic, blob, { sm__ri: request['sm__ri'], ...extra });
  }

  notice(topic: string, text: string): void {
    this.send(this.chunks('hci_channel', topic, encodeFobs(text)));
  }

  bye(): void {
    this.frame(
      frameType.data,
      {
        cn__channel: 'cellnet.channel',
        cn__topic: 'bye',
        cn__origin: 'server',
        cn__destination: this.fqcn,
        cn__req_id: randomUUID(),
        cn__msg_type: 'req',
        cn__reply_expected: true,
        cn__payload_encoding: 'none',
        ...this.signed(),
      },
      Buffer.alloc(0),
    );
  }

  #do(step: Step, headers: MsgpackMap, usual: () => void): void {
    const other = this.server.options.at?.[step];
    if (other) other(this, usual, headers);
    else usual();
  }

  #frame(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    if (frame.type === frameType.hello) this.#hello(frame.payload);
    else if (frame.type === frameType.ping) {
      this.pings.push(Date.now());
      this.#do('ping', {}, () => this.frame(frameType.pong, undefined, Buffer.from([0xc0])));
    } else if (frame.type === frameType.data && frame.headers) this.#message(frame.headers, frame.payload);
  }

  #hello(payload: Uint8Array): void {
    const hello = decodeMsgpack(payload);
    this.fqcn = isMap(hello) ? String(hello['fqcn']) : '';
    const ready = encodeMsgpack({ endpoint_name: 'server', timestamp: Date.now() / 1000, fqcn: 'server' });
    this.#do('hello', {}, () => this.frame(frameType.ready, undefined, ready));
  }

  #message(headers: MsgpackMap, payload: Uint8Array): void {
    const topic = headers['cn__topic'];
    if (topic === 'challenge') this.#challenge(headers);
    else if (topic === 'register') this.#register(headers);
    else if (topic === 'bye' && headers['cn__msg_type'] === 'req') this.reply(headers, {}, null);
    else if (topic === 'sm__ACK') this.acks.push(headers);
    else if (topic === 'sm__DATA') this.#chunk(headers, payload);
  }

  #challenge(headers: MsgpackMap): void {
    this.server.challenges += 1;
    const { server } = this.server.options;
    const nonce = headers['nonce'] as string;
    this.#do('challenge', headers, () =>
      this.reply(
        headers,
        {},
        shareable({
          cn: server.name,
          cert: Buffer.from(server.certificatePem),
          nonce: randomUUID(),
          signature: signPss(server.key, Buffer.from(server.name + nonce)),
        }),
      ),
    );
  }

  #register(headers: MsgpackMap): void {
    this.server.registers += 1;
    const token = randomUUID();
    const name = headers['client_name'] as string;
    this.#do('register', headers, () =>
      this.reply(
        headers,
        {},
        {
          __token__: token,
          __token_signature__: signPss(this.server.options.server.key, Buffer.from(name + token)).toString(
            'base64',
          ),
          ssid: 'NA',
        },
      ),
    );
  }

  #chunk(headers: MsgpackMap, payload: Uint8Array): void {
    const id = headers['sm__id'] as number;
    const parts = this.#incoming.get(id) ?? [];
    this.#incoming.set(id, parts);
    parts.push(Buffer.from(payload));
    if (headers['sm__dt'] === 2) {
      this.#incoming.delete(id);
      this.#request(headers, decodeFobs(Buffer.concat(parts)));
    }
  }

  #request(headers: MsgpackMap, body: unknown): void {
    const channel = headers['sm__ch'];
    if (channel === 'hci_channel')
      this.#command(headers, JSON.parse(body as string) as { data: { data: string }[] });
    else if (channel === 'aux_communication') this.#upload(headers, body as MsgpackMap);
    else if (channel === (this.server.options.downloadChannel ?? 'download_service__'))
      this.#download(headers, body as MsgpackMap);
    else {
      this.frame(
        frameType.data,
        {
          cn__channel: 'sm__STREAM',
          cn__topic: 'sm__ACK',
          cn__origin: 'server',
          cn__destination: this.fqcn,
          cn__req_id: '',
          cn__msg_type: 'req',
          cn__reply_expected: false,
          cn__payload_encoding: 'none',
          sm__id: headers['sm__id'],
          sm__dt: 6,
          sm__em: `No callback is registered for ${String(channel)}`,
          ...this.signed(),
        },
        Buffer.alloc(0),
      );
    }
  }

  #command(headers: MsgpackMap, document: { data: { data: string }[] }): void {
    const line = document.data[0]!.data;
    this.server.lines.push(line);
    if (line.startsWith('_cert_login')) {
      const content = JSON.stringify({
        n: headers['user_name'],
        r: 'lead',
        o: 'demo',
        s: randomUUID(),
        ...this.server.options.tokenExtra,
      });
      const signature = signPss(this.server.options.server.key, Buffer.from(content)).toString('base64');
      const token = `${Buffer.from(content).toString('base64')}:${signature}`;
      const items = [
        { type: 'string', data: 'OK' },
        { type: 'token', data: token },
      ];
      this.#do('login', headers, () => this.document(headers, { data: items, meta: {} }));
      return;
    }
    if (line === '_commands') {
      const header = ['SCOPE', 'COMMAND', 'DESCRIPTION', 'USAGE', 'CONFIRM', 'CLIENTCMD', 'VISIBLE'];
      const rows = [header, ['training', 'check_status', 'd', 'u', 'none', null, 'True']];
      this.#do('commands', headers, () =>
        this.document(headers, { data: [{ type: 'table', rows }], meta: {} }),
      );
      return;
    }
    if (line === '_logout') {
      this.document(headers, { data: [{ type: 'string', data: 'OK' }], meta: {} });
      return;
    }
    const answer = this.server.options.commands?.[line.split(' ')[0]!];
    const done = answer?.(line) ?? {
      data: [{ type: 'string', data: `ran ${line}` }],
      meta: { status: 'ok' },
    };
    this.#do('command', headers, () => this.document(headers, done));
  }

  document(request: MsgpackMap, document: unknown): void {
    this.streamReply(request, encodeFobs(JSON.stringify(document)));
  }

  #upload(request: MsgpackMap, body: MsgpackMap): void {
    const headers = body['__headers__'] as MsgpackMap;
    const id = headers['ObjectStreamer.TX_ID'] as string;
    if (headers['__rc__'] === 'TASK_ABORTED') {
      this.server.aborts.push(id);
      return;
    }
    const prefix = this.server.options.uploadPrefix ?? 'Streamer.';
    const data = body[`${prefix}data`];
    if (!(data instanceof Uint8Array)) {
      return this.streamReply(
        request,
        encodeFobs(shareable({ __headers__: { __rc__: 'EXECUTION_EXCEPTION' } })),
      );
    }
    const parts = this.#uploads.get(id) ?? [];
    this.#uploads.set(id, parts);
    parts.push(Buffer.from(data));
    const end: MsgpackMap = {};
    if (body[`${prefix}eof`] === true) {
      this.server.uploads.push(Buffer.concat(parts));
      end['ObjectStreamer.END_RESULT'] = JSON.stringify({
        data: [{ type: 'success', data: '' }],
        meta: { status: 'ok', job_id: 'j1' },
      });
    }
    this.streamReply(request, encodeFobs(shareable({ __headers__: { __rc__: 'OK', ...end } })));
  }

  #download(request: MsgpackMap, body: MsgpackMap): void {
    const file = this.server.options.files?.[body['ref_id'] as string];
    if (file === undefined)
      return this.streamReply(request, encodeFobs(null), { cn__return_code: 'invalid_request' });
    const at = ((body['state'] as MsgpackMap | undefined)?.['received_bytes'] as number | undefined) ?? 0;
    if (at >= file.length) return this.streamReply(request, encodeFobs({ status: 'eof' }));
    const data = file.subarray(at, at + 5 * 1024 * 1024);
    this.#do('command', request, () =>
      this.streamReply(
        request,
        encodeFobs({ status: 'ok', state: { received_bytes: at + data.length }, data }),
      ),
    );
  }
}
