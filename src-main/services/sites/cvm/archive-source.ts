/**
 * Where the bytes of an image come from: the archive here, or the builder that still has it. From a builder they pass through this
 * process and touch no disk. Builder and site never get a way to each other: that would take a credential of ours on one of them, and
 * whoever owns a builder would own every site.
 */
import { createReadStream } from 'node:fs';
import { DeskError } from '../../../contract/errors.ts';
import { connect } from '../../ssh/index.ts';
import type { SiteImage, SitesOptions } from '../types.ts';

export interface ArchiveSource {
  bytes: AsyncIterable<Buffer>;
  close(): void;
}

/**
 * Opens the archive at `start`. Errors: those of the builder's connection, `not_found` and `integrity` when the archive is not there
 * any more or has another size. Its content is judged at the receiving end, by the recorded SHA-256.
 */
export async function openArchive(
  image: SiteImage,
  start: number,
  { signal, ssh }: { signal?: AbortSignal; ssh: SitesOptions['ssh'] },
): Promise<ArchiveSource> {
  const { relay } = image;
  if (!relay) {
    const file = createReadStream(image.archive, { start, highWaterMark: 256 * 1024 });
    return { bytes: file as AsyncIterable<Buffer>, close: () => void file.destroy() };
  }
  const stop = signal ? { signal } : {};
  const connection = await connect(relay.ssh, { ...ssh, ...stop });
  try {
    const sftp = await connection.sftp(stop);
    const { size } = await sftp.stat(relay.path);
    if (size !== image.bytes)
      throw new DeskError(
        'integrity',
        `${relay.name}:${relay.path} has ${size} bytes; ${image.bytes} were recorded.`,
        { hint: 'Build the image again.' },
      );
    return { bytes: sftp.stream(relay.path, start, size), close: () => connection.close() };
  } catch (error) {
    connection.close();
    throw error;
  }
}
