/** What a connection does with a real sshd, and how it ends when the network, the server or the caller ends it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  connect,
  type ConnectOptions,
  type SshConnection,
  type SshTarget,
} from '../../../src-main/services/ssh/index.ts';
import { startProxy } from '../../lab/proxy.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';

const folder = mkdtempSync(join(tmpdir(), 'flaredesk-connection-'));
const home = join(folder, 'home');
let sshd: Sshd;
let narrow: Sshd;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  mkdirSync(join(home, '.ssh'), { recursive: true });
  sshd = await startSshd({ folder: join(folder, 'sshd') });
  narrow = await startSshd({
    folder: join(folder, 'narrow'),
    config: ['MaxSessions 1', 'AllowTcpForwarding no'],
    banner: 'Authorized use only!\n',
    noise: 'echo "Welcome to the cluster"; echo "quota: 12%" >&2',
  });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(async () => {
  await sshd?.stop();
  await narrow?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const options = (change: Partial<ConnectOptions> = {}): ConnectOptions => ({
  home,
  auth: { defaultUser: sshd.user },
  hostKeys: { ownFile: join(folder, 'known_hosts'), readFiles: [] },
  ...change,
});
async function open(
  to: Sshd,
  change: Partial<SshTarget> = {},
  more: Partial<ConnectOptions> = {},
): Promise<SshConnection> {
  const target = { host: to.host, port: to.port, identity: to.identity, hostKey: to.fingerprint, ...change };
  const connection = await connect(target, options(more));
  closing.push(() => connection.close());
  return connection;
}
const elapsed = async (work: Promise<unknown>) => {
  const began = performance.now();
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason as { code: string; message: string },
  );
  return { ms: performance.now() - began, error };
};

describe('commands', () => {
  test('exit code, both outputs, input, arguments', async () => {
    const connection = await open(sshd);
    const result = await connection.exec(
      ['sh', '-c', 'cat; printf "%s" "$1" >&2; exit 7', 'sh', "it's $HOME"],
      {
        stdin: 'given',
      },
    );
    expect(result).toMatchObject({ code: 7, truncated: false });
    expect(result.stdout.toString()).toBe('given');
    expect(result.stderr.toString()).toContain("it's $HOME");
  });

  test('a signal that ended it', async () => {
    const connection = await open(sshd);
    expect(await connection.exec(['sh', '-c', 'kill -TERM $$'])).toMatchObject({
      code: null,
      signal: 'SIGTERM',
    });
  });

  test('much input arrives whole, much output is cut', async () => {
    const connection = await open(sshd);
    const data = randomBytes(5 * 1024 * 1024);
    const chunks = async function* () {
      for (let at = 0; at < data.length; at += 60_000)
        yield await Promise.resolve(data.subarray(at, at + 60_000));
    };
    const back = await connection.exec(['cat'], { stdin: chunks(), maxOutput: data.length });
    expect(back.stdout.equals(data)).toBe(true);
    const cut = await connection.exec(['cat'], { stdin: data, maxOutput: 1000 });
    expect(cut.truncated).toBe(true);
    expect(cut.stdout.equals(data.subarray(0, 1000))).toBe(true);
  });

  test('a command that ends before it has read its input', async () => {
    const connection = await open(sshd);
    const data = Buffer.alloc(8 * 1024 * 1024);
    const endless = async function* () {
      for (let at = 0; at < 64; at++) yield await Promise.resolve(data);
    };
    expect(await connection.exec(['false'], { stdin: endless() })).toMatchObject({ code: 1 });
  });

  test('too long: timeout; the connection lives on', async () => {
    const connection = await open(sshd);
    const { error } = await elapsed(connection.exec(['sleep', '30'], { timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'timeout' });
    expect((await connection.exec(['echo', 'still here'])).stdout.toString()).toBe('still here\n');
  });

  test('cancelled within a second; the connection lives on', async () => {
    const connection = await open(sshd);
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 100);
    const { ms, error } = await elapsed(connection.exec(['sleep', '30'], { signal: cancel.signal }));
    expect(error).toMatchObject({ code: 'cancelled' });
    expect(ms).toBeLessThan(1000);
    expect(await connection.exec(['true'])).toMatchObject({ code: 0 });
  });

  test('one session at a time, a banner, and noise around every command', async () => {
    const connection = await open(narrow);
    for (let i = 0; i < 5; i++) {
      const result = await connection.exec(['echo', String(i)]);
      expect(result.stdout.toString()).toBe(`Welcome to the cluster\n${i}\n`);
    }
    const first = connection.exec(['sleep', '0.3']);
    expect(await connection.exec(['true'])).toMatchObject({ code: 0 });
    await first;
  });

  test('an account that runs no commands', async () => {
    const limited = await startSshd({
      folder: join(folder, 'limited'),
      config: ['ForceCommand internal-sftp', 'DisableForwarding yes'],
    });
    closing.push(() => limited.stop());
    const connection = await open(limited);
    // OpenSSH starts its SFTP server in the place of the command; it ends as soon as its input does.
    const result = await connection.exec(['echo', 'x']);
    expect(result.stdout.toString()).not.toContain('x\n');
    const sftp = await connection.sftp();
    expect((await sftp.list('/')).length).toBeGreaterThan(0);
  });
});

describe('files over SFTP', () => {
  test('write, read, list, move over, remove', async () => {
    const sftp = await (await open(sshd)).sftp();
    const at = join(folder, 'sftp');
    await sftp.mkdir(at);
    const data = randomBytes(300_000);
    await sftp.write(join(at, 'new.part'), data);
    writeFileSync(join(at, 'new'), 'old');
    await sftp.rename(join(at, 'new.part'), join(at, 'new'));
    expect((await sftp.read(join(at, 'new'))).equals(data)).toBe(true);
    expect(statSync(join(at, 'new')).mode & 0o777).toBe(0o600);
    expect((await sftp.list(at)).map((entry) => entry.filename)).toEqual(['new']);
    expect((await sftp.stat(join(at, 'new'))).size).toBe(data.length);
    await sftp.remove(join(at, 'new'));
    await expect(sftp.stat(join(at, 'new'))).rejects.toMatchObject({ code: 'not_found' });
    sftp.close();
    await expect(sftp.stat(at)).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('jump hosts', () => {
  test('via, with the end host’s own checks', async () => {
    writeFileSync(
      join(home, '.ssh', 'config'),
      `Host gate\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  IdentityFile ${sshd.identity}\n`,
    );
    closing.push(() => rmSync(join(home, '.ssh', 'config')));
    const behind = await startSshd({ folder: join(folder, 'behind') });
    closing.push(() => behind.stop());
    const asked: string[] = [];
    const hostKeys = {
      ownFile: join(folder, 'jump_known_hosts'),
      readFiles: [],
      ask: (question: { presented: { fingerprint: string } }) => {
        asked.push(question.presented.fingerprint);
        return Promise.resolve(true);
      },
    };
    const connection = await open(behind, { via: 'gate' }, { hostKeys });
    expect(asked).toEqual([sshd.fingerprint]);
    expect((await connection.exec(['sh', '-c', 'echo $HOME'])).stdout.toString().trim()).toBe(behind.home);
    expect(sshd.log()).toContain('Accepted publickey');
    connection.close();
    // Unknown jump host, nobody to ask: the end host is not even tried.
    const connections = () => behind.log().split('Connection from').length;
    const before = connections();
    rmSync(hostKeys.ownFile);
    await expect(open(behind, { via: 'gate' })).rejects.toMatchObject({ code: 'host_key_unknown' });
    expect(connections()).toBe(before);
  });

  test('a jump host that forwards nothing', async () => {
    const via = `127.0.0.1:${narrow.port}`;
    const hostKeys = { ownFile: join(folder, 'k2'), readFiles: [], ask: () => Promise.resolve(true) };
    const refused = connect(
      { host: '127.0.0.1', port: sshd.port, via, identity: narrow.identity },
      options({ hostKeys }),
    );
    await expect(refused).rejects.toMatchObject({
      code: 'remote_failed',
      message: expect.stringContaining('cannot reach') as string,
    });
  });
});

test('IPv6', async () => {
  const six = await startSshd({ folder: join(folder, 'six'), address: '::1' });
  closing.push(() => six.stop());
  const connection = await open(six, { host: '::1' });
  expect(await connection.exec(['true'])).toMatchObject({ code: 0 });
});

describe('when the other side goes', () => {
  test('the connection is cut in the middle of a command', async () => {
    const proxy = await startProxy({ targetPort: sshd.port });
    closing.push(() => proxy.stop());
    const connection = await open(sshd, { port: proxy.port });
    setTimeout(() => proxy.cut(), 100);
    const { ms, error } = await elapsed(connection.exec(['sleep', '30']));
    expect(error).toMatchObject({ code: 'unreachable', retryable: true });
    expect(ms).toBeLessThan(2000);
    expect(connection.closed).toBe(true);
    await expect(connection.exec(['true'])).rejects.toMatchObject({ code: 'unreachable' });
    await expect(connection.sftp()).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('the network falls silent: keepalive ends it', async () => {
    const proxy = await startProxy({ targetPort: sshd.port });
    closing.push(() => proxy.stop());
    const connection = await open(sshd, { port: proxy.port }, { keepaliveMs: 150 });
    proxy.freeze(true);
    const { ms, error } = await elapsed(connection.exec(['true']));
    expect(error).toMatchObject({ code: 'unreachable' });
    expect(ms).toBeLessThan(3000);
  });

  test('a peer that never says a word: the deadline', async () => {
    const silent = net.createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.push(() => silent.close());
    const { port } = silent.address() as net.AddressInfo;
    const { ms, error } = await elapsed(
      connect({ host: '127.0.0.1', port, identity: sshd.identity }, options({ deadlineMs: 300 })),
    );
    expect(error).toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('exchanging keys') as string,
    });
    expect(ms).toBeLessThan(1500);
  });

  test.each([
    ['a web server', (socket: net.Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['garbage', (socket: net.Socket) => socket.end(randomBytes(500))],
    ['a hang-up', (socket: net.Socket) => socket.end()],
    ['half a greeting', (socket: net.Socket) => socket.end('SSH-2.0-x\r\n\0\0\0\x01')],
  ])('%s instead of an SSH server', async (_name, answer) => {
    const peer = net.createServer((socket) => {
      socket.on('error', () => undefined);
      answer(socket);
    });
    await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
    closing.push(() => peer.close());
    const { port } = peer.address() as net.AddressInfo;
    const { error } = await elapsed(
      connect({ host: '127.0.0.1', port, identity: sshd.identity }, options({ deadlineMs: 3000 })),
    );
    expect(['unreachable', 'timeout']).toContain(error?.code);
    expect(error?.message).toContain(String(port));
  });

  test('nobody listens; the name does not exist', async () => {
    expect(
      (await elapsed(connect({ host: '127.0.0.1', port: 1, identity: sshd.identity }, options()))).error,
    ).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('refuses') as string,
    });
    expect(
      (await elapsed(connect({ host: 'no-such-host.invalid', identity: sshd.identity }, options()))).error,
    ).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('resolved') as string,
    });
  });

  test('an agent that never answers does not delay a cancel', async () => {
    const agentSocket = join(folder, 'mute-agent');
    const mute = net.createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(agentSocket, resolve));
    closing.push(() => mute.close());
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 100);
    const auth = { defaultUser: sshd.user, agentSocket };
    const { ms, error } = await elapsed(open(sshd, {}, { auth, signal: cancel.signal }));
    expect(error).toMatchObject({ code: 'cancelled' });
    expect(ms).toBeLessThan(1000);
  });

  test('closing lets go of a silent peer soon, and of every other at once', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const proxy = await startProxy({ targetPort: sshd.port });
    closing.push(() => proxy.stop());
    const before = sockets();
    for (let i = 0; i < 10; i++) (await open(sshd)).close();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(sockets()).toBe(before);
    const silent = await open(sshd, { port: proxy.port });
    const during = sockets();
    proxy.freeze(true);
    silent.close();
    await new Promise((resolve) => setTimeout(resolve, 1300));
    expect(sockets()).toBeLessThan(during);
  });

  test('a cancel while connecting', async () => {
    const silent = net.createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.push(() => silent.close());
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 100);
    const { port } = silent.address() as net.AddressInfo;
    const { ms, error } = await elapsed(
      connect({ host: '127.0.0.1', port, identity: sshd.identity }, options({ signal: cancel.signal })),
    );
    expect(error).toMatchObject({ code: 'cancelled' });
    expect(ms).toBeLessThan(1000);
  });
});
