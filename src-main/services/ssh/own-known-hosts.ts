import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { DeskError } from '../../contract/errors.ts';
import { fingerprintOf, parseKnownHosts } from './known-hosts.ts';

/** A key accepted here: the host as the file writes it, `name` or `[name]:port`. */
export interface AcceptedKey {
  host: string;
  keyType: string;
  /** `SHA256:…` */
  fingerprint: string;
}

async function linesOf(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new DeskError('denied', `${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

function keyOf(line: string, file: string): AcceptedKey | undefined {
  const [entry] = parseKnownHosts(line, file);
  const host = line.trim().split(/\s+/)[0];
  if (!entry || entry.marker !== 'none' || host === undefined) return undefined;
  return { host, keyType: entry.keyType, fingerprint: fingerprintOf(Buffer.from(entry.key, 'base64')) };
}

/** The host keys accepted by this program, from its own known_hosts file. A missing file holds none. Throws `denied`. */
export async function listAcceptedKeys(file: string): Promise<AcceptedKey[]> {
  return (await linesOf(file)).flatMap((line) => keyOf(line, file) ?? []);
}

/** Forgets one accepted key; the next contact asks again. Throws `not_found`, `denied`. */
export async function forgetAcceptedKey(file: string, host: string, fingerprint: string): Promise<void> {
  const lines = await linesOf(file);
  const kept = lines.filter((line) => {
    const key = keyOf(line, file);
    return !(key?.host === host && key.fingerprint === fingerprint);
  });
  if (kept.length === lines.length) throw new DeskError('not_found', `${file} holds no such key of ${host}.`);
  await writeFileAtomic(file, kept.join('\n'), { mode: 0o600, fsync: true });
}
