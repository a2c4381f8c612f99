/** The way to a session, gone wrong at each step: every failure has its own words, and none leaves a handle. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  openAdminKit,
  openSession,
  type OpenSessionOptions,
} from '../../../../src-main/services/flare/index.ts';
import { encodeFobs } from '../../../../src-main/services/flare/fobs.ts';
import type { FakeOptions, FakePeer, Step } from './support/fake-server.ts';
import { FakeServer } from './support/fake-server.ts';
import { type Party, TestProject, writeKit } from './support/project.ts';
import { fails, failure, until } from './support/quiet.ts';

let project: TestProject;
let otherProject: TestProject;
let sameNameProject: TestProject;
let server: Party;
let otherServer: Party;
let sameNameServer: Party;
let site: Party;
let expiredServer: Party;
let admin: Party;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeAll(() => {
  project = new TestProject();
  otherProject = new TestProject('other_project');
  sameNameProject = new TestProject();
  server = project.issue('localhost');
  otherServer = otherProject.issue('localhost');
  sameNameServer = sameNameProject.issue('localhost');
  site = project.issue('site-1');
  expiredServer = project.issue('localhost', { age: 400 });
  admin = project.issue('admin@example.com', { role: 'lead' });
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const handles = (): number =>
  process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout|HTTP/i.test(name)).length;
let handlesBefore = 0;
beforeAll(() => (handlesBefore = handles()));
afterAll(async () => {
  await until(() => handles() <= handlesBefore + 1);
});

const short = { stepMs: 400, loginMs: 700, messageMs: 400, commandMs: 400 };

async function kitFor(port: number, config: Record<string, unknown> = {}, party = admin, of = project) {
  const written = await writeKit({ project: of, admin: party, port, config });
  cleanUps.push(written.remove);
  return await openAdminKit(written.folder);
}

async function fake(options: Partial<FakeOptions> = {}): Promise<FakeServer> {
  const started = await new FakeServer({ project, server, ...options }).start();
  cleanUps.push(() => started.stop());
  return started;
}

async function open(port: number, config: Record<string, unknown> = {}, options: OpenSessionOptions = {}) {
  const session = await openSession(await kitFor(port, config), { timeouts: short, ...options });
  await session.close();
}

async function listen(made: Server): Promise<number> {
  const sockets = new Set<Socket>();
  made.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  cleanUps.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => made.close(resolve));
  });
  return (made.address() as AddressInfo).port;
}

test('the steps are told in order', async () => {
  const steps: string[] = [];
  await open((await fake()).port, {}, { onStep: (step) => steps.push(step) });
  expect(steps).toEqual(['resolve', 'connect', 'tls', 'hello', 'challenge', 'register', 'login', 'commands']);
});

describe('resolve and connect', () => {
  test('a name nobody knows', async () => {
    await fails(open(1, { host: 'no-such-host.invalid' }), {
      step: 'resolve',
      code: 'unreachable',
      message: /no-such-host/,
    });
  });

  test('a port nobody listens on', async () => {
    const port = await listen(createServer());
    await cleanUps.pop()!();
    await fails(open(port), { step: 'connect', code: 'unreachable', message: /nothing listens/ });
  });

  test('cancelled while connecting', async () => {
    const port = await listen(createServer());
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const started = Date.now();
    await expect(open(port, {}, { signal: stop.signal, timeouts: {} })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(Date.now() - started).toBeLessThan(1000);
  });

  test('cancelled before it begins', async () => {
    await expect(open((await fake()).port, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});

describe('TLS', () => {
  const tls = (step: { code: string; message: RegExp }) => ({ step: 'tls' as const, ...step });

  test('a server of another project', async () => {
    const { port } = await fake({ project: otherProject, server: otherServer });
    await fails(
      open(port),
      tls({ code: 'cert_untrusted', message: /another project.*"other_project".*"demo_project"/ }),
    );
  });

  test('a project provisioned anew, with a new root of the same name', async () => {
    const { port } = await fake({ project: sameNameProject, server: sameNameServer });
    await fails(open(port), tls({ code: 'cert_untrusted', message: /not issued by the project root/ }));
  });

  test('a certificate that has expired', async () => {
    const { port } = await fake({ server: expiredServer });
    await fails(open(port), tls({ code: 'cert_expired', message: /has expired \(valid to/ }));
  });

  test('a site of the project that stands in for the server', async () => {
    const { port } = await fake({ server: site });
    await fails(
      open(port),
      tls({ code: 'cert_untrusted', message: /identifies itself as "site-1".*"localhost"/ }),
    );
  });

  test('the name in the certificate counts, not the host', async () => {
    await open((await fake()).port, { host: '127.0.0.1' });
  });

  test('a server without TLS', async () => {
    const port = await listen(createServer((socket) => socket.write('220 mail.example.com ESMTP\r\n')));
    await fails(open(port), tls({ code: 'remote_failed', message: /does not speak TLS/ }));
  });

  test('a peer that takes the connection and stays silent', async () => {
    const port = await listen(createServer());
    await fails(open(port), tls({ code: 'timeout', message: /stays silent/ }));
  });

  test('a peer that closes at once', async () => {
    const port = await listen(createServer((socket) => socket.destroy()));
    await fails(open(port), tls({ code: 'unreachable', message: /closed the connection/ }));
  });
});

describe('a TLS end before the server', () => {
  const tls = { connection_security: 'tls' };
  const kitWith = async (port: number, files: Record<string, string>) => {
    const written = await writeKit({ project, admin, port, config: tls, files });
    cleanUps.push(written.remove);
    return await openAdminKit(written.folder);
  };
  const opening = async (port: number, files: Record<string, string> = {}) =>
    (await openSession(await kitWith(port, files), { timeouts: short })).close();

  test('the custom root of the kit is trusted, the name may be the host', async () => {
    const company = new TestProject('company_root');
    const front = { security: 'tls', front: company.issue('localhost') } as const;
    const custom = { 'customRootCA.pem': company.root.certificatePem };
    await opening((await fake(front)).port, custom);
    // Behind it, the server has to prove itself all the same.
    const stranger = await fake({ ...front, server: otherServer });
    await fails(opening(stranger.port, custom), { step: 'challenge', code: 'cert_untrusted' });
    const elsewhere = await fake({ security: 'tls', front: company.issue('proxy.example.com') });
    await fails(opening(elsewhere.port, custom), {
      step: 'tls',
      code: 'cert_untrusted',
      message: /proxy\.example\.com/,
    });
    await fails(opening((await fake(front)).port), {
      step: 'tls',
      code: 'cert_untrusted',
      message: /"company_root"/,
    });
  });

  test('without a custom root, a host name is not enough', async () => {
    const { port } = await fake({ security: 'tls', server: site });
    await fails(opening(port), { step: 'tls', code: 'cert_untrusted', message: /"site-1"/ });
  });
});

/** Both HTTP-based schemes against peers that are something else. */
describe.each(['http', 'grpc'])('open: %s', (scheme) => {
  const open_ = (port: number) => open(port, { scheme, connection_security: 'clear' });

  test('a web server', async () => {
    const port = await listen(
      createServer((socket) =>
        socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno'),
      ),
    );
    await fails(open_(port), {
      step: 'open',
      code: 'remote_failed',
      message: new RegExp(`scheme "${scheme}"`),
    });
  });

  test('garbage', async () => {
    const port = await listen(createServer((socket) => socket.write(randomBytes(3000))));
    await fails(open_(port), { step: 'open', code: 'remote_failed' });
  });

  test('silence', async () => {
    const port = await listen(createServer());
    await fails(open_(port), { step: 'open', code: 'timeout' });
  });

  test('a close', async () => {
    const port = await listen(createServer((socket) => socket.once('data', () => socket.destroy())));
    await fails(open_(port), { step: 'open', code: 'unreachable', message: /without an answer/ });
  });
});

