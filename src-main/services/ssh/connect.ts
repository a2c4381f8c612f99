/** The only place that makes an ssh2 client. Reaches the host over its jump hosts, checks its key, logs in. */
import net from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import ssh2 from 'ssh2';
import { DeskError } from '../../contract/errors.ts';
import { type Authenticator, authenticationFailed, planAuthentication } from './auth.ts';
import { type Hop, resolveHops } from './config.ts';
import { cancelled, SshConnection } from './connection.ts';
import { Deadline } from './deadline.ts';
import { hostKeyAlgorithms } from './host-key-decision.ts';
import { trustHostKey } from './host-trust.ts';
import { makeVerifier } from './host-verifier.ts';
import { readKnownKeys } from './known-hosts-files.ts';
import { printable } from './printable.ts';
import type { ConnectOptions, SshTarget } from './types.ts';

const defaultDeadlineMs = 20_000;
const defaultKeepaliveMs = 15_000;
const keepaliveMisses = 3;
/** How long a person may think about an unknown host key. No answer means no. */
const answerDeadlineMs = 120_000;

/**
 * Connects and logs in. Only a host key that is known, pinned, or answered with an explicit yes lets the connection go on;
 * before that nothing about the user is sent.
 *
 * Errors: `host_key_unknown`, `host_key_changed`, `host_key_revoked`, `auth_failed`, `unreachable` (name, route, port,
 * no SSH server), `timeout`, `cancelled`, `invalid_input` (host, configuration, identity), `not_found`, `denied`,
 * `unsupported` (ProxyCommand). Each names the host and the step; none holds a secret.
 */
export async function connect(target: SshTarget, options: ConnectOptions): Promise<SshConnection> {
  const hops = await resolveHops(target, {
    home: options.home,
    defaultUser: options.auth.defaultUser,
    configFile: options.configFile ?? join(options.home, '.ssh', 'config'),
  });
  const opened: SshConnection[] = [];
  const closeAll = () => {
    for (const connection of [...opened].reverse()) connection.close();
  };
  try {
    for (const hop of hops) {
      const before = opened.at(-1);
      opened.push(await connectHop(hop, before, options));
    }
  } catch (error) {
    closeAll();
    throw error;
  }
  const last = opened.pop();
  if (!last) throw new DeskError('invalid_input', `There is no way to ${target.host}.`);
  last.closesWith(closeAll);
  return last;
}

