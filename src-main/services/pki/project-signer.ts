import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import { parseCertState } from './cert-state-file.ts';
import { pemOf, type UnlockedKey } from './key-custody.ts';
import { loadAdminSigner, type Signer } from './signer.ts';
import { isWrapped } from './wrapped-key.ts';

/**
 * Opens the project's root key for signing, with its certificate. The key is reachable only through the signer.
 *
 * @param stateFolder `<workspace>/<project>/state`
 * @param unlockedKey for a key that is wrapped by a passphrase
 * @throws DeskError `not_found` (no key yet), `locked`, `invalid_input` (damaged state)
 */
export async function loadProjectSigner(
  stateFolder: string,
  unlockedKey?: UnlockedKey,
): Promise<{ signer: Signer; certificatePem: string }> {
  const file = join(stateFolder, 'cert.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new DeskError('not_found', `The signing key of this project is not at ${file}.`, {
      hint: 'Sign where the project was provisioned, or with the kit of a project admin.',
    });
  });
  const { certificatePem, privateKeyPem } = parseCertState(text, file).root;
  const pem = isWrapped(privateKeyPem) ? pemOf(unlockedKey, certificatePem) : privateKeyPem;
  return { signer: loadAdminSigner(pem, `${file}: root_pri_key`), certificatePem };
}
