/**
 * Our client against a peer that answers with the frames real servers sent: only names and ids of the new dialogue are
 * put in, everything that is signed stays as it was captured.
 */
import { generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Cell } from '../../../../src-main/services/flare/cell.ts';
import type { CellReply } from '../../../../src-main/services/flare/pending-requests.ts';
import { keepCredentials } from '../../../../src-main/services/flare/credentials.ts';
import { decodeFobs } from '../../../../src-main/services/flare/fobs.ts';
import type { AdminKit } from '../../../../src-main/services/flare/index.ts';
import { openSession } from '../../../../src-main/services/flare/index.ts';
import { packRequest, parseReply, unpackReply } from '../../../../src-main/services/flare/hci.ts';
import type { Link, LinkEvents } from '../../../../src-main/services/flare/link.ts';
import { serverProof } from '../../../../src-main/services/flare/challenge.ts';
import { isUnknownChannel } from '../../../../src-main/services/flare/transfer.ts';
import type { MsgpackMap } from '../../../../src-main/services/flare/msgpack.ts';
import {
  decodeFrame,
  encodeFrame,
  frameLength,
  type SfmFrame,
} from '../../../../src-main/services/flare/sfm.ts';
import { Splitter } from '../../../../src-main/services/flare/transport/splitter.ts';
import { loadAdminSigner } from '../../../../src-main/services/pki/index.ts';
import { until } from './support/quiet.ts';
import { bytesOf, type CapturedSession, readVectors } from './support/vectors.ts';

// The server signed the nonce of the captured challenge, so the same nonce has to be asked again: it is the second id.
const ids = vi.hoisted(() => ({ next: [] as string[] }));
vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:crypto')>();
  return { ...original, randomUUID: () => ids.next.shift() ?? original.randomUUID() };
});

let key: string;
beforeAll(() => {
  key = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs1', format: 'pem' })
    .toString();
});

