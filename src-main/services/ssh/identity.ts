/** Identity files: the user's SSH private keys. Nothing read here appears in an error. */
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import ssh2, { type ParsedKey } from 'ssh2';
import { DeskError } from '../../contract/errors.ts';
import type { AuthSettings } from './types.ts';

const maxPassphraseAttempts = 3;

/** The public half of an identity, from `<file>.pub` or an unencrypted key; undefined when neither tells. */
export async function publicKeyOf(file: string): Promise<Buffer | undefined> {
  for (const name of [`${file}.pub`, file]) {
    const text = await readFile(name).catch(() => undefined);
    const key = text && parse(text, undefined);
    if (key && !(key instanceof Error)) return key.getPublicSSH();
  }
  return undefined;
}

/**
 * Reads a private key (OpenSSH, PEM or PKCS#8). An encrypted one is opened with the first line of `passphraseFile`, or
 * by asking, three times at most. Errors: `not_found`, `denied`, `invalid_input` (no key, or no passphrase that fits).
 */
export async function loadIdentity(
  file: string,
  host: string,
  settings: { passphrase?: AuthSettings['passphrase']; passphraseFile?: string; signal?: AbortSignal },
): Promise<ParsedKey> {
  const text = await readIdentity(file);
  const plain = parse(text, undefined);
  if (!(plain instanceof Error)) return privateOnly(plain, file);
  if (!isEncrypted(text, plain))
    throw new DeskError('invalid_input', `The identity file ${file} holds no private key that can be used.`, {
      hint: 'Name a private key in OpenSSH or PEM form (ed25519, ecdsa or rsa). A .pub file is the public half.',
    });

  if (settings.passphraseFile !== undefined) {
    const key = parse(text, await firstLine(settings.passphraseFile));
    if (!(key instanceof Error)) return privateOnly(key, file);
    throw new DeskError(
      'invalid_input',
      `The passphrase in ${settings.passphraseFile} does not open the identity file ${file}.`,
      { hint: 'The passphrase is the first line of that file.' },
    );
  }
  for (let attempt = 1; settings.passphrase && attempt <= maxPassphraseAttempts; attempt++) {
    const passphrase = await settings.passphrase(
      { file, host, attempt },
      settings.signal ? { signal: settings.signal } : {},
    );
    if (passphrase === undefined) break;
    const key = parse(text, passphrase);
    if (!(key instanceof Error)) return privateOnly(key, file);
  }
  throw new DeskError(
    'invalid_input',
    `The identity file ${file} is encrypted and no passphrase opened it.`,
    {
      hint: 'Add the key to your SSH agent (ssh-add), name a passphrase file, or run in a terminal to be asked.',
    },
  );
}

async function readIdentity(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new DeskError(
      code === 'ENOENT' ? 'not_found' : 'denied',
      `The identity file ${file} cannot be read (${code ?? 'unknown reason'}).`,
      { hint: 'Check "identity" in desk.yml or IdentityFile in your OpenSSH configuration.', cause: error },
    );
  }
}

async function firstLine(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).split(/\r?\n/)[0] ?? '';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new DeskError('not_found', `The passphrase file ${file} cannot be read (${code}).`, {
      cause: error,
    });
  }
}

function privateOnly(key: ParsedKey, file: string): ParsedKey {
  if (key.isPrivateKey()) return key;
  throw new DeskError('invalid_input', `The identity file ${file} holds a public key, not a private one.`, {
    hint: 'Name the private half, usually the same name without .pub.',
  });
}

/** ssh2 reads OpenSSH and old PEM; PKCS#8 goes through node:crypto, which reads it. */
function parse(text: Buffer, passphrase: string | undefined): ParsedKey | Error {
  try {
    if (!/-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text.toString('latin1')))
      return ssh2.utils.parseKey(text, passphrase);
    const opened = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
    if (opened.asymmetricKeyType === 'rsa')
      return ssh2.utils.parseKey(opened.export({ type: 'pkcs1', format: 'pem' }));
    if (opened.asymmetricKeyType === 'ec')
      return ssh2.utils.parseKey(opened.export({ type: 'sec1', format: 'pem' }));
    return new Error('unsupported key type');
  } catch (error) {
    return error instanceof Error ? error : new Error('unreadable key');
  }
}

function isEncrypted(text: Buffer, error: Error): boolean {
  return (
    /encrypted|passphrase/i.test(error.message) || text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')
  );
}
