/** User-data drives: made, grown, listed, read, told to mount an NFS export. Without root (docs/reference/confidential-computing.md §3.4). */
import { basename, dirname } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import { extMountFile, readExport } from '../../../domain/cc/ext-mount.ts';
import type { ReportProgress } from '../../../ports.ts';
import { type ExtEntry, entriesOf } from '../ext-image.ts';
import { createDrive, growDrive, prelude, putFile, readDrive } from './scripts.ts';
import { type DriveShell, localShell, type ShellOptions } from './shell.ts';

export interface DriveOptions {
  /** Default: this machine. */
  shell?: DriveShell;
  signal?: AbortSignal;
  /** Steps `fill`, `read`, `grow`, `write`, `verify`, `convert`, `compare`. */
  report?: ReportProgress;
}

const writeTimeoutMs = 6 * 3600_000;
const readTimeoutMs = 30 * 60_000;
const minBytes = 8 * 1024 ** 2;
const maxBytes = 64 * 1024 ** 4;
const maxShownBytes = 16 * 1024 ** 2;
const rootInode = 2;

const reasons: readonly [RegExp, (said: string) => DeskError][] = [
  [
    /missing tool (\S+)/,
    (said) => {
      const tool = /missing tool (\S+)/.exec(said)?.[1] ?? 'a tool';
      const name = tool === 'qemu-img' ? 'qemu-utils' : 'e2fsprogs';
      return new DeskError('unsupported', `${tool} is not there.`, {
        hint: `Install ${name} ("apt-get install ${name}").`,
      });
    },
  ],
  [
    /missing (folder|drive)/,
    (said) => {
      const message = `There is no such ${said.replace(/^missing /, '')}.`;
      return new DeskError('not_found', message, {
        fields: [{ path: said.startsWith('missing drive') ? 'drive' : 'folder', message }],
      });
    },
  ],
  [/missing file/, () => new DeskError('not_found', 'There is no such file on the drive.')],
  [
    // Not a "block", of which the tools of the file system speak.
    /\block(ed)?\b|another process using/i,
    () =>
      new DeskError(
        'conflict',
        'The drive is in use, most likely by its VM: it must not be written to now.',
        { hint: 'Stop the VM first ("shutdown client", then stop).', retryable: true },
      ),
  ],
  [
    /no space left|ENOSPC|disk quota|File too large/i,
    (said) =>
      new DeskError('too_large', `The disk is full: ${said}.`, {
        hint: 'Free some space and try again. The drive is as it was.',
        retryable: true,
      }),
  ],
  [
    /Could not allocate block|does not fit/i,
    () =>
      new DeskError('too_large', 'The files do not fit on the drive.', {
        hint: 'Choose a larger size.',
        fields: [{ path: 'size', message: 'The files do not fit on the drive.' }],
      }),
  ],
  [
    /^exists/,
    (said) =>
      new DeskError('conflict', `${said.replace(/^exists: /, '')} is there already.`, {
        hint: 'Choose another name, or move it away first.',
        fields: [{ path: 'drive', message: 'It is there already.' }],
      }),
  ],
  [
    /not larger: (\d+)/,
    (said) => {
      const message = `A drive can only grow: it has ${/(\d+)/.exec(said)?.[1]} bytes.`;
      return new DeskError('invalid_input', message, { fields: [{ path: 'size', message }] });
    },
  ],
  [
    /changed meanwhile/,
    () =>
      new DeskError('conflict', 'The drive was changed while it was worked on: nothing was replaced.', {
        retryable: true,
      }),
  ],
  [
    /foreign image|not in qcow2 format/i,
    () => new DeskError('integrity', 'The file is no user-data drive: it is no qcow2 image of its own.'),
  ],
  [
    /file system damaged|no file system/,
    (said) => new DeskError('integrity', `The drive holds no sound ext4 file system: ${said}.`),
  ],
  [
    /permission denied|no right|read-only file system/i,
    (said) =>
      new DeskError('denied', `The folder of the drive cannot be written to: ${said}.`, {
        hint: 'The new drive is made beside the old one: the account needs the folder.',
      }),
  ],
];

function failed(doing: string, shell: DriveShell, said: string): DeskError {
  const line = said
    .split('\n')
    .filter((one) => one.trim() !== '')
    .slice(-3)
    .join(' ')
    .replaceAll(/\.flaredesk-data\.\w+/g, '…')
    .slice(0, 300)
    .replace(/[.\s]+$/, '');
  const known = reasons.find(([pattern]) => pattern.test(said))?.[1](line);
  const message = `${doing} on ${shell.label}: ${known?.message ?? `failed: ${line || 'no reason was given'}.`}`;
  return new DeskError(known?.code ?? 'remote_failed', message, {
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    ...(known?.fields === undefined ? {} : { fields: known.fields }),
    retryable: known?.retryable ?? false,
  });
}

/** What was said, with places by their own names: the answer may be shown to somebody who does not know the folders here. */
function nameOnly(said: string, args: readonly string[]): string {
  let text = said;
  for (const place of args.filter((one) => one.startsWith('/'))) {
    const folder = dirname(place);
    if (folder !== '/') text = text.replaceAll(`${folder}/`, '').replaceAll(folder, basename(folder));
  }
  return text;
}

async function work(
  doing: string,
  script: string,
  args: readonly string[],
  options: DriveOptions,
  more: Partial<ShellOptions> = {},
): Promise<Buffer> {
  const { shell = localShell, signal, report } = options;
  const { code, output, errors } = await shell.run(prelude + script, args, {
    timeoutMs: writeTimeoutMs,
    ...(signal ? { signal } : {}),
    ...(report ? { onStep: (step: string) => report({ step }) } : {}),
    ...more,
  });
  if (code !== 0) throw failed(doing, shell, nameOnly(errors, args));
  return output;
}

