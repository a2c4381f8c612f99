import { open } from 'node:fs/promises';
import { constants, gunzipSync } from 'node:zlib';
import type { ArchiveHead } from '../../domain/cc/cc-file.ts';

/** Enough for the first entries, packed or not. */
const headBytes = 64 * 1024;
const blockBytes = 512;
/** Entries that describe the next one (PAX, GNU long names), or the whole archive. */
const describing = new Set(['x', 'g', 'L', 'K']);

/** Looks at the beginning of a file, whatever its size. Throws what the file system throws. */
export async function readArchiveHead(path: string): Promise<ArchiveHead> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return headOf(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

function headOf(bytes: Buffer): ArchiveHead {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const plain = isGzip ? unpacked(bytes) : bytes;
  const firstEntry = plain && firstEntryOf(plain);
  if (isGzip) return { compression: 'gzip', ...(firstEntry === undefined ? {} : { firstEntry }) };
  return firstEntry === undefined ? { compression: 'other' } : { compression: 'none', firstEntry };
}

/** What the packed beginning holds; undefined when it is damaged. */
function unpacked(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes, {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: 64 * 1024 * 1024,
    });
  } catch {
    return undefined;
  }
}

function firstEntryOf(bytes: Buffer): string | undefined {
  for (let at = 0; at + blockBytes <= bytes.length; ) {
    const block = bytes.subarray(at, at + blockBytes);
    if (block.toString('latin1', 257, 262) !== 'ustar') return undefined;
    if (!describing.has(block.toString('latin1', 156, 157))) {
      return block.toString('utf8', 0, 100).replace(/\0[^]*$/, '');
    }
    const size = Number.parseInt(block.toString('latin1', 124, 136), 8) || 0;
    at += blockBytes + Math.ceil(size / blockBytes) * blockBytes;
  }
  return undefined;
}
