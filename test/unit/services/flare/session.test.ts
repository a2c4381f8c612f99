/** A session's life after the login, against a peer that can cut, delay, reorder, expire and come back. */
import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DeskError } from '../../../../src-main/contract/errors.ts';
import { encodeFobs } from '../../../../src-main/services/flare/fobs.ts';
import {
  type AdminSession,
  openAdminKit,
  openSession,
  type OpenSessionOptions,
  type SessionTimeouts,
} from '../../../../src-main/services/flare/index.ts';
import { type FakeOptions, type FakePeer, FakeServer } from './support/fake-server.ts';
import { type Party, TestProject, writeKit } from './support/project.ts';
import { until } from './support/quiet.ts';

let project: TestProject;
let server: Party;
let admin: Party;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeAll(() => {
  project = new TestProject();
  server = project.issue('localhost');
  admin = project.issue('admin@example.com', { role: 'lead' });
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function start(
  options: Partial<FakeOptions> = {},
  timeouts: Partial<SessionTimeouts> = {},
  more: OpenSessionOptions = {},
  party = admin,
): Promise<{ fake: FakeServer; session: AdminSession; peer: () => FakePeer }> {
  const fake = await new FakeServer({ project, server, ...options }).start();
  const kit = await writeKit({ project, admin: party, port: fake.port });
  cleanUps.push(() => fake.stop(), kit.remove);
  const session = await openSession(await openAdminKit(kit.folder), {
    timeouts: { stepMs: 1000, messageMs: 500, ...timeouts },
    ...more,
  });
  cleanUps.unshift(() => session.close());
  return { fake, session, peer: () => [...fake.peers].at(-1)! };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: DeskError) => error.code,
  );

describe('commands', () => {
  test('identity, commands and version come with the login', async () => {
    const { session } = await start({ tokenExtra: { study: 'default' } });
    expect(session.identity).toEqual({
      user: 'admin@example.com',
      org: 'demo',
      role: 'lead',
      study: 'default',
    });
    expect(session.commands).toEqual([
      {
        scope: 'training',
        name: 'check_status',
        description: 'd',
        usage: 'u',
        confirm: 'none',
        visible: true,
      },
    ]);
    expect(session.serverVersion).toBe('2.8');
  });

  test('the exact version, where the server tells it', async () => {
    const report = () => ({
      data: [{ type: 'dict', data: { server: { version: '2.8.1' } } }],
      meta: { status: 'ok' },
    });
    const { session } = await start({
      tokenExtra: { study: 'default' },
      commands: { report_version: report },
    });
    expect(session.serverVersion).toBe('2.8.1');
  });

  test('a server without studies is one of 2.7 and is not asked for its version', async () => {
    const { session, fake } = await start();
    expect(session.serverVersion).toBe('2.7');
    expect(fake.lines.some((line) => line.startsWith('report_version'))).toBe(false);
  });

  test('several at once, each with its own answer', async () => {
    const { session } = await start({
      at: { command: (_peer, usual) => void setTimeout(usual, Math.random() * 40) },
    });
    const lines = Array.from({ length: 30 }, (_, index) => `echo ${index}`);
    const replies = await Promise.all(lines.map((line) => session.execute(line)));
    expect(replies.map((reply) => reply.items[0])).toEqual(
      lines.map((line) => ({ type: 'string', data: `ran ${line}` })),
    );
  });

  test('chunks in any order, repeated, and after the end', async () => {
    const text = 'x'.repeat(20_000);
    const { session, peer } = await start({
      chunkBytes: 1000,
      at: {
        command: (to, _usual, headers) => {
          const document = encodeFobs(JSON.stringify({ data: [{ type: 'string', data: text }], meta: {} }));
          const parts = to.replyChunks(headers, document);
          const mixed = [...parts.slice(1, 6).reverse(), parts[0]!, ...parts.slice(3, 5), ...parts.slice(6)];
          to.send([...mixed, parts.at(-1)!, parts[2]!]);
        },
      },
    });
    const reply = await session.execute('big');
    expect(reply.items).toEqual([{ type: 'string', data: text }]);
    const finals = () =>
      peer().acks.filter((ack) => ack['sm__dt'] === 3 && (ack['sm__os'] as number) > 20_000);
    // Once for the end, again for each chunk that came after it.
    await until(() => finals().length === 3);
    expect(new Set(finals().map((ack) => ack['sm__sq'])).size).toBe(1);
  });

  test('every final chunk is acknowledged with offset and number', async () => {
    const { session, peer } = await start({ chunkBytes: 100 });
    await session.execute('echo this');
    await until(() => peer().acks.length > 0);
    for (const ack of peer().acks)
      expect(ack).toMatchObject({
        sm__dt: 3,
        sm__os: expect.any(Number) as number,
        sm__sq: expect.any(Number) as number,
      });
  });

  test('a reply that breaks off, is too large or has another size fails, and the session lives on', async () => {
    let act: (peer: FakePeer, headers: Record<string, unknown>) => void = () => undefined;
    const { session } = await start({ at: { command: (peer, _usual, headers) => act(peer, headers) } });
    const blob = encodeFobs('text');
    act = (peer, headers) => peer.streamReply(headers, blob, { sm__dt: 6, sm__em: 'disk full' });
    // An error for a stream nobody has begun changes nothing; one for a begun stream ends it.
    expect(await codeOf(session.execute('a', { timeoutMs: 100 }))).toBe('timeout');
    act = (peer, headers) => {
      const first = peer.replyChunks(headers, Buffer.alloc(2_000_000))[0]!;
      peer.send([first, { ...first, headers: { ...first.headers, sm__dt: 6, sm__em: 'disk full' } }]);
    };
    await expect(session.execute('b')).rejects.toMatchObject({
      code: 'remote_failed',
      message: expect.stringContaining('disk full') as string,
    });
    act = (peer, headers) => peer.streamReply(headers, blob, { sm__sz: 2 ** 40 });
    await expect(session.execute('c')).rejects.toMatchObject({
      message: expect.stringContaining('too large') as string,
    });
    act = (peer, headers) => peer.streamReply(headers, blob, { sm__sz: 3 });
    await expect(session.execute('d')).rejects.toMatchObject({
      message: expect.stringContaining('announced') as string,
    });
    act = (peer, headers) => {
      const part = peer.replyChunks(headers, blob)[0]!;
      peer.send(
        Array.from({ length: 70 }, (_, index) => ({
          ...part,
          headers: { ...part.headers, sm__sq: index + 5, sm__dt: 1 },
        })),
      );
    };
    await expect(session.execute('e')).rejects.toMatchObject({
      message: expect.stringContaining('out of order') as string,
    });
    act = (peer, headers) =>
      peer.document(headers, { data: [{ type: 'success', data: '' }], meta: { status: 'ok' } });
    expect(await session.execute('f')).toMatchObject({ ok: true });
    expect(session.state).toBe('connected');
  });

  test('no answer in time, and one that comes too late', async () => {
    const { session } = await start({ at: { command: (_peer, usual) => void setTimeout(usual, 150) } });
    await expect(session.execute('slow', { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'timeout',
      retryable: true,
    });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await session.execute('next')).items[0]).toMatchObject({ data: 'ran next' });
  });

  test('cancelled in less than a second', async () => {
    const { session } = await start({ at: { command: () => undefined } });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);
    expect(await codeOf(session.execute('never', { signal: stop.signal }))).toBe('cancelled');
  });

  test('a message that is not signed by the server is no answer', async () => {
    const { session } = await start({
      at: {
        command: (peer, _usual, headers) =>
          peer.streamReply(headers, encodeFobs('{}'), {
            __token_signature__: randomBytes(256).toString('base64'),
          }),
      },
    });
    expect(await codeOf(session.execute('a', { timeoutMs: 100 }))).toBe('timeout');
  });

  test('time limits and properties go to the server', async () => {
    const { session, fake } = await start();
    await session.execute('app_command j t', { siteTimeoutMs: 3000, commandProps: 'a=1' });
    expect(fake.lines.at(-1)).toBe('app_command j t');
  });
});

