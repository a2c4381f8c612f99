/** SFTP as promises. Each one is raced against the end of the session and of the connection: ssh2 may never call back. */
import type { FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2';
import { DeskError } from '../../contract/errors.ts';
import { printable } from './printable.ts';

/** SSH_FX_… values of draft-ietf-secsh-filexfer-02 §7. */
const reasons: Record<number, { code: 'not_found' | 'denied' | 'remote_failed'; text: string }> = {
  2: { code: 'not_found', text: 'no such file or folder' },
  3: { code: 'denied', text: 'permission denied' },
  4: { code: 'remote_failed', text: 'the server failed (full disk, quota, or wrong kind of file)' },
  8: { code: 'remote_failed', text: 'the server does not support this' },
};

/** What every server grants in one request, and how many are on their way at once. */
const blockBytes = 32 * 1024;
const requestsAhead = 64;

type Done<T> = (error: Error | null | undefined, value: T) => void;

export class SftpSession {
  readonly #sftp: SFTPWrapper;
  readonly #label: string;
  readonly #ended: Promise<never>;
  #open = true;

  /** Made by `SshConnection.sftp`. */
  constructor(sftp: SFTPWrapper, label: string, lost: Promise<never>) {
    this.#sftp = sftp;
    this.#label = label;
    const closed = new Promise<never>((_, reject) => {
      const end = () => {
        this.#open = false;
        reject(new DeskError('unreachable', `The SFTP session with ${label} ended.`, { retryable: true }));
      };
      sftp.on('close', end);
      sftp.on('end', end);
      sftp.on('error', end);
    });
    this.#ended = Promise.race([lost, closed]);
    this.#ended.catch(() => undefined);
  }

  /** File type, size, mode and times of a path; follows links. Errors: `not_found`, `denied`, `remote_failed`. */
  stat(path: string): Promise<Stats> {
    return this.#call(path, (done: Done<Stats>) => this.#sftp.stat(path, done));
  }

  /** The entries of a folder. */
  list(path: string): Promise<FileEntryWithStats[]> {
    return this.#call(path, (done: Done<FileEntryWithStats[]>) => this.#sftp.readdir(path, done));
  }

  /** The whole content of a file. */
  read(path: string): Promise<Buffer> {
    return this.#call(path, (done: Done<Buffer>) => this.#sftp.readFile(path, done));
  }

  /** Writes a whole file, made or replaced with the given mode. Not atomic: write to a temporary name and `rename`. */
  write(path: string, data: Buffer, mode = 0o600): Promise<void> {
    return this.#call(path, (done: Done<void>) =>
      this.#sftp.writeFile(path, data, { mode }, (error) => done(error, undefined)),
    );
  }

  /**
   * Brings a file into a file here (mode 600, made or replaced), many blocks at once. `bytes` is its size, for progress. Not
   * atomic: write to a temporary name. Ends early when the signal fires (`cancelled`); what came so far is left to the caller.
   */
  async download(
    path: string,
    to: string,
    options: { bytes: number; signal?: AbortSignal; progress?: (done: number) => void },
  ): Promise<void> {
    const { signal, progress } = options;
    const stop = () => this.#sftp.end();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      if (signal?.aborted) throw new DeskError('cancelled', 'Cancelled.');
      await this.#call(path, (done: Done<void>) =>
        this.#sftp.fastGet(
          path,
          to,
          {
            mode: 0o600,
            fileSize: options.bytes,
            step: (transferred) => progress?.(transferred),
          },
          (error) => done(error, undefined),
        ),
      );
    } catch (error) {
      if (signal?.aborted) throw new DeskError('cancelled', 'Cancelled.');
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /**
   * The bytes of a file from `start` to `end` (exclusive), in order, many requests ahead of the reader: a slow line is filled, and
   * nobody needs the whole in memory. Nothing is read before it is asked for. Errors: as `read`, `remote_failed` when the file ends early.
   */
  async *stream(path: string, start: number, end: number): AsyncGenerator<Buffer> {
    const handle = await this.#call(path, (done: Done<Buffer>) => this.#sftp.open(path, 'r', done));
    const ahead: Promise<Buffer>[] = [];
    let next = start;
    try {
      for (;;) {
        while (next < end && ahead.length < requestsAhead) {
          const block = this.#block(handle, path, next, Math.min(blockBytes, end - next));
          // It is awaited in its turn; until then a failure is nobody's.
          block.catch(() => undefined);
          ahead.push(block);
          next += blockBytes;
        }
        const block = ahead.shift();
        if (block === undefined) return;
        yield await block;
      }
    } finally {
      await Promise.allSettled(ahead);
      if (this.#open)
        await this.#call(path, (done: Done<void>) =>
          this.#sftp.close(handle, (error) => done(error, undefined)),
        ).catch(() => undefined);
    }
  }

  /** One block whole: a server may answer with less than it was asked for. */
  async #block(handle: Buffer, path: string, position: number, length: number): Promise<Buffer> {
    const block = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const got = await this.#call(path, (tell: Done<number>) =>
        this.#sftp.read(handle, block, done, length - done, position + done, (error, bytes) =>
          tell(error, bytes),
        ),
      );
      if (got === 0)
        throw new DeskError('remote_failed', `${this.#label}:${path}: the file ended early.`, {
          retryable: true,
        });
      done += got;
    }
    return block;
  }

  /** Makes one folder. */
  mkdir(path: string, mode = 0o700): Promise<void> {
    return this.#call(path, (done: Done<void>) =>
      this.#sftp.mkdir(path, { mode }, (error) => done(error, undefined)),
    );
  }

  /** Moves over what is there, atomically where the server knows OpenSSH's extension. */
  rename(from: string, to: string): Promise<void> {
    return this.#call(from, (done: Done<void>) =>
      this.#sftp.ext_openssh_rename(from, to, (error) => done(error, undefined)),
    );
  }

  /** Removes one file. */
  remove(path: string): Promise<void> {
    return this.#call(path, (done: Done<void>) => this.#sftp.unlink(path, (error) => done(error, undefined)));
  }

  close(): void {
    this.#open = false;
    this.#sftp.end();
  }

  async #call<T>(path: string, run: (done: Done<T>) => void): Promise<T> {
    if (!this.#open)
      throw new DeskError('unreachable', `The SFTP session with ${this.#label} has ended.`, {
        retryable: true,
      });
    const work = new Promise<T>((resolve, reject) => {
      run((error, value) => {
        if (error) reject(error);
        else resolve(value);
      });
    });
    try {
      return await Promise.race([work, this.#ended]);
    } catch (error) {
      work.catch(() => undefined);
      if (error instanceof DeskError) throw error;
      // What ssh2 tells requests that are open when the channel goes, before anybody hears of its end.
      if (error instanceof Error && error.message === 'No response from server')
        throw new DeskError('unreachable', `The SFTP session with ${this.#label} ended.`, {
          retryable: true,
        });
      const status = (error as { code?: unknown }).code;
      const known = typeof status === 'number' ? reasons[status] : undefined;
      throw new DeskError(
        known?.code ?? 'remote_failed',
        `${this.#label}:${path}: ${known?.text ?? (error instanceof Error ? printable(error.message) : 'failed')}.`,
      );
    }
  }
}
