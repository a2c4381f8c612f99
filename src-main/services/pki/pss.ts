import { constants, type KeyObject, sign, verify } from 'node:crypto';

/** SHA-256 digest and the two fixed bytes of the PSS encoding: what is left of the key's bytes is the largest salt. */
const pssOverheadBytes = 34;

/**
 * RSASSA-PSS with SHA-256, MGF1-SHA-256 and the largest salt the key allows (222 bytes for 2048 bits), the only salt
 * that runtimes with an old cryptography package accept (docs/reference/provisioning.md §0 fact 3, §6.1).
 */
export function signPss(privateKey: KeyObject, data: Uint8Array): Buffer {
  return sign('sha256', data, pssOptions(privateKey));
}

/** Options for `crypto.sign` or a `Sign` object with this key. */
export function pssOptions(privateKey: KeyObject): { key: KeyObject; padding: number; saltLength: number } {
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
  return {
    key: privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: Math.ceil(bits / 8) - pssOverheadBytes,
  };
}

/** Checks a PSS signature with a public key, whatever its salt length. A malformed signature is false, never an error. */
export function verifyPss(publicKey: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(
      'sha256',
      data,
      {
        key: publicKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_AUTO,
      },
      signature,
    );
  } catch {
    return false;
  }
}