describe('the end', () => {
  test('close logs out, says bye and is final', async () => {
    const { session, fake } = await start();
    const states: string[] = [];
    session.onState((state) => states.push(state));
    await Promise.all([session.close(), session.close()]);
    expect(fake.lines.filter((line) => line === '_logout').length).toBe(1);
    expect(await session.ended).toBe('logout');
    expect(states).toEqual(['closed']);
    expect(await codeOf(session.execute('a'))).toBe('session_lost');
    await until(() => fake.peers.size === 0);
  });

  test('the server expires the session', async () => {
    const { session, peer } = await start();
    peer().notice('SESSION_EXPIRED', 'Your session is closed due to inactivity.');
    expect(await session.ended).toBe('expired');
    expect(await codeOf(session.execute('a'))).toBe('session_lost');
  });

  test('a command tells that the session is gone', async () => {
    const gone = () => ({
      data: [
        { type: 'error', data: 'session_inactive' },
        { type: 'string', data: 'x' },
      ],
      meta: {},
    });
    const { session } = await start({ commands: { a: gone } });
    expect(await codeOf(session.execute('a'))).toBe('session_lost');
    expect(await session.ended).toBe('expired');
  });

  test('the server says that it shuts down', async () => {
    const { session } = await start({
      commands: {
        shutdown: () => ({ data: [{ type: 'shutdown', data: 'Goodbye!' }], meta: { status: 'ok' } }),
      },
    });
    expect(await session.execute('shutdown server')).toMatchObject({ ok: true });
    expect(await session.ended).toBe('server_down');
  });

  test('idle for too long: logged out, but not while something runs', async () => {
    const { session, fake } = await start(
      { at: { command: (_peer, usual) => void setTimeout(usual, 400) } },
      { idleMs: 200 },
    );
    await session.execute('long');
    expect(session.state).toBe('connected');
    expect(await session.ended).toBe('expired');
    expect(fake.lines).toContain('_logout');
  });

  test('the certificate ends', async () => {
    const secondsLeft = 3;
    const ending = project.issue('admin@example.com', { role: 'lead', age: 360 - secondsLeft / (24 * 3600) });
    const { session } = await start({}, {}, {}, ending);
    expect(session.state).toBe('connected');
    expect(await session.ended).toBe('expired');
  });

  test('requests in flight fail when the session is closed', async () => {
    const { session } = await start({ at: { command: (_peer, usual) => void setTimeout(usual, 5000) } });
    const running = codeOf(session.execute('a'));
    await session.close();
    expect(await running).toBe('session_lost');
  });
});

