import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';

/** Signs with one Ed25519 key that stays inside. */
export interface TokenSigner {
  /** 64 bytes. */
  sign(data: Uint8Array): Buffer;
  /** The public half as PEM, to be set at the server. */
  readonly publicKeyPem: string;
}

/**
 * Opens an Ed25519 private key that signs admin tokens of a key broker (docs/reference/confidential-computing.md §4.1).
 *
 * @param keyPem text of a PKCS#8 PEM file, unencrypted
 * @param from the file it was read from, named in errors
 * @throws DeskError `invalid_input` when it is no usable Ed25519 private key
 */
export function loadTokenSigner(keyPem: string | Uint8Array, from: string): TokenSigner {
  const key = (() => {
    try {
      return createPrivateKey(typeof keyPem === 'string' ? keyPem : Buffer.from(keyPem));
    } catch {
      throw new DeskError('invalid_input', `${from} is not an unencrypted private key in PEM form.`, {
        hint: 'Name the Ed25519 private key whose public half the key broker has as auth_public_key.',
      });
    }
  })();
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new DeskError(
      'invalid_input',
      `${from} is a ${key.asymmetricKeyType ?? 'secret'} key, not Ed25519.`,
      {
        hint: 'Name the Ed25519 private key whose public half the key broker has as auth_public_key.',
      },
    );
  }
  return {
    publicKeyPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    sign: (data) => sign(null, data, key),
  };
}
