/** One live SSH connection: commands, files, forwards. Everything ends when the connection ends; nothing waits forever. */
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';
import { DeskError } from '../../contract/errors.ts';
import { printable } from './printable.ts';
import { quoteArguments } from './quote.ts';
import { SftpSession } from './sftp.ts';
import type { ExecOptions, ExecResult } from './types.ts';

const defaultTimeoutMs = 60_000;
const defaultMaxOutput = 1024 * 1024;
/** How long the other side may take to see us off. */
const farewellMs = 1000;
/** A server that allows one session at a time needs a moment to see that the last one ended. */
const channelRetryMs = [20, 50, 100, 200, 400, 800];

export class SshConnection {
  /** The host as the person named it. */
  readonly label: string;
  readonly #client: Client;
  readonly #socket: Duplex;
  #closeChain: () => void = () => undefined;
  readonly #lost: Promise<never>;
  #closed = false;

  /** Made by `connect`. The socket is the client's own: ssh2 does not let go of one it has begun to end. */
  constructor(label: string, client: Client, socket: Duplex) {
    this.label = label;
    this.#client = client;
    this.#socket = socket;
    this.#lost = new Promise((_, reject) => {
      let reason = '';
      client.on('error', (error) => {
        reason = printable(error.message);
      });
      client.on('close', () => {
        this.#closed = true;
        reject(
          new DeskError('unreachable', `The SSH connection to ${label} was lost${reason && `: ${reason}`}.`, {
            hint: 'Run the step again: what is already done is kept.',
            retryable: true,
          }),
        );
      });
    });
    this.#lost.catch(() => undefined);
  }

  /** True once the connection has ended, by us or not. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Runs one command, given as its words, and waits for its end. A non-zero exit is an answer, not an error.
   * Errors: `cancelled`, `timeout` (the command is told to end), `unreachable` (connection lost), `remote_failed` (the
   * server runs no commands for this account).
   */
  async exec(args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const command = quoteArguments(args);
    throwIfCancelled(options.signal);
    // The listeners are set within the callback: the exit of a quick command may come in the same packet.
    const running = await this.#openChannel<RunningCommand>(
      (done) =>
        this.#client.exec(command, (error, channel) => {
          if (error) done(error);
          else done(undefined, new RunningCommand(channel, options, this.label));
        }),
      'runs no commands for this account',
      options.signal,
    );
    return this.#racing(running.result, options.signal, () => running.end());
  }

  /** Opens an SFTP session; close it after use. Errors: as `exec`. */
  async sftp(options: { signal?: AbortSignal } = {}): Promise<SftpSession> {
    throwIfCancelled(options.signal);
    const wrapper = await this.#openChannel<SFTPWrapper>(
      (done) => this.#client.sftp(done),
      'offers no SFTP',
      options.signal,
    );
    return new SftpSession(wrapper, this.label, this.#lost);
  }

  /** A byte stream to a TCP port as the host sees it (`direct-tcpip`). Errors: `remote_failed`, `unreachable`. */
  forward(host: string, port: number, options: { signal?: AbortSignal } = {}): Promise<Duplex> {
    return this.#openChannel<ClientChannel>(
      (done) => this.#client.forwardOut('127.0.0.1', 0, host, port, done),
      `cannot reach ${host} port ${port}`,
      options.signal,
      false,
    );
  }

  /** Names what ends together with this connection (its jump hosts). */
  closesWith(close: () => void): void {
    this.#closeChain = close;
    this.#client.on('close', close);
  }

  /** Ends the connection and those of its jump hosts. May be called more than once. */
  close(): void {
    this.#closed = true;
    this.#client.end();
    // A peer that has fallen silent must not hold this process until the keepalive gives up.
    setTimeout(() => this.#socket.destroy(), farewellMs).unref();
    this.#closeChain();
  }

  async #openChannel<T extends { end(): unknown }>(
    open: (done: (error: Error | undefined, channel?: T) => void) => void,
    refusal: string,
    signal: AbortSignal | undefined,
    retry = true,
  ): Promise<T> {
    const waits = retry ? [...channelRetryMs] : [];
    for (;;) {
      const opening = new Promise<T>((resolve, reject) => {
        open((error, channel) => {
          if (channel) resolve(channel);
          else reject(error ?? new Error('no channel'));
        });
      });
      try {
        return await this.#racing(opening, signal, () => {
          opening.then((channel) => channel.end()).catch(() => undefined);
        });
      } catch (error) {
        if (error instanceof DeskError) throw error;
        const wait = this.#closed ? undefined : waits.shift();
        if (wait === undefined) {
          if (this.#closed) await this.#lost;
          const reason = error instanceof Error ? printable(error.message) : 'unknown reason';
          throw new DeskError('remote_failed', `${this.label} ${refusal} (${reason}).`, {
            hint: 'The account may be limited to SFTP, or the server allows fewer sessions at once (MaxSessions).',
          });
        }
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  /** The first of: the work, the end of the connection, the caller's cancel. */
  async #racing<T>(work: Promise<T>, signal: AbortSignal | undefined, abandon: () => void): Promise<T> {
    let onAbort: (() => void) | undefined;
    const cancel = new Promise<never>((_, reject) => {
      onAbort = () => reject(cancelled());
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([work, this.#lost, cancel]);
    } catch (error) {
      work.catch(() => undefined);
      abandon();
      throw error;
    } finally {
      if (onAbort) signal?.removeEventListener('abort', onAbort);
    }
  }
}

export function cancelled(): DeskError {
  return new DeskError('cancelled', 'Cancelled.');
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

/** A command under way; what it says is gathered from the first byte on. */
class RunningCommand {
  readonly result: Promise<ExecResult>;
  readonly #channel: ClientChannel;

  constructor(channel: ClientChannel, options: ExecOptions, label: string) {
    this.#channel = channel;
    this.result = collect(channel, options, label);
    this.result.catch(() => undefined);
  }

  end(): void {
    this.#channel.close();
  }
}

function collect(channel: ClientChannel, options: ExecOptions, label: string): Promise<ExecResult> {
  const limit = options.maxOutput ?? defaultMaxOutput;
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const result: ExecResult = {
    code: null,
    stdout: Buffer.alloc(0),
    stderr: Buffer.alloc(0),
    truncated: false,
  };
  const keep = (chunks: Buffer[]) => {
    let size = 0;
    return (chunk: Buffer) => {
      const room = limit - size;
      if (chunk.length > room) result.truncated = true;
      if (room <= 0) return;
      const part = chunk.subarray(0, room);
      size += part.length;
      chunks.push(part);
    };
  };
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  return new Promise((resolve, reject) => {
    let ended = false;
    const timer = setTimeout(() => {
      channel.signal('TERM');
      channel.close();
      reject(
        new DeskError(
          'timeout',
          `A command on ${label} did not end within ${Math.round(timeoutMs / 1000)} s.`,
          {
            retryable: true,
          },
        ),
      );
    }, timeoutMs);
    channel.on('data', keep(out));
    channel.stderr.on('data', keep(err));
    channel.on('exit', (code: number | null, signal?: string) => {
      result.code = code;
      if (signal !== undefined) result.signal = signal;
    });
    channel.on('error', () => undefined);
    channel.on('close', () => {
      ended = true;
      clearTimeout(timer);
      channel.emit('drain');
      resolve({ ...result, stdout: Buffer.concat(out), stderr: Buffer.concat(err) });
    });
    feed(channel, options.stdin, () => ended).catch((error: unknown) => {
      channel.close();
      clearTimeout(timer);
      reject(error instanceof Error ? error : new Error('the data to send could not be read'));
    });
  });
}

/** Writes standard input with back-pressure; stops quietly when the command ends first. */
async function feed(
  channel: ClientChannel,
  stdin: ExecOptions['stdin'],
  ended: () => boolean,
): Promise<void> {
  if (stdin === undefined || typeof stdin === 'string' || stdin instanceof Uint8Array) {
    channel.end(stdin);
    return;
  }
  for await (const chunk of stdin) {
    if (ended()) return;
    if (!channel.write(chunk)) await new Promise((resolve) => channel.once('drain', resolve));
  }
  if (!ended()) channel.end();
}
