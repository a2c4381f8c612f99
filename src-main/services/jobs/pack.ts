import { once } from 'node:events';
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { DeskError } from '../../contract/errors.ts';
import { signatureFileName, submitterCertificateName } from '../../domain/job/job-folder.ts';
import type { ReportProgress } from '../../ports.ts';
import { cancelled, fileError, throwIfCancelled } from './cancel.ts';
import { fingerprintOf, type ScanLimits, type ScannedEntry, scanFolder } from './scan-folder.ts';

/** Signs the folders of a job; the key itself stays in services/pki. */
export interface JobSigner {
  sign(data: Uint8Array): Uint8Array;
  signChunks(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array>;
  /** The admin's certificate as the kit has it (`client.crt`): the sites check the signatures with it. */
  certificatePem: Uint8Array;
}

export interface PackedJob {
  /** Name of the top folder in the archive, and of the job folder on the server. */
  folderName: string;
  /** The archive: private to this user, in a private temporary folder. */
  file: string;
  /** Bytes of the archive. */
  size: number;
  files: number;
  read(): AsyncIterable<Uint8Array>;
  /** Removes the archive. Never throws. */
  dispose(): Promise<void>;
}

export interface PackJobOptions {
  /** Missing: the archive carries no signatures, and a server that wants them refuses the job. */
  signer?: JobSigner;
  limits?: ScanLimits;
  /** Where the archive's private folder is made; the system's temporary folder when not given. */
  workFolder?: string;
  signal?: AbortSignal;
  report?: ReportProgress;
}

const doing = 'Packing the job';
/** Speed counts more than size here: large files of a job are models, which hardly shrink. */
const compressionLevel = 1;

/**
 * Packs a job folder the way a server reads it (docs/reference/admin-protocol.md §9.1): `NAME/` on top, an entry for
 * every folder, and in every folder the signatures of its files and sub-folders with the signer's certificate. The
 * job folder itself is only read, file by file, so large files cost no memory.
 *
 * @throws DeskError `invalid_input` (links, sockets and the like, each named), `conflict` (it changed meanwhile;
 *   retryable), `denied`, `not_found`, `too_large` (limits, or no space for the archive), `cancelled`
 */
export async function packJob(
  folder: string,
  folderName: string,
  options: PackJobOptions = {},
): Promise<PackedJob> {
  const { signal, limits, workFolder = tmpdir() } = options;
  const entries = (await scanFolder(folder, { signal, limits })).filter((entry) => !isOwnSignature(entry));
  refuseUnsendable(folder, entries);

  const place = await mkdtemp(join(workFolder, 'flaredesk-job-'));
  const file = join(place, 'job.zip');
  const dispose = (): Promise<void> => rm(place, { recursive: true, force: true }).catch(() => undefined);
  try {
    await writeArchive(folder, folderName, entries, file, options);
    await refuseChanges(folder, entries, options);
    const handle = await open(file, 'r+');
    try {
      await handle.sync();
      const { size } = await handle.stat();
      const files = entries.filter((entry) => entry.kind === 'file').length;
      return {
        folderName,
        file,
        size,
        files,
        read: () => createReadStream(file, { highWaterMark: 1024 ** 2 }),
        dispose,
      };
    } finally {
      await handle.close();
    }
  } catch (error) {
    await dispose();
    if (signal?.aborted) throw cancelled(doing);
    throw fileError(error, file, doing);
  }
}

function isOwnSignature(entry: ScannedEntry): boolean {
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
  return entry.kind === 'file' && (name === signatureFileName || name === submitterCertificateName);
}

function refuseUnsendable(folder: string, entries: readonly ScannedEntry[]): void {
  const wrong = entries.filter(
    (entry) => (entry.kind !== 'file' && entry.kind !== 'folder') || /[\\\ufffd]/.test(entry.path),
  );
  const [first] = wrong;
  if (!first) return;
  const more = wrong.length > 1 ? ` and ${wrong.length - 1} more` : '';
  throw new DeskError(
    'invalid_input',
    `${join(folder, first.path)}${more} cannot be sent: ${whatIs(first)}.`,
    {
      hint: 'A job holds files and folders only; put copies in place of links.',
      fields: wrong.map((entry) => ({
        file: join(folder, entry.path),
        message: `cannot be sent: ${whatIs(entry)}`,
      })),
    },
  );
}

const whatIs = ({ kind }: ScannedEntry): string =>
  kind === 'file' || kind === 'folder' ? 'its name holds a backslash or is no UTF-8' : `it is a ${kind}`;

async function writeArchive(
  folder: string,
  folderName: string,
  entries: readonly ScannedEntry[],
  file: string,
  { signer, signal, report }: PackJobOptions,
): Promise<void> {
  const zip = new ZipFile();
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
  throwIfCancelled(signal, doing);

  const total = entries.reduce((sum, entry) => sum + entry.size, 0);
  let done = 0;
  const onBytes = (count: number): void => {
    done += count;
    report?.({ step: 'pack', done, total, unit: 'bytes' });
  };

  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    stop.abort();
  };
  zip.on('error', fail);
  let current: Readable | undefined;
  const addLazily = (path: string, open: () => Promise<Readable>, size?: number): void =>
    zip.addReadStreamLazy(
      path,
      { mode: 0o100644, compressionLevel, ...(size === undefined ? {} : { size }) },
      (give) => {
        open().then(
          (stream) => {
            current = stream;
            stream.once('error', fail);
            give(null, stream);
          },
          (error: unknown) => {
            fail(error);
            give(error, Readable.from([]));
          },
        );
      },
    );

