/** Requests that wait for their answer: each has a time limit that any progress starts anew, and one cell that may answer. */
import { DeskError } from '../../contract/errors.ts';
import { serverName } from './link.ts';
import type { MsgpackMap } from './msgpack.ts';
import { cancelled } from './wait.ts';

export interface CellReply {
  returnCode: string;
  error: string;
  headers: MsgpackMap;
  payload: Uint8Array;
}

export interface RequestOptions {
  /** Without any progress for so long the request fails with `timeout`. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Application headers. */
  headers?: MsgpackMap;
  /** The cell that is to answer; the server when missing. Messages to other cells go through the server. */
  destination?: string;
}

export interface PendingRequest {
  /** Only this cell may answer. */
  destination: string;
  resolve(reply: CellReply): void;
  reject(error: Error): void;
  /** Starts the waiting time anew. */
  progress(): void;
}

export class PendingRequests {
  readonly #isClosed: () => boolean;
  readonly #pending = new Map<string, PendingRequest>();

  /** @param isClosed whether the link is gone, so that nothing can be sent */
  constructor(isClosed: () => boolean) {
    this.#isClosed = isClosed;
  }

  get(id: string): PendingRequest | undefined {
    return this.#pending.get(id);
  }

  /** A cell that was asked something, or whose acknowledgements are still due. */
  speaksWith(fqcn: string): boolean {
    return [...this.#pending.values()].some(({ destination }) => destination === fqcn);
  }

  rejectAll(error: Error): void {
    for (const pending of [...this.#pending.values()]) pending.reject(error);
  }

  /** Sends with `start` and waits for the answer to `id`. Throws `timeout`, `cancelled`, `unreachable`, and what `start` throws. */
  await(id: string, options: RequestOptions, start: () => Promise<void>): Promise<CellReply> {
    const { timeoutMs, signal } = options;
    return new Promise<CellReply>((resolve, reject) => {
      const finish = (act: () => void): void => {
        if (!this.#pending.delete(id)) return;
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        act();
      };
      const fail = (error: Error): void => finish(() => reject(error));
      const abort = (): void => fail(cancelled());
      const timer = setTimeout(
        () =>
          fail(
            new DeskError('timeout', `The server did not answer within ${timeoutMs / 1000} s.`, {
              retryable: true,
            }),
          ),
        timeoutMs,
      );
      this.#pending.set(id, {
        destination: options.destination ?? serverName,
        resolve: (reply) => finish(() => resolve(reply)),
        reject: fail,
        progress: () => timer.refresh(),
      });
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) {
        abort();
        return;
      }
      if (this.#isClosed()) {
        fail(new DeskError('unreachable', 'The connection to the server is lost.', { retryable: true }));
        return;
      }
      const failed = (error: unknown): void =>
        fail(error instanceof Error ? error : new Error(String(error)));
      try {
        start().catch(failed);
      } catch (error) {
        failed(error);
      }
    });
  }
}