function sizeOf(bytes: number): string {
  if (!Number.isSafeInteger(bytes) || bytes < minBytes || bytes > maxBytes) {
    const message = `A drive has ${minBytes / 1024 ** 2} MiB to ${maxBytes / 1024 ** 4} TiB, not ${bytes} bytes.`;
    throw new DeskError('invalid_input', message, { fields: [{ path: 'size', message }] });
  }
  return String(bytes - (bytes % 4096));
}

/**
 * Makes a drive with the content of a folder. Refuses to replace a file.
 * @param input.size bytes the VM will see
 * @throws DeskError `conflict` (exists), `not_found` (folder), `too_large` (disk full; the files do not fit), `unsupported`
 *   (qemu-img, e2fsprogs missing), `denied`, `integrity`, `timeout`, `cancelled`
 */
export async function createUserData(
  input: { drive: string; folder: string; size: number },
  options: DriveOptions = {},
): Promise<void> {
  await work(
    `Making ${basename(input.drive)}`,
    createDrive,
    [input.drive, input.folder, sizeOf(input.size)],
    options,
  );
}

/**
 * Makes a drive larger; its files stay. The old one is kept until the new one was checked and compared.
 * @param input.size bytes, more than it has
 * @throws DeskError `conflict` (in use by a VM, changed meanwhile), `invalid_input` (not larger), else as `createUserData`
 */
export async function resizeUserData(
  input: { drive: string; size: number },
  options: DriveOptions = {},
): Promise<void> {
  await work(`Growing ${basename(input.drive)}`, growDrive, [input.drive, sizeOf(input.size)], options);
}

/**
 * Writes one file at the root of a drive; the same care as `resizeUserData`.
 * @param input.name letters, digits, dot, dash, underscore
 */
export async function putUserData(
  input: { drive: string; name: string; content: Uint8Array },
  options: DriveOptions = {},
): Promise<void> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,200}$/.test(input.name)) {
    const message = `"${input.name}" cannot be written: a name at the drive's root has letters, digits, dot, dash and underscore.`;
    throw new DeskError('invalid_input', message, { fields: [{ path: 'name', message }] });
  }
  await work(
    `Writing ${input.name} to ${basename(input.drive)}`,
    putFile,
    [input.drive, input.name],
    options,
    {
      stdin: input.content,
    },
  );
}

/**
 * Writes `ext_mount.conf`: exactly one line `host:/path`.
 * @throws DeskError `invalid_input` for another form, else as `putUserData`
 */
export async function writeMountConf(
  input: { drive: string; nfs: string },
  options: DriveOptions = {},
): Promise<void> {
  const wanted = readExport(input.nfs);
  if (typeof wanted === 'string') {
    throw new DeskError('invalid_input', `"${input.nfs.slice(0, 200)}" is no NFS export: ${wanted}.`, {
      hint: 'Example: nfs.example.org:/exports/study',
      fields: [{ path: 'nfs', message: wanted }],
    });
  }
  await putUserData(
    { drive: input.drive, name: extMountFile, content: Buffer.from(`${wanted.line}\n`) },
    options,
  );
}

async function folderAt(drive: string, inode: number, options: DriveOptions): Promise<ExtEntry[]> {
  const output = await work(
    `Reading ${basename(drive)}`,
    readDrive,
    [drive, 'list', String(inode)],
    options,
    {
      timeoutMs: readTimeoutMs,
    },
  );
  return entriesOf(output.toString('utf8'));
}

async function entryAt(drive: string, path: string, options: DriveOptions): Promise<ExtEntry> {
  let current: ExtEntry = { name: '/', inode: rootInode, kind: 'folder', size: 0 };
  for (const part of path.split('/').filter((one) => one !== '' && one !== '.')) {
    const next =
      current.kind === 'folder'
        ? (await folderAt(drive, current.inode, options)).find(({ name }) => name === part)
        : undefined;
    if (!next) throw new DeskError('not_found', `${basename(drive)} holds no ${path}.`);
    current = next;
  }
  return current;
}

/** The entries of a folder on a drive. May be stale while its VM runs. Works on applog drives too. */
export async function listUserData(
  input: { drive: string; path?: string },
  options: DriveOptions = {},
): Promise<ExtEntry[]> {
  const entry = await entryAt(input.drive, input.path ?? '/', options);
  if (entry.kind !== 'folder') return [entry];
  return folderAt(input.drive, entry.inode, options);
}

/** The bytes of a file on a drive, up to 16 MiB. Throws `not_found`, `invalid_input` (a folder), `too_large`. */
export async function readUserData(
  input: { drive: string; path: string },
  options: DriveOptions = {},
): Promise<Buffer> {
  const entry = await entryAt(input.drive, input.path, options);
  if (entry.kind !== 'file')
    throw new DeskError('invalid_input', `${input.path} is a ${entry.kind}, not a file.`);
  if (entry.size > maxShownBytes)
    throw new DeskError(
      'too_large',
      `${input.path} has ${entry.size} bytes; shown are up to ${maxShownBytes}.`,
    );
  if (entry.size === 0) return Buffer.alloc(0);
  return work(
    `Reading ${basename(input.drive)}`,
    readDrive,
    [input.drive, 'cat', String(entry.inode)],
    options,
    {
      timeoutMs: readTimeoutMs,
      maxOutput: maxShownBytes + 4096,
    },
  );
}