async function connectHop(
  hop: Hop,
  before: SshConnection | undefined,
  options: ConnectOptions,
): Promise<SshConnection> {
  const narrate = options.narrate ?? (() => undefined);
  const place = `${hop.host} port ${hop.port}`;
  const deadline = new Deadline(options.deadlineMs ?? defaultDeadlineMs);
  narrate(`${hop.label}: connecting to ${place}${before ? ` through ${before.label}` : ''}`);
  const client = new ssh2.Client();
  let socket: Duplex | undefined;
  let keyRefusal: unknown;
  let authenticator: Authenticator | undefined;
  let stage: keyof typeof doing = 'connect';

  const attempt = async (): Promise<SshConnection> => {
    const known = await readKnownKeys(
      [options.hostKeys.ownFile, ...(hop.knownHostsFiles ?? options.hostKeys.readFiles)],
      hop.hostKeyName,
      hop.port,
    );
    const login = await planAuthentication(hop, options.auth, {
      home: options.home,
      narrate,
      waiting: (question) => deadline.paused(question),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    authenticator = login;
    if (before) {
      socket = await before.forward(hop.host, hop.port, options.signal ? { signal: options.signal } : {});
    } else {
      // Both address families are tried side by side by Node.
      const tcp = net.connect({ host: hop.host, port: hop.port, noDelay: true, keepAlive: true });
      socket = tcp;
      await connected(tcp);
    }
    stage = 'handshake';
    narrate(`${hop.label}: connected, exchanging keys`);
    const ready = new Promise<void>((resolve, reject) => {
      client.on('ready', resolve);
      client.on('close', () => reject(new Error('the server closed the connection')));
      client.on('error', (error: Error & { level?: string }) => {
        // The agent declined one key; the next offer follows.
        if (error.level === 'agent') narrate(`${hop.label}: the agent did not sign`);
        else reject(error);
      });
      client.on('handshake', () => {
        stage = 'login';
      });
    });
    client.connect({
      sock: socket,
      username: hop.user,
      readyTimeout: 0,
      keepaliveInterval: options.keepaliveMs ?? defaultKeepaliveMs,
      keepaliveCountMax: keepaliveMisses,
      algorithms: { serverHostKey: hostKeyAlgorithms(known) },
      hostVerifier: makeVerifier(
        (key) =>
          trustHostKey(key, {
            hop,
            known,
            settings: options.hostKeys,
            narrate,
            waiting: (question) => deadline.paused(question),
            ...(options.signal ? { signal: options.signal } : {}),
          }),
        {
          deadlineMs: answerDeadlineMs,
          refused: (reason) => {
            keyRefusal = reason;
          },
        },
      ),
      authHandler: ((methods: string[] | null, _partial: boolean, next: (method: unknown) => void) =>
        login.next(methods, next)) as never,
    });
    await ready;
    narrate(`${hop.label}: logged in as ${hop.user}`);
    return new SshConnection(hop.label, client, socket);
  };

  try {
    return await deadline.race(attempt(), options.signal);
  } catch (error) {
    client.on('error', () => undefined);
    client.destroy();
    socket?.destroy();
    if (options.signal?.aborted) throw cancelled();
    if (keyRefusal !== undefined) throw refusedKey(keyRefusal, hop);
    if (error instanceof DeskError) throw error;
    if (deadline.passed)
      throw new DeskError('timeout', `${hop.name} (${place}) did not answer in time while ${doing[stage]}.`, {
        hint: 'Check the address, the port and firewalls on the way.',
        retryable: true,
      });
    if (authenticator && (error as { level?: unknown }).level === 'client-authentication')
      throw authenticationFailed(hop, authenticator);
    throw unreachable(error, hop, stage, authenticator?.tried ?? []);
  }
}

const doing = { connect: 'opening the connection', handshake: 'exchanging keys', login: 'logging in' };

function connected(socket: net.Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
}

function refusedKey(reason: unknown, hop: Hop): DeskError {
  if (reason instanceof DeskError) return reason;
  const text = reason instanceof Error ? reason.message : 'the answer was no';
  return new DeskError('host_key_unknown', `The host key of ${hop.label} was not accepted: ${text}.`);
}

function unreachable(
  error: unknown,
  hop: Hop,
  stage: keyof typeof doing,
  tried: readonly string[],
): DeskError {
  const place = `${hop.name}${hop.name === hop.host ? '' : ` (${hop.host})`} port ${hop.port}`;
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = (first as NodeJS.ErrnoException).code;
  const message = first instanceof Error ? printable(first.message) : 'unknown reason';
  const details = { retryable: true };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new DeskError('unreachable', `The name ${hop.host} cannot be resolved.`, {
      ...details,
      hint: 'Check "ssh" in desk.yml, or write the address.',
    });
  if (code === 'ECONNREFUSED')
    return new DeskError('unreachable', `${place} refuses connections: no SSH server listens there.`, {
      ...details,
      hint: 'Check the port, and that sshd runs on the host.',
    });
  if (stage === 'connect')
    return new DeskError('unreachable', `${place} cannot be reached: ${message}.`, {
      ...details,
      hint: 'Check the address, the network and firewalls on the way.',
    });
  if (stage === 'handshake')
    return new DeskError('unreachable', `${place} answered, but no SSH session began: ${message}.`, {
      ...details,
      hint: 'Another service may listen there, or the server limits new connections (MaxStartups).',
    });
  const offered = tried.length > 0 ? ` Tried: ${tried.join('; ')}.` : '';
  return new DeskError(
    'auth_failed',
    `${place} ended the connection during the login: ${message}.${offered}`,
    {
      hint: 'The server may allow fewer attempts than keys were offered: name one "identity" in desk.yml.',
    },
  );
}