  // Parents come before children in `entries`; a folder's signature file must come after its files, for it is
  // written from what was read of them.
  const childrenOf = Map.groupBy(entries, (entry) => parentOf(entry.path));
  const folders = ['', ...entries.filter((entry) => entry.kind === 'folder').map((entry) => entry.path)];
  for (const inner of folders) {
    const prefix = inner === '' ? folderName : `${folderName}/${inner}`;
    const signatures = new Map<string, Promise<Uint8Array>>();
    zip.addEmptyDirectory(prefix, { mode: 0o40755 });
    for (const child of childrenOf.get(inner) ?? []) {
      const name = child.path.slice(inner === '' ? 0 : inner.length + 1);
      if (child.kind === 'folder') {
        if (signer) signatures.set(name, Promise.resolve(signer.sign(Buffer.from(name, 'utf8'))));
        continue;
      }
      const open = (): Promise<Readable> =>
        openEntry(folder, child, onBytes, signer, (signing) => signatures.set(name, signing));
      addLazily(`${prefix}/${name}`, open, child.size);
    }
    if (signer) {
      addLazily(`${prefix}/${signatureFileName}`, async () =>
        Readable.from([await signatureFile(signatures)]),
      );
      zip.addBuffer(Buffer.from(signer.certificatePem), `${prefix}/${submitterCertificateName}`, {
        mode: 0o100644,
      });
    }
  }
  zip.end();
  try {
    await pipeline(zip.outputStream, createWriteStream(file, { mode: 0o600, flags: 'wx' }), {
      signal: stop.signal,
    });
  } catch (error) {
    throw failure ?? error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    current?.destroy();
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** Base64 per name, as the sites read it (§9.1). */
async function signatureFile(signatures: ReadonlyMap<string, Promise<Uint8Array>>): Promise<Buffer> {
  const all: Record<string, string> = {};
  for (const [name, signature] of signatures) all[name] = Buffer.from(await signature).toString('base64');
  return Buffer.from(JSON.stringify(all), 'utf8');
}

/** Opens a file that must still be the one that was listed; its bytes go to the archive and to the signature alike. */
async function openEntry(
  folder: string,
  entry: ScannedEntry,
  onBytes: (count: number) => void,
  signer: JobSigner | undefined,
  onSignature: (signing: Promise<Uint8Array>) => void,
): Promise<Readable> {
  const path = join(folder, entry.path);
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ELOOP' || code === 'ENOENT') throw changed(path);
    throw fileError(error, path, doing);
  }
  if (fingerprintOf(await handle.stat({ bigint: true })) !== entry.fingerprint) {
    await handle.close();
    throw changed(path);
  }

  const branch = signer ? new PassThrough() : undefined;
  let signing: Promise<Uint8Array> | undefined;
  if (signer && branch) {
    signing = signer.signChunks(branch);
    signing.catch(() => undefined); // looked at when the signature file is written
    onSignature(signing);
  }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let read = 0;
    for await (const chunk of handle.createReadStream({
      autoClose: true,
      highWaterMark: 256 * 1024,
    }) as AsyncIterable<Buffer>) {
      read += chunk.length;
      if (read > entry.size) throw changed(path);
      onBytes(chunk.length);
      if (branch && !branch.write(chunk)) await Promise.race([once(branch, 'drain'), signing]);
      yield chunk;
    }
    if (read !== entry.size) throw changed(path);
    branch?.end();
  }
  return Readable.from(chunks(), { objectMode: false });
}

const changed = (path: string): DeskError =>
  new DeskError('conflict', `${path} changed while the job was packed.`, {
    hint: 'Wait until nothing writes into the job folder, then try again.',
    retryable: true,
  });

/** Lists the folder again: something new, gone or rewritten means the archive is of no one state. */
async function refuseChanges(
  folder: string,
  before: readonly ScannedEntry[],
  { signal, limits }: PackJobOptions,
): Promise<void> {
  const after = (await scanFolder(folder, { signal, limits })).filter((entry) => !isOwnSignature(entry));
  const known = new Map(before.map((entry) => [entry.path, entry]));
  for (const entry of after) {
    const old = known.get(entry.path);
    if (old?.kind !== entry.kind || old.fingerprint !== entry.fingerprint)
      throw changed(join(folder, entry.path));
    known.delete(entry.path);
  }
  for (const gone of known.keys()) throw changed(join(folder, gone));
}
