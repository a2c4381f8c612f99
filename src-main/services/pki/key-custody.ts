/** In which form a project keeps its CA key, and the ways between the forms. The key never leaves this folder. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import { parseCertState, renderCertState } from './cert-state-file.ts';
import { replaceFile } from './replace-file.ts';
import { isWrapped, unwrapKey, wrapKey } from './wrapped-key.ts';

export type KeyForm = 'none' | 'plain' | 'wrapped';

/** A CA key that a person unlocked, held in memory; `lock` forgets it. */
export interface UnlockedKey {
  readonly rootFingerprint: string;
  lock(): void;
}

const unlockedPems = new WeakMap<UnlockedKey, { pem: string | undefined }>();

const fingerprintOf = (certificatePem: string): string => new X509Certificate(certificatePem).fingerprint256;

async function contentOf(stateFolder: string) {
  const file = join(stateFolder, 'cert.json');
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DeskError('denied', `${file} cannot be read.`, { cause: error });
  });
  return text === undefined ? undefined : { file, content: parseCertState(text, file) };
}

/** The form of the key in `<stateFolder>/cert.json`. Throws `invalid_input` (damaged), `denied`. */
export async function keyFormOf(stateFolder: string): Promise<{ form: KeyForm; rootFingerprint?: string }> {
  const found = await contentOf(stateFolder);
  if (!found) return { form: 'none' };
  const { root } = found.content;
  return {
    form: isWrapped(root.privateKeyPem) ? 'wrapped' : 'plain',
    rootFingerprint: fingerprintOf(root.certificatePem),
  };
}

async function existing(stateFolder: string) {
  const found = await contentOf(stateFolder);
  if (found) return found;
  throw new DeskError('not_found', 'This project has no signing key yet.', {
    hint: 'The first provisioning makes one.',
  });
}

/** Wraps the plain key by a passphrase. Throws `conflict` when it is wrapped already. */
export async function wrapProjectKey(stateFolder: string, passphrase: string): Promise<void> {
  const { file, content } = await existing(stateFolder);
  const { certificatePem, privateKeyPem } = content.root;
  if (isWrapped(privateKeyPem)) throw new DeskError('conflict', 'The signing key is wrapped already.');
  const fingerprint = fingerprintOf(certificatePem);
  const wrapped = await wrapKey(privateKeyPem, passphrase, fingerprint);
  // Proved to open before the plain form goes.
  if ((await unwrapKey(wrapped, passphrase, fingerprint)) !== privateKeyPem) {
    throw new DeskError('internal', 'The wrapped key does not read back.');
  }
  await replaceFile(file, renderCertState({ ...content, root: { certificatePem, privateKeyPem: wrapped } }));
}

/** Back to the plain form that `nvflare provision` reads. Throws `denied` for a wrong passphrase, `conflict` when plain. */
export async function unwrapProjectKey(stateFolder: string, passphrase: string): Promise<void> {
  const { file, content } = await existing(stateFolder);
  const { certificatePem, privateKeyPem } = content.root;
  if (!isWrapped(privateKeyPem)) throw new DeskError('conflict', 'The signing key is in clear already.');
  const plain = await unwrapKey(privateKeyPem, passphrase, fingerprintOf(certificatePem));
  await replaceFile(file, renderCertState({ ...content, root: { certificatePem, privateKeyPem: plain } }));
}

/** Opens the wrapped key for use in this process. Throws `denied`, `conflict` (not wrapped). */
export async function unlockProjectKey(stateFolder: string, passphrase: string): Promise<UnlockedKey> {
  const { content } = await existing(stateFolder);
  const { certificatePem, privateKeyPem } = content.root;
  if (!isWrapped(privateKeyPem))
    throw new DeskError('conflict', 'The signing key is in clear: nothing to unlock.');
  const rootFingerprint = fingerprintOf(certificatePem);
  const held: { pem: string | undefined } = {
    pem: await unwrapKey(privateKeyPem, passphrase, rootFingerprint),
  };
  const key: UnlockedKey = {
    rootFingerprint,
    lock: () => {
      held.pem = undefined;
    },
  };
  unlockedPems.set(key, held);
  return key;
}

/** For the state file alone: the PEM behind an unlocked key. Throws `locked`. */
export function pemOf(key: UnlockedKey | undefined, certificatePem: string): string {
  const pem = key?.rootFingerprint === fingerprintOf(certificatePem) ? unlockedPems.get(key)?.pem : undefined;
  if (pem !== undefined) return pem;
  throw new DeskError('locked', 'The signing key of this project is locked.', {
    hint: 'Unlock it with its passphrase.',
  });
}