describe('keep-alive', () => {
  test('a ping goes out when it is time', async () => {
    const { session, peer } = await start({}, { pingMs: 40 });
    await until(() => peer().pings.length >= 3);
    expect(session.state).toBe('connected');
  });

  test('a link without a sign of life is given up', async () => {
    const { session, fake } = await start({ at: { ping: () => undefined } }, { pingMs: 60 });
    await until(() => session.state === 'reconnecting');
    await until(() => fake.connections > 1);
  });

  test('a link that died unseen is found by asking, long before its next ping is due', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    cleanUps.push(() => Promise.resolve(vi.useRealTimers()));
    let dead = false;
    const { session, peer } = await start({ at: { ping: (_peer, usual) => void (dead || usual()) } });
    session.probe();
    await until(() => peer().pings.length === 1);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(session.state).toBe('connected');
    dead = true;
    session.probe();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(session.state).toBe('connected');
    await vi.advanceTimersByTimeAsync(1_500);
    expect(session.state).toBe('reconnecting');
  });

  test('our answer to a ping', async () => {
    const { peer } = await start();
    peer().frame(6, undefined, Buffer.from([0xc0]));
    peer().frame(6, undefined, Buffer.from([0xc0]));
  });
});

describe('reconnect', () => {
  test('a cut is survived without a new login; what was in flight fails, what waits goes through', async () => {
    let silent = true;
    const { session, fake } = await start({
      at: {
        command: (_peer, usual) => {
          if (!silent) usual();
        },
      },
    });
    const inFlight = session.execute('a');
    await until(() => fake.lines.includes('a'));
    silent = false;
    fake.cut();
    await expect(inFlight).rejects.toMatchObject({
      code: 'unreachable',
      retryable: true,
      message: expect.stringContaining('may or may not') as string,
    });
    expect(session.state).toBe('reconnecting');
    expect((await session.execute('b')).ok).toBe(true);
    expect(session.state).toBe('connected');
    expect({
      registers: fake.registers,
      logins: fake.lines.filter((line) => line.startsWith('_cert_login')).length,
    }).toEqual({ registers: 1, logins: 1 });
    // The session check comes before anything else, so that a restarted server knows the session again.
    expect(fake.lines.slice(-2)).toEqual(['check_status server', 'b']);
  });

  test('a server that is away for a while', async () => {
    const { session, fake } = await start();
    const { port } = fake;
    await fake.stop();
    await until(() => session.state === 'reconnecting');
    expect(await codeOf(session.execute('a', { timeoutMs: 50 }))).toBe('unreachable');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await fake.start(port);
    expect((await session.execute('b')).ok).toBe(true);
    expect(fake.registers).toBe(1);
  });

  test('a server that does not know the old tokens any more: one new login, silently', async () => {
    let forgetful = false;
    const { session, fake } = await start(
      {
        at: {
          command: (_peer, usual) => {
            if (!forgetful) usual();
          },
          login: (_peer, usual) => {
            forgetful = false;
            usual();
          },
        },
      },
      { messageMs: 150 },
    );
    forgetful = true;
    fake.cut();
    await until(() => session.state === 'reconnecting');
    expect((await session.execute('b')).ok).toBe(true);
    expect(fake.registers).toBe(2);
  });

  test('the server comes back with a new certificate of the same project', async () => {
    const { session, fake } = await start();
    const { port } = fake;
    await fake.stop();
    const renewed = await new FakeServer({ project, server: project.issue('localhost') }).start(port);
    cleanUps.push(() => renewed.stop());
    await until(() => session.state === 'reconnecting');
    expect((await session.execute('b')).ok).toBe(true);
    expect(renewed.registers).toBe(1);
  });

  test('another server at the same address ends the session', async () => {
    const { session, fake } = await start();
    const { port } = fake;
    await fake.stop();
    const other = new TestProject('other_project');
    const stranger = await new FakeServer({ project: other, server: other.issue('localhost') }).start(port);
    cleanUps.push(() => stranger.stop());
    expect(await session.ended).toBe('server_changed');
  });

  test('a server that says bye and does not come back', async () => {
    const { session, fake, peer } = await start({}, { reconnectMs: 300 });
    peer().bye();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(session.state).toBe('connected');
    await fake.stop();
    expect(await session.ended).toBe('server_down');
  });

  test('a server that is lost', async () => {
    const { session, fake } = await start({}, { reconnectMs: 300 });
    await fake.stop();
    expect(await session.ended).toBe('lost');
  });

  test('closed while it connects again', async () => {
    const { session, fake } = await start();
    await fake.stop();
    await until(() => session.state === 'reconnecting');
    await session.close();
    expect(await session.ended).toBe('logout');
  });
});

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

