/** The first three steps of every transport: resolve the name, connect, prove the peer by TLS. */
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket, connect as connectTcp } from 'node:net';
import { checkServerIdentity, connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { DeskError } from '../../../contract/errors.ts';
import { SessionStepError } from '../errors.ts';
import { within } from '../wait.ts';
import { tlsErrorOf, wrongIdentity } from './tls-errors.ts';
import type { OpenOptions, TransportTarget } from './types.ts';

/**
 * Opens the byte stream under a transport.
 * @param protocols ALPN, where the transport needs it
 * @throws SessionStepError of step resolve, connect or tls; DeskError `cancelled`
 */
export async function dial(
  target: TransportTarget,
  protocols: string[] | undefined,
  options: OpenOptions,
): Promise<Socket | TLSSocket> {
  options.onStep?.('resolve');
  const addresses = await resolveHost(target, options);
  options.onStep?.('connect');
  const socket = await connectSocket(target, addresses, options);
  if (target.security === 'clear') return socket;
  options.onStep?.('tls');
  return await startTls(target, socket, protocols, options);
}

async function resolveHost(target: TransportTarget, options: OpenOptions): Promise<LookupAddress[]> {
  const family = isIP(target.host);
  if (family !== 0) return [{ address: target.host, family }];
  try {
    return await within(lookup(target.host, { all: true }), {
      ms: options.stepTimeoutMs,
      signal: options.signal,
      timeout: () =>
        new SessionStepError('resolve', 'timeout', `no answer for the host name "${target.host}".`, {
          retryable: true,
          hint: 'Check the name service of this machine.',
        }),
    });
  } catch (error) {
    if (error instanceof DeskError) throw error;
    throw new SessionStepError('resolve', 'unreachable', `the host name "${target.host}" is not known.`, {
      retryable: true,
      hint: `Add "${target.host}" to the name service or to the hosts file of this machine, or correct "host" in the kit.`,
      cause: error,
    });
  }
}

async function connectSocket(
  target: TransportTarget,
  addresses: LookupAddress[],
  options: OpenOptions,
): Promise<Socket> {
  const known: LookupFunction = (_host, lookupOptions, done) => {
    if (lookupOptions.all) done(null, addresses);
    else done(null, addresses[0]!.address, addresses[0]!.family);
  };
  const socket = connectTcp({
    host: target.host,
    port: target.port,
    lookup: known,
    autoSelectFamily: true,
    noDelay: true,
  });
  // For the moments between the steps: an error must find a listener, `close` tells the rest.
  socket.on('error', () => undefined);
  const place = `${target.host}:${target.port}`;
  try {
    await within(once(socket, 'connect'), {
      ms: options.stepTimeoutMs,
      signal: options.signal,
      timeout: () =>
        new SessionStepError('connect', 'timeout', `${place} did not accept a connection in time.`, {
          retryable: true,
          hint: 'A firewall on the way often drops connections silently. Check that the port is open from here.',
        }),
    });
    return socket;
  } catch (error) {
    socket.destroy();
    if (error instanceof DeskError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const refused = code === 'ECONNREFUSED';
    throw new SessionStepError(
      'connect',
      'unreachable',
      refused ? `nothing listens on ${place}.` : `${place} cannot be reached (${code || 'network error'}).`,
      {
        retryable: true,
        hint: refused
          ? 'Check that the server is started and that "port" of the kit is its admin port.'
          : 'Check the network between this machine and the server.',
        cause: error,
      },
    );
  }
}

async function startTls(
  target: TransportTarget,
  socket: Socket,
  protocols: string[] | undefined,
  options: OpenOptions,
): Promise<TLSSocket> {
  const tls = connectTls({
    socket,
    secureContext: target.secureContext,
    minVersion: 'TLSv1.2',
    ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
    ...(protocols === undefined ? {} : { ALPNProtocols: protocols }),
    checkServerIdentity: (host, certificate) => checkPeer(target, host, certificate),
  });
  tls.on('error', () => undefined);
  // Node forgets an untrusted certificate with the socket; it is kept here to tell whose it was.
  let presented: PeerCertificate | undefined;
  tls.prependListener('secure', () => (presented = tls.getPeerCertificate()));
  try {
    await within(once(tls, 'secureConnect'), {
      ms: options.stepTimeoutMs,
      signal: options.signal,
      timeout: () =>
        new SessionStepError(
          'tls',
          'timeout',
          `${target.host}:${target.port} accepts connections but stays silent.`,
          {
            retryable: true,
            hint: 'Either the server hangs, or it is not a FLARE server, or it does not speak TLS on this port.',
          },
        ),
    });
    return tls;
  } catch (error) {
    tls.destroy();
    socket.destroy();
    throw error instanceof DeskError ? error : tlsErrorOf(error, target, presented);
  }
}

/** The chain is checked already when this is called; here it is decided whether it is the server we came for. */
function checkPeer(target: TransportTarget, host: string, certificate: PeerCertificate): Error | undefined {
  const names = ([] as string[]).concat(certificate.subject?.CN ?? []);
  if (names.length === 1 && names[0] === target.serverIdentity) return undefined;
  if (target.acceptHostName && checkServerIdentity(host, certificate) === undefined) return undefined;
  return wrongIdentity(target, names[0] ?? '');
}

/** The first of: the event, an error, the close. Takes its listeners away again. */
function once(socket: Socket | TLSSocket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      socket.off(event, done);
      socket.off('error', failed);
      socket.off('close', closed);
      act();
    };
    const done = (): void => finish(resolve);
    const failed = (error: Error): void => finish(() => reject(error));
    const closed = (): void =>
      finish(() => reject(Object.assign(new Error('closed by the peer'), { code: 'ECONNRESET' })));
    socket.once(event, done);
    socket.on('error', failed);
    socket.once('close', closed);
  });
}
