import { createSign } from 'node:crypto';
import { publicDerOf, readRsaPrivateKey } from './private-key.ts';
import { pssOptions, signPss } from './pss.ts';

/** Signs with one private key that stays inside. */
export interface Signer {
  /** The PSS signature of the bytes (256 bytes for a 2048-bit key). Synchronous, about 0.7 ms. */
  sign(data: Uint8Array): Buffer;
  /** The same for data that is too large to hold: the chunks are hashed as they come. */
  signChunks(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer>;
  /** The public half as DER (SubjectPublicKeyInfo), to compare with a certificate. */
  readonly publicKeyDer: Buffer;
}

/**
 * Opens an admin's private key for signing logins, commands and jobs: RSASSA-PSS, SHA-256, MGF1-SHA-256, the largest
 * salt (docs/reference/provisioning.md §6.1). The key is reachable only through the answer's methods.
 *
 * @param keyPem text of a PEM file: PKCS#1 (as kits carry it) or PKCS#8, unencrypted
 * @param from the file it was read from, named in errors
 * @throws DeskError `invalid_input` when it is no usable RSA private key
 */
export function loadAdminSigner(keyPem: string | Uint8Array, from = 'the private key'): Signer {
  const privateKey = readRsaPrivateKey(keyPem, from);
  const publicKeyDer = publicDerOf(privateKey);
  return {
    publicKeyDer,
    sign: (data) => signPss(privateKey, data),
    async signChunks(chunks) {
      const signing = createSign('sha256');
      for await (const chunk of chunks) signing.update(chunk);
      return signing.sign(pssOptions(privateKey));
    },
  };
}