const sourceOf = (content: Buffer, size = content.length) => ({
  name: 'job',
  size,
  read: async function* () {
    await Promise.resolve();
    for (let at = 0; at < content.length; at += 300_001) yield content.subarray(at, at + 300_001);
  },
});
const hash = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

describe('files', () => {
  const MiB = 1024 * 1024;
  const study = { tokenExtra: { study: 'default' } };

  test.each([0, 1, MiB - 1, MiB, MiB + 1, 2 * MiB, 6 * MiB + 77])('an upload of %i bytes', async (size) => {
    const content = randomBytes(size);
    const { session, fake } = await start(study);
    const seen: number[] = [];
    const reply = await session.upload('job_mgmt.submit_job job', sourceOf(content), {
      onProgress: (sent) => seen.push(sent),
    });
    expect(reply).toMatchObject({ ok: true, meta: { job_id: 'j1' } });
    expect(hash(fake.uploads[0]!)).toBe(hash(content));
    expect(seen.at(-1)).toBe(size);
    expect(seen.length).toBe(Math.floor(size / MiB) + 1);
  });

  test('2.7 has its own names', async () => {
    const { session, fake } = await start({ uploadPrefix: 'FileStreamer.' });
    await session.upload('job_mgmt.submit_job job', sourceOf(randomBytes(10)));
    expect(fake.uploads.length).toBe(1);
  });

  test('a refused part', async () => {
    const { session } = await start({ ...study, uploadPrefix: 'Another.' });
    await expect(session.upload('x', sourceOf(randomBytes(10)))).rejects.toMatchObject({
      code: 'remote_failed',
      message: expect.stringContaining('EXECUTION_EXCEPTION') as string,
    });
  });

  test.each([9, 11])('a source that gives other than its %i bytes', async (size) => {
    const { session, fake } = await start(study);
    expect(await codeOf(session.upload('x', sourceOf(randomBytes(10), size)))).toBe('invalid_input');
    expect(fake.uploads.length).toBe(0);
  });

  test('cancelled in the middle: the server is told', async () => {
    const { session, fake } = await start(study);
    const stop = new AbortController();
    const upload = session.upload('x', sourceOf(randomBytes(5 * MiB)), {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    expect(await codeOf(upload)).toBe('cancelled');
    await until(() => fake.aborts.length === 1);
  });

  test('a source that fails: the server is told', async () => {
    const { session, fake } = await start(study);
    const source = {
      name: 'job',
      size: 3 * MiB,
      read: async function* () {
        await Promise.resolve();
        yield randomBytes(2 * MiB);
        throw new Error('disk gone');
      },
    };
    await expect(session.upload('x', source)).rejects.toThrow(/disk gone/);
    await until(() => fake.aborts.length === 1);
  });

  test('a download of several parts, and from an offset', async () => {
    const content = randomBytes(12 * MiB + 5);
    const { session } = await start({ ...study, files: { R1: content } });
    const offer = { sourceFqcn: 'server', refId: 'R1' };
    expect(hash(await collect(session.download(offer)))).toBe(hash(content));
    const offset = 7 * MiB + 1;
    expect(hash(await collect(session.download(offer, { offset })))).toBe(hash(content.subarray(offset)));
  });

  test('2.7.0 has another channel, found by trying', async () => {
    const content = randomBytes(1000);
    const { session } = await start({ files: { R1: content }, downloadChannel: 'obj_downloader__' });
    const offer = { sourceFqcn: 'server', refId: 'R1' };
    expect(hash(await collect(session.download(offer)))).toBe(hash(content));
  });

  test('an offer that is gone', async () => {
    const { session } = await start(study);
    expect(await codeOf(collect(session.download({ sourceFqcn: 'server', refId: 'R9' })))).toBe('not_found');
    expect(await codeOf(collect(session.download({ sourceFqcn: 'site-1', refId: 'R9' })))).toBe(
      'unsupported',
    );
  });

  test('a cut in the middle of a download is survived', async () => {
    const content = randomBytes(11 * MiB);
    let cuts = 1;
    const { session, fake } = await start({
      ...study,
      files: { R1: content },
      at: {
        command: (_peer, usual, headers) => {
          if (headers['sm__ch'] === 'download_service__' && cuts-- > 0) fake.cut();
          else usual();
        },
      },
    });
    expect(hash(await collect(session.download({ sourceFqcn: 'server', refId: 'R1' })))).toBe(hash(content));
    expect(fake.connections).toBe(2);
  });

  test('parts that do not fit together', async () => {
    const { session } = await start({
      ...study,
      files: { R1: randomBytes(10) },
      at: {
        command: (peer, _usual, headers) =>
          peer.streamReply(
            headers,
            encodeFobs({ status: 'ok', state: { received_bytes: 99 }, data: Buffer.alloc(5) }),
          ),
      },
    });
    expect(await codeOf(collect(session.download({ sourceFqcn: 'server', refId: 'R1' })))).toBe(
      'remote_failed',
    );
  });
});

test('many sessions at once, and many one after another, leave nothing behind', async () => {
  const fake = await new FakeServer({ project, server }).start();
  const written = await writeKit({ project, admin, port: fake.port });
  cleanUps.push(() => fake.stop(), written.remove);
  const kit = await openAdminKit(written.folder);
  const active = () =>
    process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout/i.test(name)).length;
  const before = active();
  const sessions = await Promise.all(Array.from({ length: 12 }, () => openSession(kit)));
  const replies = await Promise.all(sessions.map((session, index) => session.execute(`echo ${index}`)));
  expect(replies.every((reply) => reply.ok)).toBe(true);
  await Promise.all(sessions.map((session) => session.close()));
  for (let round = 0; round < 30; round += 1) await (await openSession(kit)).close();
  await until(() => active() <= before);
  expect(fake.peers.size).toBe(0);
});
