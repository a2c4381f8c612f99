/** One connection to the proven server of a kit, the login over it, and the way back after it broke. */
import { randomUUID, type X509Certificate } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import type { Logger } from '../../ports.ts';
import { Cell, type CellAuth } from './cell.ts';
import { commonNameOf, samePublicKey } from './certificates.ts';
import { challenge, type ProvenServer, serverProof, siteProof } from './challenge.ts';
import type { AdminCredentials } from './credentials.ts';
import { SessionStepError, type SessionStep } from './errors.ts';
import {
  commandTopic,
  expiredTopic,
  hciChannel,
  packRequest,
  parseReply,
  replyOf,
  requestText,
  sessionInactive,
  unpackReply,
} from './hci.ts';
import { Link } from './link.ts';
import { certificateLogin, type LoggedIn } from './login.ts';
import type { LoginContext } from './login-context.ts';
import { register } from './register.ts';
import type { SessionTimeouts } from './timeouts.ts';
import { transportKindOf, type TransportTarget } from './transport/index.ts';
import type { AdminKit } from './types.ts';

export interface Connection {
  readonly cell: Cell;
  readonly auth: CellAuth;
  readonly context: LoginContext;
  server: ProvenServer;
}

export interface ConnectionEvents {
  onExpired(): void;
  /** The server says goodbye; the connection will end. */
  onBye(): void;
  onClose(connection: Connection, cause: DeskError): void;
}

export interface ConnectorOptions {
  kit: AdminKit;
  credentials: AdminCredentials;
  timeouts: SessionTimeouts;
  study: string | undefined;
  now: () => number;
  logger: Logger | undefined;
}

interface Attempt {
  signal?: AbortSignal | undefined;
  onStep?: ((step: SessionStep) => void) | undefined;
}

export class Connector {
  readonly #options: ConnectorOptions;
  readonly #events: ConnectionEvents;
  readonly #target: TransportTarget;
  /** Our cell name: a true v4 UUID (§3.2), the same after a reconnect so that the server gives up the old connection. */
  readonly #fqcn = `_admin_${randomUUID()}`;

  constructor(options: ConnectorOptions, events: ConnectionEvents) {
    const { kit, credentials } = options;
    const kind = transportKindOf(kit.scheme);
    if (kind === undefined) throw new DeskError('unsupported', `The scheme "${kit.scheme}" is not known.`);
    this.#options = options;
    this.#events = events;
    this.#target = {
      kind,
      host: kit.host,
      port: kit.port,
      security: kit.connectionSecurity,
      secureContext: credentials.secureContext,
      serverIdentity: kit.serverIdentity,
      acceptHostName: credentials.acceptHostName,
      rootName: commonNameOf(credentials.root) ?? '',
    };
  }

  /** Steps resolve to challenge: afterwards the server is proven, and we are not yet known to it. */
  async connect({ signal, onStep }: Attempt): Promise<Connection> {
    const { kit, credentials, timeouts, now, logger } = this.#options;
    const { stepMs, pingMs, loginMs, messageMs } = timeouts;
    const fqcn = this.#fqcn;
    const link = await Link.open(this.#target, { fqcn, stepTimeoutMs: stepMs, pingMs, now, signal, onStep });
    const auth: CellAuth = { headers: undefined, isFromServer: undefined, isFromSite: undefined };
    let connection: Connection | undefined;
    const cell = new Cell(
      link,
      { fqcn, auth, noticeChannels: [hciChannel], now, logger },
      {
        onNotice: (channel, topic) => {
          if (channel === hciChannel && topic === expiredTopic) this.#events.onExpired();
        },
        onBye: () => this.#events.onBye(),
        onClose: (cause) => {
          if (connection !== undefined) this.#events.onClose(connection, cause);
        },
      },
    );
    const context = { kit, credentials, cell, now, signal, onStep, loginMs, messageMs };
    try {
      const server = await challenge(context);
      auth.isFromServer = serverProof(server.certificate);
      auth.isFromSite = siteProof(server.certificate);
      connection = { cell, auth, context, server };
      return connection;
    } catch (error) {
      cell.close(givenUp());
      throw error;
    }
  }

  /** Steps register and login. */
  async logIn({ context, server, auth }: Connection): Promise<LoggedIn> {
    const { study } = this.#options;
    await register(context, server, auth);
    const login = await certificateLogin(context, server, study);
    if (study !== undefined && study !== 'default' && login.identity.study !== study) {
      throw new SessionStepError(
        'login',
        'unsupported',
        `the server does not know studies, "${study}" was asked for.`,
        { hint: 'Studies begin with FLARE 2.8. Log in without a study.' },
      );
    }
    return login;
  }

  /**
   * A new connection for an old session: the challenge proves the server, the old tokens stay good even after a restart
   * (§7.3). A command that passes the session check makes a restarted server know the session again, which uploads need.
   */
  async resume(
    old: { connection: Connection; login: LoggedIn },
    signal: AbortSignal,
  ): Promise<{ connection: Connection; login: LoggedIn }> {
    const connection = await this.connect({ signal });
    try {
      if (sameKey(connection.server.certificate, old.connection.server.certificate)) {
        connection.auth.headers = old.connection.auth.headers;
        if (await this.#isKnown(connection, old.login)) return { connection, login: old.login };
        // Silence: the server does not accept the old tokens any more (§4.4). A new challenge precedes a new register.
        connection.auth.headers = undefined;
        connection.server = await challenge(connection.context);
      }
      return { connection, login: await this.logIn(connection) };
    } catch (error) {
      connection.cell.close(givenUp());
      throw error;
    }
  }

  async #isKnown({ cell, context }: Connection, login: LoggedIn): Promise<boolean> {
    const text = requestText('check_status server', login.token, {}, this.#options.now());
    try {
      const reply = await cell.streamRequest(hciChannel, commandTopic, packRequest(text), {
        timeoutMs: context.messageMs,
        signal: context.signal,
      });
      const { status } = replyOf('', parseReply(unpackReply(reply.payload)));
      return reply.returnCode === 'ok' && status !== sessionInactive && status !== 'not_authenticated';
    } catch (error) {
      if (error instanceof DeskError && error.code === 'timeout') return false;
      throw error;
    }
  }
}

function sameKey(one: X509Certificate, other: X509Certificate): boolean {
  return samePublicKey(one.publicKey, other.publicKey.export({ type: 'spki', format: 'der' }));
}

function givenUp(): DeskError {
  return new DeskError('unreachable', 'The connection was given up.', { retryable: true });
}
