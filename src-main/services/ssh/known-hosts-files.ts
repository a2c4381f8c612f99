/** The `known_hosts` files on disk: any number to read, one of our own to write. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { DeskError } from '../../contract/errors.ts';
import type { PresentedKey } from './host-key-decision.ts';
import { findKnownKeys, formatKnownHost, type KnownKey, parseKnownHosts } from './known-hosts.ts';

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return '';
    // A file we cannot read may hold the line that says "revoked": refuse rather than guess.
    throw new DeskError(
      'denied',
      `The known hosts file ${file} cannot be read (${code ?? 'unknown reason'}).`,
      {
        hint: 'Make it readable for you, or remove it from the configuration.',
        cause: error,
      },
    );
  }
}

/** Every line of the files that speaks of the host. Missing files are empty; an unreadable one is `denied`. */
export async function readKnownKeys(
  files: readonly string[],
  host: string,
  port: number,
): Promise<KnownKey[]> {
  const entries = [];
  for (const file of new Set(files)) entries.push(...parseKnownHosts(await textOf(file), file));
  return findKnownKeys(entries, host, port);
}

let lastWrite: Promise<unknown> = Promise.resolve();

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = lastWrite.then(work);
  lastWrite = result.catch(() => undefined);
  return result;
}

/** Adds one line to our own file (mode 600, made when missing, replaced atomically). */
export function addKnownHost(file: string, host: string, port: number, key: PresentedKey): Promise<void> {
  return inTurn(async () => {
    const before = await textOf(file);
    const line = formatKnownHost(host, port, key.keyType, key.key);
    if (before.split('\n').includes(line)) return;
    await save(file, `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${line}\n`);
  });
}

async function save(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, text, { mode: 0o600 });
}