test('grpc: a server that speaks TLS but no HTTP/2', async () => {
  await fails(open((await fake()).port, { scheme: 'grpc' }), {
    step: 'open',
    code: 'remote_failed',
    message: /HTTP\/2/,
  });
});

const protocolSteps: [Step, 'hello' | 'challenge' | 'register' | 'login' | 'commands'][] = [
  ['hello', 'hello'],
  ['challenge', 'challenge'],
  ['register', 'register'],
  ['login', 'login'],
  ['commands', 'commands'],
];

describe.each(protocolSteps)('at %s', (at, step) => {
  const misbehaving = (act: (peer: FakePeer, headers: Record<string, unknown>) => void) =>
    fake({
      at: {
        [at]: (peer: FakePeer, _usual: () => void, headers: Record<string, unknown>) => act(peer, headers),
      },
    });

  test('a peer that never answers', async () => {
    const { port } = await misbehaving(() => undefined);
    await fails(open(port), { step, code: 'timeout' });
  });

  test('a peer that closes', async () => {
    const { port } = await misbehaving((peer) => peer.socket.destroy());
    const error = await failure(open(port));
    expect(error).toMatchObject({ step, code: 'unreachable', retryable: true });
  });

  test('a peer that sends bytes that are no frames', async () => {
    const { port } = await misbehaving((peer) =>
      peer.socket.write(Buffer.from('\0\0\0\x20 no frame at all, is it, my friend?')),
    );
    const error = await failure(open(port));
    expect(error.step).toBe(step);
    expect(['unreachable', 'remote_failed']).toContain(error.code);
  });

  test('a peer that announces a frame of 4 GiB', async () => {
    const before = process.memoryUsage().rss;
    const { port } = await misbehaving((peer) =>
      peer.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0])),
    );
    const error = await failure(open(port));
    expect(error.step).toBe(step);
    expect(error.message).toMatch(/above the limit/);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  });

  test('cancelled while waiting', async () => {
    const { port } = await misbehaving(() => undefined);
    const stop = new AbortController();
    const opening = open(port, {}, { signal: stop.signal, timeouts: {} });
    setTimeout(() => stop.abort(), 100);
    await expect(opening).rejects.toMatchObject({ code: 'cancelled' });
  });

  if (at === 'hello') return;

  const answers: [string, unknown][] = [
    ['random bytes', randomBytes(200)],
    ['an empty payload', Buffer.alloc(0)],
    ['another type', encodeFobs(42)],
    [
      'nested rubbish',
      encodeFobs({ a: [{ __fobs_type__: 'builtins.object', __fobs_data__: 1, __fobs_dc__: 'x' }] }),
    ],
  ];
  test.each(answers)('an answer of %s', async (_name, body) => {
    const { port } = await misbehaving((peer, headers) => {
      if (at === 'challenge' || at === 'register') peer.reply(headers, {}, body);
      else peer.streamReply(headers, body as Buffer);
    });
    await fails(open(port), { step, code: 'remote_failed', message: /makes no sense/ });
  });
});

