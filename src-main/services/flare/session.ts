/** A living admin session: logged in, kept alive, connected again when the server comes back. */
import { randomUUID } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import type { Clock, Logger } from '../../ports.ts';
import { Cell, type CellAuth, type CellReply } from './cell.ts';
import { commonNameOf, samePublicKey } from './certificates.ts';
import { type AdminCredentials, credentialsOf } from './credentials.ts';
import { ProtocolError, reasonOf, SessionStepError, type SessionStep } from './errors.ts';
import {
  commandsOf,
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
import {
  certificateLogin,
  challenge,
  type LoginContext,
  type ProvenServer,
  register,
  serverProof,
} from './login.ts';
import { type ProtocolProfile, profilesFor, protocolProfiles } from './profiles.ts';
import {
  downloadRequest,
  downloadStep,
  isUnknownChannel,
  type TransferRequest,
  uploadArchive,
} from './transfer.ts';
import { transportKindOf, type TransportTarget } from './transport/index.ts';
import type {
  AdminKit,
  AdminSession,
  CommandInfo,
  CommandReply,
  DownloadOffer,
  ExecuteOptions,
  SessionEnd,
  SessionIdentity,
  SessionState,
  UploadSource,
} from './types.ts';
import { pause, within } from './wait.ts';

/** Milliseconds. */
export interface SessionTimeouts {
  /** Each of resolve, connect, TLS, open, hello. */
  stepMs: number;
  /** The challenge with its repetitions. */
  loginMs: number;
  /** Register and login, each. */
  messageMs: number;
  /** A command without `siteTimeoutMs`; longer than the 10 s the server waits for sites. */
  commandMs: number;
  /** One part of an upload or download. */
  transferMs: number;
  /** Between keep-alive messages; after two without any sign of life the link is given up. */
  pingMs: number;
  /** Without a command for so long we log out; 0 = never. */
  idleMs: number;
  /** For so long we try to connect again. */
  reconnectMs: number;
}

const defaultTimeouts: SessionTimeouts = {
  stepMs: 10_000,
  loginMs: 10_000,
  messageMs: 5_000,
  commandMs: 12_000,
  transferMs: 15_000,
  pingMs: 25_000,
  idleMs: 900_000,
  reconnectMs: 600_000,
};

/** Added to the time the server waits for sites. */
const siteMarginMs = 5_000;
const logoutMs = 2_000;
const byeMs = 1_000;
/** The first try comes soon, because a lost connection is often back at once. */
const reconnectDelays = [250, 1_000, 2_000, 4_000, 8_000, 10_000];
const downloadRetries = 5;
/** The longest time a timer can run. */
const longestTimerMs = 2 ** 31 - 1;

export interface OpenSessionOptions {
  /** 2.8 and later; the default study when missing. */
  study?: string;
  clock?: Clock;
  logger?: Logger;
  /** Stops the opening; later it has no effect. */
  signal?: AbortSignal;
  /** Told before each step of the opening. */
  onStep?: (step: SessionStep) => void;
  timeouts?: Partial<SessionTimeouts>;
}

/**
 * Connects to the server of a kit and logs in, proving the server by certificate, challenge and every signature on the
 * way (docs/reference/admin-protocol.md §2–§4, §7.3). Any number of sessions may be open at the same time.
 *
 * @param kit from `openAdminKit`
 * @throws SessionStepError (a DeskError with `step`): `unreachable`, `timeout`, `cert_expired`, `cert_untrusted`,
 * `auth_failed`, `denied`, `not_found` / `invalid_input` / `unsupported` (study), `remote_failed` (no FLARE server, or
 * answers that make no sense); DeskError `cancelled`, `bad_usage`
 */
export async function openSession(kit: AdminKit, options: OpenSessionOptions = {}): Promise<AdminSession> {
  const session = new Session(kit, credentialsOf(kit), options);
  await session.open(options.signal, options.onStep);
  return session;
}

class Session implements AdminSession {
  readonly #kit: AdminKit;
  readonly #credentials: AdminCredentials;
  readonly #study: string | undefined;
  readonly #logger: Logger | undefined;
  readonly #now: () => number;
  readonly #timeouts: SessionTimeouts;
  readonly #target: TransportTarget;
  /** Our cell name; the same after a reconnect, so that the server gives up the old connection. */
  readonly #fqcn = `_admin_${randomUUID()}`;
  readonly #listeners = new Set<(state: SessionState) => void>();
  readonly #stop = new AbortController();
  readonly ended: Promise<SessionEnd>;
  #resolveEnded: (end: SessionEnd) => void = () => undefined;

  #state: SessionState = 'connected';
  #closing: Promise<void> | undefined;
  #cell: Cell | undefined;
  #auth: CellAuth = { headers: undefined, isFromServer: undefined };
  #server: ProvenServer | undefined;
  #token: string | undefined;
  #identity: SessionIdentity = { user: '', org: '', role: '' };
  #profiles: ProtocolProfile[] = [];
  #exactVersion: string | undefined;
  #commands: CommandInfo[] = [];
  #saidBye = false;
  #busy = 0;
  #lastUse = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #certificateTimer: NodeJS.Timeout | undefined;

  constructor(kit: AdminKit, credentials: AdminCredentials, options: OpenSessionOptions) {
    this.#kit = kit;
    this.#credentials = credentials;
    this.#study = options.study;
    this.#logger = options.logger;
    this.#now = () => options.clock?.now() ?? Date.now();
    this.#timeouts = {
      ...defaultTimeouts,
      ...defined({ idleMs: credentials.timeouts.idleMs, loginMs: credentials.timeouts.loginMs }),
      ...defined(options.timeouts ?? {}),
    };
    const kind = transportKindOf(kit.scheme);
    if (kind === undefined) throw new DeskError('unsupported', `The scheme "${kit.scheme}" is not known.`);
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
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
  }

  get identity(): SessionIdentity {
    return this.#identity;
  }

  get serverVersion(): string {
    return this.#exactVersion ?? this.#profile.version;
  }

  get commands(): readonly CommandInfo[] {
    return this.#commands;
  }

  get state(): SessionState {
    return this.#state;
  }

  onState(listener: (state: SessionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async open(
    signal: AbortSignal | undefined,
    onStep: ((step: SessionStep) => void) | undefined,
  ): Promise<void> {
    try {
      const context = await this.#connect(signal, onStep);
      await this.#logIn(context);
      onStep?.('commands');
      await this.#learnCommands(signal);
    } catch (error) {
      this.#finish('lost');
      throw error;
    }
    this.#touch();
    if (this.#timeouts.idleMs > 0) this.#watchIdle(this.#timeouts.idleMs);
    this.#watchCertificate();
  }

  async execute(line: string, options: ExecuteOptions = {}): Promise<CommandReply> {
    const { siteTimeoutMs, signal } = options;
    const timeoutMs =
      options.timeoutMs ??
      (siteTimeoutMs === undefined ? this.#timeouts.commandMs : siteTimeoutMs + siteMarginMs);
    const request: TransferRequest = (channel, topic, payload) =>
      this.#request(channel, topic, payload, { timeoutMs, signal, what: `The command "${firstWord(line)}"` });
    return await this.#using(async () => {
      await this.#connected(timeoutMs, signal);
      const reply = await request(hciChannel, commandTopic, packRequest(this.#requestText(line, options)));
      if (reply.returnCode !== 'ok') {
        throw new DeskError(
          'remote_failed',
          `The server did not carry out "${firstWord(line)}": ${reply.error || reply.returnCode}.`,
        );
      }
      return this.#readReply(
        line,
        readable(() => unpackReply(reply.payload)),
      );
    });
  }

  async upload(
    line: string,
    source: UploadSource,
    options: ExecuteOptions & { onProgress?: (sentBytes: number) => void } = {},
  ): Promise<CommandReply> {
    const timeoutMs = options.timeoutMs ?? this.#timeouts.transferMs;
    return await this.#using(async () => {
      await this.#connected(timeoutMs, options.signal);
      const result = await uploadArchive({
        user: this.#kit.user,
        requestText: this.#requestText(line, options),
        source,
        profile: this.#profile,
        request: (channel, topic, payload) =>
          this.#request(channel, topic, payload, {
            timeoutMs,
            signal: options.signal,
            what: 'A part of the archive',
          }),
        notice: async (channel, topic, payload) => await this.#cell?.streamNotice(channel, topic, payload),
        onProgress: options.onProgress,
      }).catch((error: unknown) => {
        throw deskErrorOf(error, 'The upload failed');
      });
      return this.#readReply(line, result);
    });
  }

  async *download(
    offer: DownloadOffer,
    options: { offset?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    if (offer.sourceFqcn !== 'server') {
      throw new DeskError(
        'unsupported',
        `The file is offered by the cell "${offer.sourceFqcn}", not by the server.`,
      );
    }
    let received = options.offset ?? 0;
    for (;;) {
      const step = await this.#using(() => this.#downloadStep(offer.refId, received, options.signal));
      if (step === 'end') return;
      received = step.received;
      yield step.bytes;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#leave('logout');
    return this.#closing;
  }

  // Opening

  async #connect(
    signal: AbortSignal | undefined,
    onStep?: (step: SessionStep) => void,
  ): Promise<LoginContext & { server: ProvenServer }> {
    const { stepMs, pingMs, loginMs, messageMs } = this.#timeouts;
    const link = await Link.open(this.#target, {
      fqcn: this.#fqcn,
      stepTimeoutMs: stepMs,
      pingMs,
      now: this.#now,
      signal,
      onStep,
    });
    // Tokens are filled in when the server of this connection is proven to be the one they came from.
    const auth: CellAuth = { headers: undefined, isFromServer: undefined };
    const cell: Cell = new Cell(
      link,
      { fqcn: this.#fqcn, auth, noticeChannels: [hciChannel], now: this.#now, logger: this.#logger },
      {
        onNotice: (channel, topic) => {
          if (channel === hciChannel && topic === expiredTopic) this.#finish('expired');
        },
        onBye: () => (this.#saidBye = true),
        onClose: (cause) => this.#lost(cell, cause),
      },
    );
    const context = {
      kit: this.#kit,
      credentials: this.#credentials,
      cell,
      now: this.#now,
      signal,
      onStep,
      loginMs,
      messageMs,
    };
    try {
      const server = await challenge(context);
      auth.isFromServer = serverProof(server.certificate);
      this.#auth = auth;
      this.#cell = cell;
      return { ...context, server };
    } catch (error) {
      cell.close(new DeskError('unreachable', 'The connection was given up.'));
      throw error;
    }
  }

  async #logIn(context: LoginContext & { server: ProvenServer }): Promise<void> {
    await register(context, context.server, this.#auth);
    const { token, identity, signs } = await certificateLogin(context, context.server, this.#study);
    if (this.#study !== undefined && this.#study !== 'default' && identity.study !== this.#study) {
      throw new SessionStepError(
        'login',
        'unsupported',
        `the server does not know studies, "${this.#study}" was asked for.`,
        {
          hint: 'Studies begin with FLARE 2.8. Log in without a study.',
        },
      );
    }
    this.#server = context.server;
    this.#token = token;
    this.#identity = identity;
    this.#profiles = profilesFor(signs);
    if (this.#profiles.length === 0) {
      this.#logger?.warn(
        'The server is of a line this product does not know; it is treated as the newest known.',
      );
      this.#profiles = [protocolProfiles[0]!];
    }
  }

  async #learnCommands(signal: AbortSignal | undefined): Promise<void> {
    const options = { signal };
    const version = this.#profile.reportsVersion
      ? this.execute('report_version server', options).catch(() => undefined)
      : undefined;
    try {
      const reply = await this.execute('_commands', options);
      this.#commands = readable(() => commandsOf(reply.items));
    } catch (error) {
      if (error instanceof DeskError && error.code !== 'cancelled') {
        throw new SessionStepError('commands', error.code, error.message, {
          hint: error.hint,
          retryable: error.retryable,
        });
      }
      throw error;
    } finally {
      this.#exactVersion = versionOf(await version);
    }
  }

  // Requests

  get #profile(): ProtocolProfile {
    return this.#profiles[0] ?? protocolProfiles[0]!;
  }

  #requestText(line: string, options: ExecuteOptions): string {
    const { siteTimeoutMs, customProps, commandProps } = options;
    const meta = defined({
      cmd_timeout: siteTimeoutMs === undefined ? undefined : siteTimeoutMs / 1000,
      custom_props: customProps,
      cmd_props: commandProps,
    });
    return requestText(line, this.#token, meta, this.#now());
  }

  async #request(
    channel: string,
    topic: string,
    payload: Buffer,
    options: { timeoutMs: number; signal: AbortSignal | undefined; what: string },
  ): Promise<CellReply> {
    const cell = this.#cell;
    if (cell === undefined || this.#state === 'closed') throw sessionOver();
    try {
      return await cell.streamRequest(channel, topic, payload, options);
    } catch (error) {
      if (error instanceof DeskError && error.code === 'unreachable') {
        throw new DeskError(
          'unreachable',
          `${error.message} ${options.what} was not answered; it may or may not have been carried out.`,
          {
            retryable: true,
            hint: 'The session connects again by itself. Look at the state, then repeat the command.',
            cause: error,
          },
        );
      }
      if (error instanceof DeskError && error.code === 'timeout') {
        throw new DeskError(
          'timeout',
          `${options.what} was not answered within ${options.timeoutMs / 1000} s.`,
          {
            retryable: true,
            hint: 'The server may be waiting for sites that do not answer. Try again with a longer time limit.',
          },
        );
      }
      throw deskErrorOf(error, `${options.what} failed`);
    }
  }

  #readReply(line: string, text: string): CommandReply {
    const reply = replyOf(
      line,
      readable(() => parseReply(text)),
    );
    if (reply.status === sessionInactive) {
      this.#finish('expired');
      throw sessionOver();
    }
    if (reply.items.some((item) => item.type === 'shutdown')) this.#finish('server_down');
    return reply;
  }

  async #downloadStep(refId: string, received: number, signal: AbortSignal | undefined) {
    const timeoutMs = this.#timeouts.transferMs;
    for (let tries = 1; ; ) {
      await this.#connected(this.#timeouts.reconnectMs, signal);
      const { channel, topic } = this.#profile.download;
      try {
        const reply = await this.#request(channel, topic, downloadRequest(refId, received), {
          timeoutMs,
          signal,
          what: 'A download request',
        });
        if (isUnknownChannel(reply) && this.#profiles.length > 1) {
          this.#profiles.shift();
          continue;
        }
        return readable(() => downloadStep(reply, received));
      } catch (error) {
        // Asking again for the same place is safe (§9.3).
        const again =
          error instanceof DeskError && (error.code === 'unreachable' || error.code === 'timeout');
        if (!again || ++tries > downloadRetries) throw error;
      }
    }
  }

  /** Waits while the session connects again, at most `ms`. */
  async #connected(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#state === 'connected') return;
    let stopListening: () => void = () => undefined;
    const back = new Promise<void>((resolve, reject) => {
      const look = (state: SessionState): void => {
        if (state === 'connected') resolve();
        else if (state === 'closed') reject(sessionOver());
      };
      stopListening = this.onState(look);
      look(this.#state);
    });
    try {
      await within(back, {
        ms,
        signal,
        timeout: () =>
          new DeskError('unreachable', 'The server cannot be reached at the moment.', {
            retryable: true,
            hint: 'The session goes on trying to connect.',
          }),
      });
    } finally {
      stopListening();
    }
  }

  /** Counts as use for the idle time, from beginning to end. */
  async #using<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#state === 'closed' || this.#closing !== undefined) throw sessionOver();
    this.#busy += 1;
    this.#touch();
    try {
      return await work();
    } finally {
      this.#busy -= 1;
      this.#touch();
    }
  }

  #touch(): void {
    this.#lastUse = performance.now();
  }

  // The end, and coming back

  #lost(cell: Cell, cause: DeskError): void {
    if (cell !== this.#cell || this.#state !== 'connected' || this.#token === undefined) return;
    this.#logger?.warn(cause.message);
    this.#setState('reconnecting');
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#stop;
    const end = performance.now() + this.#timeouts.reconnectMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        await pause(reconnectDelays[Math.min(attempt, reconnectDelays.length - 1)]!, signal);
        await this.#resume(signal);
        this.#saidBye = false;
        this.#logger?.info('The session is connected again.');
        this.#setState('connected');
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#logger?.debug(`Connecting again failed: ${reasonOf(error)}`);
        const code = error instanceof DeskError && !error.retryable ? error.code : undefined;
        if (code === 'cert_untrusted') return this.#finish('server_changed');
        if (code === 'auth_failed' || code === 'denied' || code === 'session_lost')
          return this.#finish('lost');
        if (performance.now() > end) return this.#finish(this.#saidBye ? 'server_down' : 'lost');
      }
    }
  }

  /**
   * A new connection for the old session: the challenge proves the server, the old tokens stay good even after a restart
   * (§7.3). A command that passes the session check makes a restarted server know the session again, which uploads need.
   */
  async #resume(signal: AbortSignal): Promise<void> {
    const old = this.#auth.headers;
    const context = await this.#connect(signal);
    const { certificate } = context.server;
    const known = this.#server?.certificate.publicKey.export({ type: 'spki', format: 'der' });
    try {
      if (old !== undefined && known !== undefined && samePublicKey(certificate.publicKey, known)) {
        this.#auth.headers = old;
        if (await this.#isKnown(context.cell, signal)) return;
        // Silence: the server does not accept the old tokens any more (§4.4). A new challenge precedes a new register.
        context.server = await challenge(context);
      }
      this.#auth.headers = undefined;
      await this.#logIn(context);
    } catch (error) {
      this.#auth.headers ??= old;
      context.cell.close(new DeskError('unreachable', 'The connection was given up.'));
      throw error;
    }
  }

  async #isKnown(cell: Cell, signal: AbortSignal): Promise<boolean> {
    const text = this.#requestText('check_status server', {});
    try {
      const reply = await cell.streamRequest(hciChannel, commandTopic, packRequest(text), {
        timeoutMs: this.#timeouts.messageMs,
        signal,
      });
      const { status } = replyOf('', parseReply(unpackReply(reply.payload)));
      return reply.returnCode === 'ok' && status !== sessionInactive && status !== 'not_authenticated';
    } catch (error) {
      if (error instanceof DeskError && error.code === 'timeout') return false;
      throw error;
    }
  }

  async #leave(end: SessionEnd): Promise<void> {
    const cell = this.#cell;
    if (this.#state === 'connected' && cell !== undefined && this.#token !== undefined) {
      const text = this.#requestText('_logout', {});
      await cell
        .streamRequest(hciChannel, commandTopic, packRequest(text), { timeoutMs: logoutMs })
        .catch(() => undefined);
      await cell.bye(byeMs);
    }
    this.#finish(end);
  }

  #finish(end: SessionEnd): void {
    if (this.#state === 'closed') return;
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#certificateTimer);
    this.#stop.abort();
    this.#token = undefined;
    this.#auth.headers = undefined;
    this.#setState('closed');
    this.#cell?.close(sessionOver());
    this.#cell = undefined;
    this.#resolveEnded(end);
    this.#listeners.clear();
  }

  #setState(state: SessionState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  #watchIdle(ms: number): void {
    this.#idleTimer = setTimeout(() => {
      const left =
        this.#busy > 0 ? this.#timeouts.idleMs : this.#lastUse + this.#timeouts.idleMs - performance.now();
      if (left > 0) {
        this.#watchIdle(left);
        return;
      }
      this.#logger?.info('The session was idle for too long; it is logged out.');
      this.#closing ??= this.#leave('expired');
    }, ms);
  }

  /** A session does not outlive its certificate. */
  #watchCertificate(): void {
    const left = this.#kit.certificateEnds - this.#now();
    this.#certificateTimer = setTimeout(
      () => (left > longestTimerMs ? this.#watchCertificate() : this.#finish('expired')),
      Math.max(0, Math.min(left, longestTimerMs)),
    );
    this.#certificateTimer.unref();
  }
}

function sessionOver(): DeskError {
  return new DeskError('session_lost', 'The session is over.', { hint: 'Log in again.' });
}

/** A peer that breaks the protocol is an error a person can read. */
function deskErrorOf(error: unknown, what: string): DeskError {
  if (error instanceof DeskError) return error;
  return new DeskError('remote_failed', `${what}: ${reasonOf(error)}.`, { cause: error });
}

function readable<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new DeskError('remote_failed', `The server's answer makes no sense: ${error.message}.`, {
      hint: 'The server may be of a line this product does not know.',
      cause: error,
    });
  }
}

/** `{server: {version}}` of `report_version server`. */
function versionOf(reply: CommandReply | undefined): string | undefined {
  const item = reply?.ok ? reply.items.find((found) => found.type === 'dict') : undefined;
  const server = item?.data['server'] as { version?: unknown } | undefined;
  return typeof server?.version === 'string' ? server.version : undefined;
}

function firstWord(line: string): string {
  return line.trim().split(/\s+/, 1)[0] ?? '';
}

function defined<Values extends object>(values: Values): Partial<Values> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<Values>;
}
