import type { KeyObject } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import { verifyPss } from '../pki/index.ts';
import type { Findings } from './findings.ts';
import { readFileBytes, readFolder, readJsonObject } from './read-file.ts';

const signatureFile = 'signature.json';
/** Put beside a job by the server at run time; never signed (docs/reference/provisioning.md §6.1). */
const neverSigned = new Set([signatureFile, '.__nvfl_submitter.crt']);

/** Files of `local` that are made after signing or at the site, and that the runtime takes unsigned (§3.2, §4.6). */
const unsignedByDesign = new Set([
  'local/comm_config.json',
  'local/edge__p_resources.json',
  'local/resources.json',
  'local/authorization.json',
  'local/log_config.json',
  'local/privacy.json',
  'local/study_registry.json',
]);

/**
 * Checks every signature of a folder of a kit and of the folders in it: each file and direct sub-folder listed and
 * valid, nothing beside them (docs/reference/provisioning.md §6.1–§6.3).
 *
 * @param path the folder, relative to the kit; empty = the kit itself
 * @param strict a confidential-computing kit: nothing may be unsigned
 */
export async function checkSignatures(
  kitFolder: string,
  path: string,
  rootKey: KeyObject,
  strict: boolean,
  findings: Findings,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const inside = (name: string): string => (path === '' ? name : `${path}/${name}`);
  const listFile = inside(signatureFile);
  let entries: Dirent[];
  try {
    entries = await readFolder(join(kitFolder, path));
  } catch (error) {
    findings.failed(path === '' ? '.' : path, error);
    return;
  }
  if (!entries.some(({ name }) => name === signatureFile)) {
    findings.problem(listFile, 'is missing: nothing in this folder can be verified');
    return;
  }
  let signatures: Record<string, unknown>;
  try {
    signatures = await readJsonObject(join(kitFolder, listFile));
  } catch (error) {
    findings.failed(listFile, error);
    return;
  }
  for (const name of Object.keys(signatures)) {
    if (!entries.some((entry) => entry.name === name)) {
      findings.problem(inside(name), `is listed in ${listFile} but missing`);
    }
  }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    signal?.throwIfAborted();
    if (neverSigned.has(entry.name)) continue;
    const file = inside(entry.name);
    if (!entry.isFile() && !entry.isDirectory()) {
      findings.problem(
        file,
        entry.isSymbolicLink() ? 'is a symbolic link: it can change what it shows' : 'is no regular file',
      );
      continue;
    }
    const signature = Object.hasOwn(signatures, entry.name) ? signatures[entry.name] : undefined;
    if (signature === undefined) {
      if (!strict && unsignedByDesign.has(file)) {
        findings.note(file, 'is not signed: it was made after signing or at the site');
      } else {
        findings.problem(file, `is not signed: ${listFile} does not list it`);
      }
    } else if (entry.isDirectory()) {
      // A folder's signature covers its name.
      report(file, Buffer.from(entry.name, 'utf8'), signature, rootKey, findings);
    } else {
      try {
        report(file, await readFileBytes(join(kitFolder, file)), signature, rootKey, findings);
      } catch (error) {
        if (!(error instanceof DeskError)) throw error;
        findings.failed(file, error);
      }
    }
    if (entry.isDirectory()) await checkSignatures(kitFolder, file, rootKey, strict, findings, signal);
  }
}

function report(
  file: string,
  data: Buffer,
  signature: unknown,
  rootKey: KeyObject,
  findings: Findings,
): void {
  if (typeof signature !== 'string' || Buffer.from(signature, 'base64').toString('base64') !== signature) {
    findings.problem(file, 'has a signature that is not base64');
  } else if (verifyPss(rootKey, data, Buffer.from(signature, 'base64'))) {
    findings.verified(file);
  } else {
    findings.problem(
      file,
      'is not what was signed: the file or its signature was changed, or another root signed it',
    );
  }
}