describe('hello', () => {
  test('a cell that is not a server', async () => {
    const { encodeMsgpack } = await import('../../../../src-main/services/flare/msgpack.ts');
    const { port } = await fake({
      at: {
        hello: (peer) => peer.frame(5, undefined, encodeMsgpack({ endpoint_name: 'site-1', fqcn: 'site-1' })),
      },
    });
    await fails(open(port), { step: 'hello', code: 'remote_failed', message: /the cell "site-1"/ });
  });
});

describe('challenge', () => {
  test('a request lost right after READY is asked again, soon', async () => {
    let lost = 1;
    const server_ = await fake({
      at: {
        challenge: (_peer, usual) => {
          if (lost-- <= 0) usual();
        },
      },
    });
    const started = performance.now();
    await open(server_.port, {}, { timeouts: { ...short, loginMs: 5000 } });
    expect(performance.now() - started).toBeLessThan(1200);
    expect(server_.challenges).toBe(2);
  });

  test('only the answer to the last question counts', async () => {
    // A slow server: each answer takes longer than the first waiting time, and each question replaces the one before.
    const server_ = await fake({ at: { challenge: (_peer, usual) => void setTimeout(usual, 350) } });
    await open(server_.port, {}, { timeouts: { ...short, loginMs: 5000 } });
    expect(server_.registers).toBe(1);
  });

  test('a server that is not ready yet', async () => {
    let asked = 0;
    const server_ = await fake({
      at: {
        challenge: (peer, usual, headers) => {
          asked += 1;
          if (asked < 3) peer.reply(headers, { cn__return_code: 'comm_error', cn__error: 'not ready' }, null);
          else usual();
        },
      },
    });
    await open(server_.port, {}, { timeouts: { ...short, loginMs: 5000 } });
    expect(asked).toBe(3);
    asked = -1000;
    await fails(open(server_.port), { step: 'challenge', code: 'timeout', message: /not ready/ });
  });

  test('in the clear, the challenge alone proves the server', async () => {
    const clear = { connection_security: 'clear' };
    const right = await fake({ security: 'clear' });
    await open(right.port, clear);
    for (const [options, expected] of [
      [{ server: otherServer }, { code: 'cert_untrusted', message: /root of this kit did not issue/ }],
      [{ server: site }, { code: 'cert_untrusted', message: /identifies itself as "site-1"/ }],
      [{ server: expiredServer }, { code: 'cert_expired', message: /valid from/ }],
      // Somebody who has the certificate but not the key.
      [{ server: { ...server, key: site.key } }, { code: 'cert_untrusted', message: /could not prove/ }],
    ] as const) {
      const { port } = await fake({ security: 'clear', ...options });
      await fails(open(port, clear), { step: 'challenge', ...expected });
    }
  });

  test('without certificates on the server', async () => {
    const { port } = await fake({
      at: {
        challenge: (peer, _usual, headers) =>
          peer.reply(
            headers,
            { cn__return_code: 'unauthenticated', cn__error: 'server is not in secure mode' },
            null,
          ),
      },
    });
    await fails(open(port), { step: 'challenge', code: 'auth_failed', message: /not in secure mode/ });
  });
});

