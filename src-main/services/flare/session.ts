/** A living admin session: logged in, kept alive, connected again when the server comes back. */
import { DeskError } from '../../contract/errors.ts';
import type { Logger } from '../../ports.ts';
import { deskErrorOf, readable, requestErrorOf, sessionOver } from './answers.ts';
import type { CellReply } from './pending-requests.ts';
import { type Connection, Connector } from './connection.ts';
import { credentialsOf } from './credentials.ts';
import { SessionStepError, type SessionStep } from './errors.ts';
import {
  ccChannel,
  evidenceRequest,
  evidenceTopic,
  readEvidence,
  readSites,
  refuseUnproven,
  sitesTopic,
} from './evidence.ts';
import {
  commandTopic,
  hciChannel,
  packRequest,
  parseReply,
  replyOf,
  requestText,
  sessionInactive,
  unpackReply,
} from './hci.ts';
import type { LoggedIn } from './login.ts';
import type { OpenSessionOptions } from './session-options.ts';
import { type ProtocolProfile, profilesFor, protocolProfiles } from './profiles.ts';
import {
  byeMs,
  defaultTimeouts,
  defined,
  logoutMs,
  probeMs,
  type SessionTimeouts,
  siteMarginMs,
} from './timeouts.ts';
import { fetchStep } from './fetch-step.ts';
import { learnServer } from './learn-server.ts';
import { type DownloadStep, uploadArchive } from './transfer.ts';
import type {
  AdminKit,
  AdminSession,
  CommandInfo,
  CommandReply,
  ConfidentialSite,
  DownloadOffer,
  EvidenceOptions,
  ExecuteOptions,
  SessionEnd,
  SessionIdentity,
  SessionState,
  SiteEvidence,
  UploadSource,
} from './types.ts';
import { comeBack } from './reconnect.ts';
import { StateCell } from './state.ts';
import { callAt, IdleWatch } from './watches.ts';

/** A session once it was opened (`openSession`). */
export class Session implements AdminSession {
  readonly #kit: AdminKit;
  readonly #logger: Logger | undefined;
  readonly #now: () => number;
  readonly #timeouts: SessionTimeouts;
  readonly #connector: Connector;
  readonly #idle: IdleWatch;
  readonly #state: StateCell;
  readonly #stop = new AbortController();
  readonly ended: Promise<SessionEnd>;
  #resolveEnded: (end: SessionEnd) => void = () => undefined;

  #closing: Promise<void> | undefined;
  #connection: Connection | undefined;
  #login: LoggedIn | undefined;
  #identity: SessionIdentity = { user: '', org: '', role: '' };
  /** What the server may be, most likely first; the first is used until it proves wrong. */
  #profiles: ProtocolProfile[] = [...protocolProfiles];
  #exactVersion: string | undefined;
  #commands: CommandInfo[] = [];
  #saidBye = false;
  #stopCertificateWatch: () => void = () => undefined;

