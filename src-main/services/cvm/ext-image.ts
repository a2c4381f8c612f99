/** Reading an ext file system in a raw image with debugfs: no mount, no root. Names inside of it never become paths by themselves. */
import { DeskError } from '../../contract/errors.ts';
import { runTool, type ToolOptions } from './tools.ts';

export interface ExtEntry {
  name: string;
  inode: number;
  kind: 'file' | 'folder' | 'link' | 'other';
  /** Bytes; 0 for folders. */
  size: number;
}

const kinds: Readonly<Record<number, ExtEntry['kind']>> = { 0o10: 'file', 0o04: 'folder', 0o12: 'link' };

/** One line of `ls -p`: /inode/mode/uid/gid/name/size/ ; a name with a slash cannot be told apart and is refused. */
function entryOf(line: string): ExtEntry | undefined {
  const match = /^\/(\d+)\/(\d+)\/\d+\/\d+\/([^/]+)\/(\d*)\/$/.exec(line);
  if (!match) throw new DeskError('integrity', 'The drive holds a file name that cannot be understood.');
  const [, inode = '', mode = '', name = '', size = ''] = match;
  if (name === '.' || name === '..' || inode === '0') return undefined;
  return {
    name,
    inode: Number(inode),
    kind: kinds[Number.parseInt(mode, 8) >> 12] ?? 'other',
    size: size === '' ? 0 : Number(size),
  };
}

/** The entries in the output of debugfs' `ls -p`. Throws `integrity` for a name that cannot be told apart. */
export const entriesOf = (text: string): ExtEntry[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(entryOf)
    .filter((entry) => entry !== undefined);

/** Asks debugfs. It answers 0 even when it fails: its words on stderr decide. */
async function ask(image: string, request: string, options: ToolOptions): Promise<Buffer> {
  const { stdout, errors } = await runTool('debugfs', ['-c', '-R', request, image], options);
  const said = errors
    .split('\n')
    .filter((line) => line !== '' && !/^debugfs [0-9]|catastrophic mode/.test(line))
    .join(' ');
  if (/not found|File not found/i.test(said))
    throw new DeskError('not_found', 'There is no such file on the drive.');
  if (/Bad magic number|Filesystem not open|superblock/i.test(said)) {
    throw new DeskError('integrity', 'The drive holds no ext file system.', {
      hint: 'It may be encrypted, partitioned or damaged.',
    });
  }
  if (said !== '') throw new DeskError('integrity', `The drive cannot be read: ${said.slice(0, 200)}`);
  return stdout;
}

/** The entries of a folder by its inode (2 = the root). */
export async function listFolder(
  image: string,
  inode: number,
  options: ToolOptions = {},
): Promise<ExtEntry[]> {
  return entriesOf((await ask(image, `ls -p <${inode}>`, options)).toString('utf8'));
}

/** The bytes of a file by its inode, at most `maxBytes`. */
export async function readInode(
  image: string,
  inode: number,
  maxBytes: number,
  options: ToolOptions = {},
): Promise<Buffer> {
  return ask(image, `cat <${inode}>`, { ...options, maxOutput: maxBytes });
}
