/** The signatures a kit may carry (docs/reference/admin-protocol.md §1.3). */
import type { X509Certificate } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { DeskError } from '../../contract/errors.ts';
import { verifyPss } from '../pki/index.ts';
import { parseJson, readOptional } from './kit-files.ts';

const signatureFile = 'signature.json';
const changedKit = 'Take the kit again as it was provisioned, and check who changed it.';

/**
 * Checks every entry of `signature.json` in a folder of the kit: files by content, sub-folders by name. Gives false when
 * there is no such file (the normal case from 2.8 on); `required` files must be listed when there is one.
 */
export async function verifySignatures(
  kitFolder: string,
  folder: string,
  root: X509Certificate,
  required: string[],
): Promise<boolean> {
  const bytes = await readOptional(join(kitFolder, folder, signatureFile));
  if (bytes === undefined) return false;
  const listName = join(folder, signatureFile);
  const parsed = z.record(z.string(), z.string()).safeParse(parseJson(bytes, listName));
  if (!parsed.success) {
    throw new DeskError('integrity', `${listName} is not a list of signatures.`, { hint: changedKit });
  }
  for (const name of required) {
    if (!(name in parsed.data)) {
      throw new DeskError('integrity', `${join(folder, name)} is not covered by ${listName}.`, {
        hint: changedKit,
      });
    }
  }
  for (const [name, signature] of Object.entries(parsed.data)) {
    const shown = join(folder, basename(name));
    if (name !== basename(name) || name === '..' || name === '.') {
      throw new DeskError('integrity', `${listName} lists "${name}", which is not a file of the folder.`, {
        hint: changedKit,
      });
    }
    const content = await signedContent(join(kitFolder, folder, name), name);
    if (content === undefined) {
      throw new DeskError('integrity', `${shown} is missing, though ${listName} lists it.`, {
        hint: changedKit,
      });
    }
    if (!verifyPss(root.publicKey, content, Buffer.from(signature, 'base64'))) {
      throw new DeskError('integrity', `${shown} was changed after the kit was signed.`, {
        hint: changedKit,
      });
    }
  }
  return true;
}

async function signedContent(path: string, name: string): Promise<Buffer | undefined> {
  const info = await lstat(path).catch(() => undefined);
  if (info === undefined) return undefined;
  if (info.isDirectory()) return Buffer.from(name, 'utf8');
  return await readFile(path);
}