  constructor(kit: AdminKit, options: OpenSessionOptions) {
    const credentials = credentialsOf(kit);
    this.#kit = kit;
    this.#logger = options.logger;
    this.#state = new StateCell(options.logger);
    this.#now = () => options.clock?.now() ?? Date.now();
    this.#timeouts = {
      ...defaultTimeouts,
      ...defined(credentials.timeouts),
      ...defined(options.timeouts ?? {}),
    };
    this.#connector = new Connector(
      {
        kit,
        credentials,
        timeouts: this.#timeouts,
        study: options.study,
        now: this.#now,
        logger: options.logger,
      },
      {
        onExpired: () => this.#finish('expired'),
        onBye: () => (this.#saidBye = true),
        onClose: (connection, cause) => this.#lost(connection, cause),
      },
    );
    this.#idle = new IdleWatch(this.#timeouts.idleMs, () => {
      this.#logger?.info('The session was idle for too long; it is logged out.');
      this.#closing ??= this.#leave('expired');
    });
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
    return this.#state.now;
  }

  onState(listener: (state: SessionState) => void): () => void {
    return this.#state.onChange(listener);
  }

  async open(
    signal: AbortSignal | undefined,
    onStep: ((step: SessionStep) => void) | undefined,
  ): Promise<void> {
    try {
      this.#connection = await this.#connector.connect({ signal, onStep });
      this.#useLogin(await this.#connector.logIn(this.#connection));
      onStep?.('commands');
      await this.#learnCommands(signal);
    } catch (error) {
      this.#finish('lost');
      throw error;
    }
    // It may have broken in the very moment it was ready.
    if (this.#connection.cell.closed && this.#state.now === 'connected') {
      this.#finish('lost');
      throw new SessionStepError('commands', 'unreachable', 'the connection broke.', {
        retryable: true,
        hint: 'Try again.',
      });
    }
    this.#idle.start();
    this.#stopCertificateWatch = callAt(this.#kit.certificateEnds, this.#now, () => this.#finish('expired'));
  }

  async execute(line: string, options: ExecuteOptions = {}): Promise<CommandReply> {
    const { siteTimeoutMs, signal } = options;
    const usual = siteTimeoutMs === undefined ? this.#timeouts.commandMs : siteTimeoutMs + siteMarginMs;
    const timeoutMs = options.timeoutMs ?? usual;
    const what = `The command "${line.trim().split(/\s+/, 1)[0] ?? ''}"`;
    return await this.#using(async () => {
      await this.#state.connected(timeoutMs, signal);
      const payload = packRequest(this.#requestText(line, options));
      const reply = await this.#request(hciChannel, commandTopic, payload, { timeoutMs, signal, what });
      if (reply.returnCode !== 'ok') {
        throw new DeskError('remote_failed', `${what} was refused: ${reply.error || reply.returnCode}.`);
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
    const { signal, onProgress, timeoutMs = this.#timeouts.transferMs } = options;
    const what = 'A part of the archive';
    return await this.#using(async () => {
      await this.#state.connected(timeoutMs, signal);
      const result = await uploadArchive({
        user: this.#kit.user,
        requestText: this.#requestText(line, options),
        source,
        profile: this.#profile,
        request: (channel, topic, payload) =>
          this.#request(channel, topic, payload, { timeoutMs, signal, what }),
        notice: async (channel, topic, payload) =>
          await this.#connection?.cell.streamNotice(channel, topic, payload),
        onProgress,
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

  async confidentialSites(options: EvidenceOptions = {}): Promise<ConfidentialSite[]> {
    return readSites(await this.#askSite('server', sitesTopic, options));
  }

  async freshEvidence(fqcn: string, options: EvidenceOptions = {}): Promise<SiteEvidence> {
    return readEvidence(await this.#askSite(fqcn, evidenceTopic, options));
  }

  probe(): void {
    if (this.#state.now === 'connected') this.#connection?.cell.probe(probeMs);
  }

  close(): Promise<void> {
    this.#closing ??= this.#leave('logout');
    return this.#closing;
  }

  // Login

  #useLogin(login: LoggedIn): void {
    if (login === this.#login) return;
    this.#login = login;
    this.#identity = login.identity;
    this.#profiles = profilesFor(login.signs);
    if (this.#profiles.length > 0) return;
    this.#logger?.warn(
      'The server is of a line this product does not know; it is treated as the newest known.',
    );
    this.#profiles = [protocolProfiles[0]!];
  }

  async #learnCommands(signal: AbortSignal | undefined): Promise<void> {
    const ask = (line: string) => this.execute(line, { signal });
    const { commands, version } = await learnServer(ask, this.#profile.reportsVersion);
    this.#commands = commands;
    this.#exactVersion = version;
  }

  // Requests

  get #profile(): ProtocolProfile {
    return this.#profiles[0]!;
  }

  #requestText(line: string, options: ExecuteOptions): string {
    const { siteTimeoutMs, customProps, commandProps } = options;
    const meta = defined({
      cmd_timeout: siteTimeoutMs === undefined ? undefined : siteTimeoutMs / 1000,
      custom_props: customProps,
      cmd_props: commandProps,
    });
    return requestText(line, this.#login?.token, meta, this.#now());
  }

  async #request(
    channel: string,
    topic: string,
    payload: Buffer,
    options: { timeoutMs: number; signal: AbortSignal | undefined; what: string; destination?: string },
  ): Promise<CellReply> {
    if (this.#connection === undefined) throw sessionOver();
    try {
      return await this.#connection.cell.streamRequest(channel, topic, payload, options);
    } catch (error) {
      throw requestErrorOf(error, options.what, options.timeoutMs);
    }
  }

  /** A background question: it does not count as use, so it does not keep an idle session open. */
  async #askSite(fqcn: string, topic: string, options: EvidenceOptions): Promise<CellReply> {
    if (this.#state.now === 'closed' || this.#closing !== undefined) throw sessionOver();
    refuseUnproven(this.serverVersion);
    const { signal, timeoutMs = this.#timeouts.commandMs } = options;
    await this.#state.connected(timeoutMs, signal);
    return await this.#request(ccChannel, topic, evidenceRequest(this.#kit.user), {
      timeoutMs,
      signal,
      what: `The request to "${fqcn}"`,
      destination: fqcn,
    });
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

  #downloadStep(refId: string, received: number, signal: AbortSignal | undefined): Promise<DownloadStep> {
    const options = { timeoutMs: this.#timeouts.transferMs, signal, what: 'A download request' };
    return fetchStep(refId, received, {
      connected: () => this.#state.connected(this.#timeouts.reconnectMs, signal),
      profile: () => this.#profile,
      nextProfile: () => {
        if (this.#profiles.length === 1) return false;
        this.#profiles.shift();
        return true;
      },
      request: (channel, topic, payload) => this.#request(channel, topic, payload, options),
    });
  }

  async #using<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#state.now === 'closed' || this.#closing !== undefined) throw sessionOver();
    return await this.#idle.during(work);
  }

  // The end, and coming back

  #lost(connection: Connection, cause: DeskError): void {
    const login = this.#login;
    if (connection !== this.#connection || this.#state.now !== 'connected' || login === undefined) return;
    this.#logger?.warn(cause.message);
    this.#state.set('reconnecting');
    void this.#reconnect(connection, login);
  }

  async #reconnect(connection: Connection, login: LoggedIn): Promise<void> {
    const { signal } = this.#stop;
    const back = await comeBack({
      resume: () => this.#connector.resume({ connection, login }, signal),
      limitMs: this.#timeouts.reconnectMs,
      signal,
      logger: this.#logger,
    }).catch(() => undefined);
    if (back === undefined || this.#state.now === 'closed') {
      if (typeof back === 'object') back.connection.cell.close(sessionOver());
    } else if (typeof back === 'string') {
      const lost = this.#saidBye && back === 'given_up' ? 'server_down' : 'lost';
      this.#finish(back === 'server_changed' ? back : lost);
    } else {
      this.#connection = back.connection;
      this.#useLogin(back.login);
      this.#saidBye = false;
      this.#logger?.info('The session is connected again.');
      this.#state.set('connected');
    }
  }

  async #leave(end: SessionEnd): Promise<void> {
    const cell = this.#connection?.cell;
    if (this.#state.now === 'connected' && cell !== undefined) {
      const payload = packRequest(this.#requestText('_logout', {}));
      await cell
        .streamRequest(hciChannel, commandTopic, payload, { timeoutMs: logoutMs })
        .catch(() => undefined);
      await cell.bye(byeMs);
    }
    this.#finish(end);
  }

  #finish(end: SessionEnd): void {
    if (this.#state.now === 'closed') return;
    this.#idle.stop();
    this.#stopCertificateWatch();
    this.#stop.abort();
    this.#login = undefined;
    this.#state.set('closed');
    this.#connection?.cell.close(sessionOver());
    this.#connection = undefined;
    this.#resolveEnded(end);
  }
}
