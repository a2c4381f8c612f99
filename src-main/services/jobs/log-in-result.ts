import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cancelled } from './cancel.ts';
import type { AdminSession } from '../flare/index.ts';
import { askForOffer } from './offer.ts';
import { readEntryText } from './unpack.ts';

/** A result beyond this is not fetched for its log alone, bytes. */
const maxResultBytes = 64 * 1024 ** 2;
const maxLogBytes = 8 * 1024 ** 2;

/**
 * The server's log out of a finished job's result: the only place that has it on 2.7, where the run folder is removed
 * when the job ends. Answers undefined when there is no result, it is too large to be fetched for this, or the role may
 * not download; throws only `cancelled`.
 */
export async function logInResult(
  session: AdminSession,
  jobId: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const place = await mkdtemp(join(tmpdir(), 'flaredesk-log-'));
  try {
    const file = (await askForOffer(session, jobId, 'job', signal)).find(
      ({ path }) => path === 'workspace.zip',
    );
    if (!file) return undefined;
    const archive = join(place, 'workspace.zip');
    const source = session.download(file.offer, signal ? { signal } : {});
    await pipeline(atMost(source, maxResultBytes), createWriteStream(archive, { flags: 'wx', mode: 0o600 }));
    return await readEntryText(archive, 'log.txt', maxLogBytes);
  } catch {
    // A log is an extra: without it the rest of the reason is still worth telling.
    if (signal?.aborted) throw cancelled('Reading the log');
    return undefined;
  } finally {
    await rm(place, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function* atMost(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > limit) throw new Error('more than is wanted');
    yield chunk;
  }
}