const cleanUps: (() => Promise<unknown> | void)[] = [];
beforeEach(() => {
  ids.next = [];
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** What a captured request asks for, to find it again. */
function purposeOf(frames: SfmFrame[]): string {
  const headers = frames[0]!.headers!;
  const channel = headers['sm__ch'] ?? headers['cn__channel'];
  const topic = headers['sm__tp'] ?? headers['cn__topic'];
  const payload = Buffer.concat(frames.map((frame) => frame.payload));
  if (channel === 'hci_channel') {
    const document = JSON.parse(decodeFobs(payload) as string) as { data: { data: string }[] };
    return `command ${document.data[0]!.data}`;
  }
  if (topic === 'ObjectStreamer.Request') return 'upload';
  if (channel === 'download_service__') {
    const { ref_id, state } = decodeFobs(payload) as { ref_id: string; state?: { received_bytes: number } };
    return `download ${ref_id} ${state?.received_bytes ?? 0}`;
  }
  return `${String(channel)} ${String(topic)}`;
}

class Replay {
  readonly #answers = new Map<string, SfmFrame[][]>();
  readonly unanswered: string[] = [];
  /** Acknowledgements by stream id, as [offset, number]. */
  readonly acks = new Map<number, [unknown, unknown][]>();
  /** Final chunks we were sent: stream id and whole size. */
  readonly finals: { id: number; size: number; reliable: boolean }[] = [];
  readonly frames: SfmFrame[];
  #socket: Socket | undefined;
  #fqcn = '';

  constructor(session: CapturedSession) {
    this.frames = session.frames.map((frame) => decodeFrame(bytesOf(frame)));
    const isServer = (index: number) => session.frames[index]!.dir === 'server->client';
    const requests = new Map<string, { mine: SfmFrame[]; theirs: SfmFrame[] }>();
    this.frames.forEach((frame, index) => {
      const headers = frame.headers ?? {};
      if (frame.type !== 1 || headers['cn__topic'] === 'sm__ACK') return;
      const id = String(headers['sm__ri'] ?? headers['cn__req_id']);
      const known = requests.get(id) ?? { mine: [], theirs: [] };
      requests.set(id, known);
      (isServer(index) ? known.theirs : known.mine).push(frame);
    });
    for (const { mine, theirs } of requests.values()) {
      if (mine.length === 0 || theirs.length === 0) continue;
      const purpose = purposeOf(mine);
      this.#answers.set(purpose, [...(this.#answers.get(purpose) ?? []), theirs]);
    }
  }

  has(purpose: string): boolean {
    return (this.#answers.get(purpose)?.length ?? 0) > 0;
  }

  accept(socket: Socket): void {
    this.#socket = socket;
    const splitter = new Splitter(4, frameLength);
    const streams = new Map<number, SfmFrame[]>();
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      for (const unit of splitter.push(piece)) this.#take(decodeFrame(unit), streams);
    });
  }

  #take(frame: SfmFrame, streams: Map<number, SfmFrame[]>): void {
    if (frame.type === 4) {
      const ready = this.frames.find((found) => found.type === 5)!;
      this.#write(ready);
      return;
    }
    const headers = frame.headers;
    if (headers === undefined) return;
    this.#fqcn = String(headers['cn__origin']);
    if (headers['cn__topic'] === 'sm__ACK') {
      const id = headers['sm__id'] as number;
      this.acks.set(id, [...(this.acks.get(id) ?? []), [headers['sm__os'], headers['sm__sq']]]);
      return;
    }
    if (headers['cn__topic'] !== 'sm__DATA') {
      this.#answer(purposeOf([frame]), headers);
      return;
    }
    const id = headers['sm__id'] as number;
    const parts = [...(streams.get(id) ?? []), frame];
    streams.set(id, parts);
    if (headers['sm__dt'] === 2) this.#answer(purposeOf(parts), headers);
  }

  #answer(purpose: string, request: MsgpackMap): void {
    const found = this.#answers.get(purpose);
    const frames = found?.shift();
    if (frames === undefined) {
      this.unanswered.push(purpose);
      return;
    }
    for (const frame of frames) {
      const { cn__req_id, sm__ri } = request;
      this.send({
        ...frame,
        headers: { ...frame.headers, cn__req_id, ...(sm__ri === undefined ? {} : { sm__ri }) },
      });
    }
  }

  send(frame: SfmFrame): void {
    const headers = { ...frame.headers, cn__destination: this.#fqcn };
    if ('sm__id' in headers && (headers as MsgpackMap)['sm__dt'] === 2) {
      const { sm__id, sm__sz, sm__rs } = headers as MsgpackMap;
      this.finals.push({ id: sm__id as number, size: sm__sz as number, reliable: sm__rs === true });
    }
    this.#write({ ...frame, headers });
  }

  #write(frame: SfmFrame): void {
    this.#socket?.write(encodeFrame(frame));
  }
}

const replay = (file: string) => replaySession(readVectors<CapturedSession>(file));