describe('register', () => {
  const refusing = (code: string, error: string) =>
    fake({
      at: {
        register: (peer, _usual, headers) =>
          peer.reply(headers, { cn__return_code: code, cn__error: error }, null),
      },
    });

  test.each([
    [
      'Requested task does not match the current server task',
      'auth_failed',
      /another project than "demo_project"/,
    ],
    ['no registration session', 'auth_failed', /no registration session/],
    ["Client 'admin@example.com' is disabled", 'denied', /disabled/],
    ['register_client unauthenticated', 'auth_failed', /refused "admin@example.com"/],
  ])('%s', async (said, code, message) => {
    const { port } = await refusing('unauthenticated', said);
    await fails(open(port), { step: 'register', code, message });
  });

  test('a certificate that is not accepted', async () => {
    const { port } = await fake({ at: { register: (peer, _usual, headers) => peer.reply(headers, {}, {}) } });
    await fails(open(port), {
      step: 'register',
      code: 'auth_failed',
      message: /does not accept the certificate/,
    });
  });

  test('a token somebody else signed', async () => {
    const { port } = await fake({
      at: {
        register: (peer, _usual, headers) =>
          peer.reply(
            headers,
            {},
            { __token__: 't', __token_signature__: randomBytes(256).toString('base64'), ssid: 'NA' },
          ),
      },
    });
    await fails(open(port), {
      step: 'register',
      code: 'cert_untrusted',
      message: /not signed by the server/,
    });
  });

  test('an answer without the name of the server is no answer', async () => {
    const { port } = await fake({
      at: { register: (peer, _usual, headers) => peer.reply(headers, { __token_signature__: 'AAAA' }, {}) },
    });
    await fails(open(port), { step: 'register', code: 'timeout' });
  });
});

describe('login', () => {
  const answering = (items: unknown[]) =>
    fake({ at: { login: (peer, _usual, headers) => peer.document(headers, { data: items, meta: {} }) } });

  test.each([
    ['REJECT', 'auth_failed', /rejected "admin@example.com"\./],
    ['REJECT: AUTH_UNKNOWN_STUDY: no such study', 'not_found', /study "heart" is not known/],
    ['REJECT: AUTH_INVALID_STUDY_NAME: x', 'invalid_input', /study "heart" is not a valid/],
    ['REJECT: AUTH_STUDY_USER_NOT_MAPPED: x', 'denied', /study "heart" is not open/],
    ['REJECT: AUTH_STUDY_NOT_CONFIGURED: x', 'unsupported', /no studies/],
    ['REJECT: come back later', 'auth_failed', /come back later/],
  ])('%s', async (said, code, message) => {
    const { port } = await answering([{ type: 'string', data: said }]);
    await fails(open(port, {}, { study: 'heart', timeouts: short }), { step: 'login', code, message });
  });

  test('a forged session token', async () => {
    const token = `${Buffer.from('{"n":"admin@example.com"}').toString('base64')}:${randomBytes(256).toString('base64')}`;
    const { port } = await answering([{ type: 'token', data: token }]);
    await fails(open(port), { step: 'login', code: 'cert_untrusted', message: /not signed by the server/ });
  });

  test('a token for somebody else', async () => {
    const { port } = await fake({ tokenExtra: { n: 'eve@example.com' } });
    await fails(open(port), { step: 'login', code: 'remote_failed', message: /another user/ });
  });

  test('a study asked of a server that has none', async () => {
    const { port } = await fake();
    await fails(open(port, {}, { study: 'heart', timeouts: short }), {
      step: 'login',
      code: 'unsupported',
      message: /studies/,
    });
  });
});
