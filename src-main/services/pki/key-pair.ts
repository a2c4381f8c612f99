import { generateKeyPair } from 'node:crypto';
import { availableParallelism } from 'node:os';
import PQueue from 'p-queue';
import { DeskError } from '../../contract/errors.ts';

export interface KeyPair {
  /** RSAPublicKey (PKCS#1) DER. */
  publicKey: Buffer;
  /** PKCS#1 PEM, unencrypted, LF, final newline (docs/reference/provisioning.md §5.7). */
  privateKeyPem: string;
}

/**
 * Keys come from libuv's pool, which has four threads by default and also serves file operations: keep one free.
 * A 2048-bit key takes about 35 ms of one core; one more than there are cores keeps all of them busy while the main
 * thread fetches the next.
 */
const queue = new PQueue({ concurrency: Math.min(availableParallelism() + 1, 3) });

/**
 * Makes one RSA-2048 key pair (e = 65537) off the main thread; calls queue up, at most three run at once. Throws `cancelled` when the signal fires while it waits.
 */
export async function newKeyPair(signal?: AbortSignal): Promise<KeyPair> {
  return queue.add(() => {
    if (signal?.aborted === true) throw new DeskError('cancelled', 'Cancelled while making keys.');
    return generate();
  });
}

function generate(): Promise<KeyPair> {
  return new Promise((resolve, reject) => {
    generateKeyPair(
      'rsa',
      {
        modulusLength: 2048,
        publicExponent: 65537,
        publicKeyEncoding: { type: 'pkcs1', format: 'der' },
        privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      },
      (error, publicKey, privateKey) => {
        if (error) reject(error);
        else resolve({ publicKey, privateKeyPem: privateKey });
      },
    );
  });
}