async function replaySession(captured: CapturedSession) {
  const peer = new Replay(captured);
  const server = createServer((socket) => peer.accept(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => new Promise((resolve) => server.close(resolve)));

  const admin = new X509Certificate(captured.pki.admin_cert_pem);
  const now = admin.validFromDate.getTime() + 3_600_000;
  const kit: AdminKit = {
    folder: '/nowhere',
    projectName: 'demo_project',
    user: 'admin@example.com',
    serverIdentity: 'localhost',
    scheme: 'tcp',
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    connectionSecurity: 'clear',
    uploadDir: '/nowhere/transfer',
    downloadDir: '/nowhere/transfer',
    certificateEnds: admin.validToDate.getTime(),
    signed: false,
  };
  keepCredentials(kit, {
    secureContext: createSecureContext(),
    signer: loadAdminSigner(key),
    certificatePem: Buffer.from(captured.pki.admin_cert_pem),
    root: new X509Certificate(captured.pki.rootCA_pem),
    acceptHostName: false,
    timeouts: { idleMs: undefined, loginMs: undefined },
  });
  const challenge = peer.frames.find((frame) => frame.headers?.['cn__topic'] === 'challenge')!;
  ids.next = [randomUUID(), challenge.headers!['nonce'] as string];
  const session = await openSession(kit, {
    clock: { now: () => now },
    timeouts: { commandMs: 500, transferMs: 500 },
  });
  cleanUps.unshift(() => session.close());
  return { peer, session, captured };
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

const source = {
  name: 'hello',
  size: 3,
  read: async function* () {
    await Promise.resolve();
    yield Buffer.from('zip');
  },
};

describe.each([
  ['session-2.7.2.json', '2.7', 45],
  ['session-2.8.1.json', '2.8', 57],
  ['session-2.9dev.json', '2.9', 57],
])('%s', (file, version, commandCount) => {
  test('login, commands, upload, download, logout', async () => {
    const { peer, session } = await replay(file);
    expect(session.identity).toMatchObject({ user: 'admin@example.com', org: 'demo', role: 'project_admin' });
    expect(session.serverVersion).toBe(version);
    expect(session.commands.length).toBe(commandCount);

    expect(await session.execute('check_status server')).toMatchObject({
      ok: true,
      meta: { server_status: 'stopped' },
    });
    const submitted = await session.upload('job_mgmt.submit_job hello', source);
    expect(submitted).toMatchObject({ ok: true });
    const id = submitted.meta['job_id'] as string;
    // Not every capture has these.
    for (const line of ['list_jobs', `get_job_meta ${id}`]) {
      if (peer.has(`command ${line}`)) expect((await session.execute(line)).ok, line).toBe(true);
    }
    expect(await session.execute(`abort_job ${id}`)).toMatchObject({ ok: true });
    const offer = await session.execute(`job_mgmt.download_job ${id}`);
    const files = new Map<string, Buffer>();
    for (const [path, refId] of offer.meta['files'] as [string, string][]) {
      files.set(path, await collect(session.download({ sourceFqcn: 'server', refId })));
    }
    expect(JSON.parse(files.get('meta.json')!.toString())).toMatchObject({ job_id: id });
    expect(files.get('job.zip')!.subarray(0, 2).toString()).toBe('PK');

    await session.close();
    expect(await session.ended).toBe('logout');
    expect(peer.unanswered.filter((purpose) => !/report_version|Abort/.test(purpose))).toEqual([]);
    // The rule that is right for every version: each finished stream is acknowledged, with offset and number.
    const finals = peer.finals.filter(({ id: stream }) => !peer.acks.has(stream));
    // The answer to the logout may still be on its way to be acknowledged when the connection closes.
    expect(finals.length).toBeLessThanOrEqual(1);
    for (const { id: stream, size, reliable } of peer.finals.slice(0, -1)) {
      expect(peer.acks.get(stream)?.at(-1)).toEqual([size, 0]);
      expect(reliable).toBe(version === '2.9');
    }
  });
});

test('chunked-2.7.2.json: blobs come together from their chunks', async () => {
  const { peer, session, captured } = await replay('chunked-2.7.2.json');
  expect(session.commands.length).toBe(45);
  const submitted = await session.upload('job_mgmt.submit_job hello', source);
  const id = submitted.meta['job_id'] as string;
  await session.execute(`abort_job ${id}`);
  const offer = await session.execute(`job_mgmt.download_job ${id}`);
  const sizes = Object.values(captured.reassembled_streams!).map(({ size }) => size);
  for (const [path, refId] of offer.meta['files'] as [string, string][]) {
    const content = await collect(session.download({ sourceFqcn: 'server', refId }));
    if (path === 'job.zip') expect(content.length).toBe(8200);
  }
  const many = peer.finals.filter(({ size }) => size > 2000);
  expect(many.length).toBeGreaterThan(1);
  for (const { id: stream, size } of many) {
    expect(sizes).toContain(size);
    expect(peer.acks.get(stream)?.at(-1)).toEqual([size, Math.ceil(size / 2000) - 1]);
  }
});

test('session-expired-2.7.2.json: the server ends the session', async () => {
  const { peer, session } = await replay('session-expired-2.7.2.json');
  peer.send(peer.frames.find((frame) => frame.headers?.['sm__tp'] === 'SESSION_EXPIRED')!);
  expect(await session.ended).toBe('expired');
  await until(() => session.state === 'closed');
});

interface ErrorCases {
  pki: CapturedSession['pki'];
  cases: { case: string; frames: CapturedSession['frames'] }[];
}

describe('errors-2.7.2.json', () => {
  const { pki, cases } = readVectors<ErrorCases>('errors-2.7.2.json');
  const framesOf = (name: string) => cases.find((found) => found.case.startsWith(name))!.frames;
  const capturedOf = (name: string): CapturedSession => ({ nvflare: '2.7.2', pki, frames: framesOf(name) });

  test.each([
    ['register with wrong project_name', 'register', 'auth_failed', /another project/],
    [
      'register with user name that does not match certificate CN',
      'register',
      'auth_failed',
      /does not accept/,
    ],
  ])('%s', async (name, step, code, message) => {
    const opening = replaySession(capturedOf(name));
    await expect(opening).rejects.toMatchObject({
      step,
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  /** One request of ours on a bare cell, answered by the captured frames of the case. */
  async function answered(name: string, ask: (cell: Cell) => Promise<CellReply>): Promise<CellReply> {
    const theirs = framesOf(name)
      .filter((frame) => frame.dir === 'server->client')
      .map((frame) => decodeFrame(bytesOf(frame)))
      .filter((frame) => frame.headers !== undefined);
    let events: LinkEvents | undefined;
    const link = {
      closed: false,
      attach: (given: LinkEvents) => (events = given),
      close: () => undefined,
      send: (headers: MsgpackMap) => {
        if (headers['cn__topic'] === 'sm__ACK') return Promise.resolve();
        for (const { headers: original, payload } of theirs) {
          const { cn__req_id, sm__ri, sm__id, cn__origin } = headers;
          const isAck = original!['cn__topic'] === 'sm__ACK';
          const isReturn = original!['cn__msg_type'] === 'return';
          const answer = {
            ...original,
            cn__destination: cn__origin,
            cn__req_id: isReturn ? [cn__req_id] : cn__req_id,
            ...(sm__ri === undefined ? {} : { sm__ri }),
            ...(isAck ? { sm__id } : {}),
          };
          queueMicrotask(() => events!.onMessage(answer, payload));
        }
        return Promise.resolve();
      },
    };
    const auth = { headers: {}, isFromServer: serverProof(new X509Certificate(pki.server_cert_pem)) };
    const options = { fqcn: '_admin_x', auth, noticeChannels: [], now: () => Date.now() };
    const none = () => undefined;
    const cell = new Cell(link as unknown as Link, options, { onNotice: none, onBye: none, onClose: none });
    return await ask(cell);
  }

  const blob = packRequest('{}');
  const wait = { timeoutMs: 500 };
  const stream = (cell: Cell) => cell.streamRequest('hci_channel', 'command', blob, wait);
  const plain = (cell: Cell) => cell.request('nosuch_channel', 'x', undefined, wait);
  const reading = (reply: CellReply) => parseReply(unpackReply(reply.payload)).items;

  test('a register without a challenge', async () => {
    expect(await answered('register without prior challenge', plain)).toMatchObject({
      returnCode: 'unauthenticated',
      error: 'no registration session',
    });
  });

  test('silence', async () => {
    await expect(answered('command before register', stream)).rejects.toMatchObject({ code: 'timeout' });
  });

  test('refusals of the command layer', async () => {
    expect(reading(await answered('command with token but never logged in', stream))).toEqual([
      { type: 'error', data: 'not authenticated - no token' },
    ]);
    expect(reading(await answered('cert login with bad signature', stream))).toEqual([
      { type: 'string', data: 'REJECT' },
    ]);
    expect(reading(await answered('HCI command as plain', plain))).toEqual([{ type: 'string', data: 'OK' }]);
  });

  test('unknown channels, both ways, and unknown cells', async () => {
    expect(await answered('plain request on unregistered channel', plain)).toMatchObject({
      returnCode: 'process_exception',
      error: 'no callback',
    });
    const refused = await answered('stream to unregistered channel', stream);
    expect(refused.returnCode).toBe('process_exception');
    expect(isUnknownChannel(refused)).toBe(true);
    expect(await answered('request to unreachable cell', plain)).toMatchObject({
      returnCode: 'comm_error',
      error: 'cannot forward',
    });
  });

  test('no case is left out', () => {
    expect(cases.length).toBe(10);
  });
});
