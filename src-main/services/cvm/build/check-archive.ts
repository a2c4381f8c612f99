/** Whether an archive is a whole bundle: read once from end to end, nothing is unpacked. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { DeskError } from '../../../contract/errors.ts';
import { bundleFiles } from '../../../domain/cc/bundle.ts';

/**
 * Checks `<site>.tgz`: gzip and tar to their ends, folders and plain files only, no way out of it, the nine files of one bundle
 * folder, and the hash it had on the builder host. Throws `integrity` with what is wrong, `cancelled`.
 */
export async function checkArchive(
  archive: string,
  { sha256, signal }: { sha256: string; signal: AbortSignal },
): Promise<void> {
  const bad = (what: string, hint = 'Build it again.'): DeskError =>
    new DeskError('integrity', `${archive} is no bundle: ${what}.`, { hint, retryable: true });
  const folders = new Map<string, Set<string>>();
  const see = ({ name, type }: Header): string | undefined => {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (name.startsWith('/') || parts.includes('..')) return `it holds the path ${name}`;
    if (type === 'directory') return undefined;
    if (type !== 'file' && type !== 'contiguous-file') return `${name} is a link or a special file`;
    const file = parts.at(-1) ?? '';
    const folder = parts.slice(0, -1).join('/');
    folders.set(folder, (folders.get(folder) ?? new Set()).add(file));
    return undefined;
  };
  const hash = createHash('sha256');
  const tee = new PassThrough();
  tee.on('data', (chunk: Buffer) => hash.update(chunk));
  const tar = extract();
  let wrong: string | undefined;
  tar.on('entry', (headers, stream, next) => {
    wrong ??= see(headers);
    stream.on('end', next);
    stream.resume();
  });
  try {
    await pipeline(createReadStream(archive), tee, createGunzip(), tar, { signal });
  } catch (error) {
    if (signal.aborted) throw new DeskError('cancelled', 'Cancelled.');
    const { message } = error as Error;
    throw bad(`it is cut short or damaged (${message})`);
  }
  if (wrong !== undefined) throw bad(wrong);
  const [folder, ...others] = [...folders.entries()].filter(([, files]) => files.has('launch_vm.sh'));
  if (folder === undefined) throw bad('it holds no launch_vm.sh');
  if (others.length > 0) throw bad('it holds more than one bundle');
  const missing = bundleFiles.filter((file) => !folder[1].has(file));
  if (missing.length > 0) throw bad(`it lacks ${missing.join(', ')}`);
  const found = hash.digest('hex');
  if (found !== sha256)
    throw bad(
      `it arrived changed: SHA-256 ${found} here, ${sha256} on the builder host`,
      'Fetch it again: retry.',
    );
}
