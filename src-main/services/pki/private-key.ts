import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';

/** The signatures FLARE uses need room for hash and salt; smaller keys are no protection anyway. */
const minimumBits = 2048;

/**
 * Reads an unencrypted RSA private key, PKCS#1 or PKCS#8.
 * Throws `invalid_input` that names `from`; the text of the key is never part of an error.
 */
export function readRsaPrivateKey(pem: string | Uint8Array, from: string): KeyObject {
  const text = typeof pem === 'string' ? pem : new TextDecoder().decode(pem);
  if (/ENCRYPTED/.test(text)) {
    throw new DeskError('invalid_input', `${from} is protected by a passphrase.`, {
      hint: 'FLARE reads unencrypted keys only. Use the key as provisioning wrote it.',
    });
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    throw new DeskError('invalid_input', `${from} does not hold a private key in PEM form.`, {
      hint: 'It may be cut short or damaged. Take the file from the original kit again.',
    });
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa' || bits < minimumBits) {
    const found =
      key.asymmetricKeyType === 'rsa'
        ? `an RSA key of ${bits} bits`
        : `a key of type ${key.asymmetricKeyType ?? 'unknown'}`;
    throw new DeskError(
      'invalid_input',
      `${from} holds ${found}; FLARE needs RSA with ${minimumBits} bits or more.`,
    );
  }
  return key;
}

/** The public half as DER (SubjectPublicKeyInfo). */
export function publicDerOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}
