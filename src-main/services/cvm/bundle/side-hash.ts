/** SHA-256 of a long stream computed on a thread of its own, so that the reader may hash something else meanwhile. */
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';

/** Computes in the caller's thread below this size: a thread takes longer to start than the hash of so little. */
const alongsideBytes = 64 * 1024 ** 2;
/** Chunks on their way to the thread; more are waited for, so that a slow thread does not fill the memory. */
const mostUnderWay = 8;

/** The thread's whole program, as text: it is the same whether the sources run as they are or bundled. */
const program = `
const { parentPort } = require('node:worker_threads');
const hash = require('node:crypto').createHash('sha256');
parentPort.on('message', (chunk) => {
  if (chunk === null) {
    parentPort.postMessage(hash.digest('hex'));
    parentPort.close();
  } else {
    hash.update(chunk);
    parentPort.postMessage(null);
  }
});
`;

export interface SideHash {
  /** Takes a copy of the bytes. Undefined: go on at once; else wait for it first. Rejects when the thread has died. */
  update(chunk: Buffer): Promise<void> | undefined;
  /** Hexadecimal, of everything taken. */
  digest(): Promise<string>;
  /** Ends the thread, whatever it still does; to be called in any case. */
  stop(): void;
}

/** @param size bytes that will come, as far as is known */
export function sideHash(size: number, least = alongsideBytes): SideHash {
  if (size < least) {
    const hash = createHash('sha256');
    return {
      update: (chunk) => void hash.update(chunk),
      digest: () => Promise.resolve(hash.digest('hex')),
      stop: () => undefined,
    };
  }
  const worker = new Worker(program, { eval: true, env: {}, execArgv: [] });
  let underWay = 0;
  let taken: (() => void) | undefined;
  let tellDigest: (digest: string) => void = () => undefined;
  const digested = new Promise<string>((resolve) => (tellDigest = resolve));
  const died = new Promise<never>((_, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread that computes SHA-256 has ended')));
  });
  died.catch(() => undefined);
  worker.on('message', (answer: string | null) => {
    if (answer !== null) {
      tellDigest(answer);
      return;
    }
    underWay -= 1;
    taken?.();
  });
  return {
    update(chunk) {
      const copy = new Uint8Array(chunk);
      worker.postMessage(copy, [copy.buffer]);
      underWay += 1;
      if (underWay < mostUnderWay) return undefined;
      return Promise.race([new Promise<void>((resolve) => (taken = resolve)), died]);
    },
    digest() {
      worker.postMessage(null);
      return Promise.race([digested, died]);
    },
    stop: () => void worker.terminate(),
  };
}
