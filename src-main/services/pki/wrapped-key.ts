/**
 * A CA key wrapped by a passphrase: scrypt → AES-256-GCM. Version, parameters and the root's fingerprint are bound as
 * associated data, so that no part can be swapped. The text stands in `state/cert.json` where the plain key stood.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { DeskError } from '../../contract/errors.ts';

const derive = promisify<Buffer, Buffer, number, object, Buffer>(scrypt);
const prefix = 'flaredesk-wrapped-key:';
/** 128 MiB of memory for each guess. */
const cost = { N: 131_072, r: 8, p: 1 };
const mostMemory = 512 * 1024 * 1024;

const headerSchema = z
  .strictObject({
    version: z.literal(1),
    kdf: z.literal('scrypt'),
    N: z.int().min(16_384).max(1_048_576),
    r: z.int().min(8).max(32),
    p: z.int().min(1).max(16),
    salt: z.base64(),
    nonce: z.base64(),
    /** SHA-256 of the root certificate, hex with colons. */
    root: z.string(),
  })
  .refine(({ N, r }) => 128 * N * r < mostMemory);

export const isWrapped = (text: string): boolean => text.startsWith(prefix);

async function keyOf(passphrase: string, header: z.infer<typeof headerSchema>): Promise<Buffer> {
  const { N, r, p, salt } = header;
  const secret = Buffer.from(passphrase.normalize('NFKC'), 'utf8');
  try {
    return await derive(secret, Buffer.from(salt, 'base64'), 32, { N, r, p, maxmem: mostMemory });
  } finally {
    secret.fill(0);
  }
}

/** Wraps a PEM key for the root with this fingerprint. */
export async function wrapKey(
  privateKeyPem: string,
  passphrase: string,
  rootFingerprint: string,
): Promise<string> {
  const header = {
    version: 1 as const,
    kdf: 'scrypt' as const,
    ...cost,
    salt: randomBytes(32).toString('base64'),
    nonce: randomBytes(12).toString('base64'),
    root: rootFingerprint,
  };
  const written = Buffer.from(JSON.stringify(header)).toString('base64');
  const key = await keyOf(passphrase, header);
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.from(header.nonce, 'base64'));
  cipher.setAAD(Buffer.from(written));
  const sealed = Buffer.concat([cipher.update(privateKeyPem, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  key.fill(0);
  return `${prefix}${written}.${sealed.toString('base64')}`;
}

/**
 * Opens a wrapped key. Throws `integrity` when the text is damaged or belongs to another root, `denied` when the
 * passphrase does not open it.
 */
export async function unwrapKey(text: string, passphrase: string, rootFingerprint: string): Promise<string> {
  const [written = '', sealedText = ''] = text.slice(prefix.length).split('.');
  let header: z.infer<typeof headerSchema>;
  try {
    header = headerSchema.parse(JSON.parse(Buffer.from(written, 'base64').toString('utf8')));
  } catch (error) {
    throw new DeskError('integrity', 'The wrapped signing key is damaged: its header does not read.', {
      hint: 'Restore state/cert.json from a backup.',
      cause: error,
    });
  }
  if (header.root !== rootFingerprint) {
    throw new DeskError('integrity', 'The wrapped signing key belongs to another root certificate.', {
      hint: 'Restore state/cert.json from a backup.',
    });
  }
  const sealed = Buffer.from(sealedText, 'base64');
  const key = await keyOf(passphrase, header);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(header.nonce, 'base64'));
    decipher.setAAD(Buffer.from(written));
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString('utf8');
  } catch {
    throw new DeskError('denied', 'That passphrase does not open the signing key.', {
      hint: 'Try again. If it is right, state/cert.json was damaged: restore it from a backup.',
      retryable: true,
    });
  } finally {
    key.fill(0);
  }
}
