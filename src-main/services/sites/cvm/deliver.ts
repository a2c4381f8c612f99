/** Brings an image to its host: continued where it broke off, verified, whole or not at all, the one before kept. */
import { DeskError } from '../../../contract/errors.ts';
import { diskFactor } from '../../../domain/cc/host-probes/index.ts';
import { type SiteShell, valuesOf } from '../site-shell.ts';
import type { Outcome, StepLog } from '../step-log.ts';
import type { SiteImage, SiteState, SitesOptions } from '../types.ts';
import { openArchive } from './archive-source.ts';
import { imageId, manifestOf, sealedFiles, unpackedBytes } from './image.ts';
import {
  checkArchive,
  compareImage,
  installImage,
  prepareImageDelivery,
  receiveArchive,
  removeIncomingImage,
  switchImage,
} from './scripts.ts';

const cleanupMs = 5_000;
/** For steps whose time grows with the image. The keepalive watches over the connection. */
const longMs = 24 * 3600 * 1000;

interface Context {
  signal?: AbortSignal;
  /** How a builder that still has the archive is reached. */
  ssh: SitesOptions['ssh'];
}

interface Found {
  there: boolean;
  current: string;
  running: boolean;
  runningImage: string;
  launched: boolean;
  part: number;
  differs: string[];
}

/**
 * Compares what is there, sends what is missing of the archive, compares SHA-256 of the whole on the host, unpacks beside
 * the old image, compares every file with the hand-over record, and switches. A lost connection leaves the unfinished
 * archive for the next run; a cancel removes it. Errors: `conflict` (the image to replace is running), `remote_failed`
 * (no room, no tools), `integrity`, and those of the connection.
 */
export async function deliverImage(
  shell: SiteShell,
  image: SiteImage,
  log: StepLog,
  context: Context,
): Promise<SiteState> {
  const id = imageId(image);
  const found = await log.step('compare', () => compare(shell, image, context), sayCompared);
  const spoiled = found.there && !isIntact(found);
  if (found.there && !spoiled && found.current === id) return 'already_there';
  if (spoiled && found.running && found.runningImage === id)
    throw new DeskError('conflict', `The image ${id} was changed on the host and runs: it is not replaced.`, {
      hint: 'Stop the site first (sites stop), then distribute again.',
    });
  if (!found.there || spoiled) await send(shell, image, found.part, log, context);
  await log.step(
    'switch',
    () => shell.must('Switching to the new image', switchImage, [id], { ...context, timeoutMs: longMs }),
    (lines) => saySwitched(id, found, lines),
  );
  return 'delivered';
}

async function compare(shell: SiteShell, image: SiteImage, context: Context): Promise<Found> {
  const lines = await shell.must('Looking at what is there', compareImage, [imageId(image), image.sha256], {
    ...context,
    stdin: manifestOf(image),
    timeoutMs: longMs,
  });
  const values = valuesOf(lines);
  const all = (key: string) =>
    lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const part = Number(values.get('part') ?? 0);
  return {
    there: values.get('image') === 'there',
    current: values.get('current') ?? '',
    running: all('running').length > 0,
    runningImage: values.get('recorded') ?? '',
    launched: values.has('launched'),
    part: Number.isSafeInteger(part) && part <= image.bytes ? part : 0,
    differs: all('differs'),
  };
}

/** A VM that ran once has written into its drives; what it is measured by must be as it was built. */
function isIntact({ launched, differs }: Found): boolean {
  return differs.every((name) => launched && !sealedFiles.includes(name) && name.endsWith('.qcow2'));
}

function sayCompared(found: Found): string | Outcome {
  if (!found.there)
    return found.part > 0 ? `not there yet; ${found.part} bytes of an earlier try are` : 'not there yet';
  if (found.differs.length === 0) return 'already there, unchanged';
  if (isIntact(found)) return `already there; its VM has written to ${found.differs.join(', ')}`;
  return { state: 'warning', message: `there, but changed on the host: ${found.differs.join(', ')}` };
}

function saySwitched(id: string, found: Found, lines: readonly string[]): Outcome {
  const values = valuesOf(lines);
  const parts = [`image is ${id}`];
  const before = values.get('previous') ?? '';
  if (before !== '') parts.push(`${before} is kept for roll back`);
  const runsOld = found.running && found.runningImage !== id;
  if (runsOld) parts.push(`the running VM is ${found.runningImage} until it is stopped and started`);
  const data = values.get('data');
  if (data === undefined) return { state: runsOld ? 'warning' : 'ok', message: parts.join('; ') };
  parts.push('the user data drive of the image before was filled, the new one is empty');
  return {
    state: 'warning',
    message: parts.join('; '),
    hint: `Fill the new drive before the start, or copy ${data} over it while no VM uses either.`,
  };
}

async function send(
  shell: SiteShell,
  image: SiteImage,
  part: number,
  log: StepLog,
  context: Context,
): Promise<void> {
  const { signal } = context;
  try {
    await log.step(
      'room',
      async () => {
        const values = valuesOf(
          await shell.must('Making the folder', prepareImageDelivery, [image.sha256], context),
        );
        const free = Number(values.get('free') || Number.NaN) * 1024;
        const needed = Math.ceil(unpackedBytes(image) * diskFactor) - part;
        if (Number.isFinite(free) && free < needed)
          throw new DeskError(
            'remote_failed',
            `${shell.place} has ${free} bytes free, the image needs ${needed} while it is unpacked.`,
            {
              hint: 'Free some space on the host, or name a directory on another disk, then distribute again.',
              retryable: true,
            },
          );
        return free;
      },
      (free) =>
        Number.isFinite(free)
          ? `${Math.floor(free / 1024 / 1024)} MiB free`
          : { state: 'warning', message: 'free space unknown' },
    );
    await log.step(
      'upload',
      () => upload(shell, image, part, log, context),
      (sum) =>
        `${part > 0 ? `continued at ${part} of ${image.bytes}` : image.bytes} bytes${image.relay ? ` from ${image.relay.name}` : ''}, SHA-256 ${sum.slice(0, 12)}… as recorded`,
    );
    await log.step(
      'unpack',
      () =>
        shell.must(
          'Unpacking the image',
          installImage,
          [image.sha256, imageId(image), String(Math.floor(Date.now() / 1000))],
          { ...context, stdin: manifestOf(image), timeoutMs: longMs },
        ),
      (lines) => {
        const kept = valuesOf(lines).get('kept');
        const text = `${image.files.length} files compared with the hand-over record`;
        return kept === undefined ? text : `${text}; the changed image is kept as ${kept}`;
      },
    );
  } catch (error) {
    // What a cancel leaves to do; after a lost connection or a failure the next run continues.
    if (signal?.aborted && !shell.connection.closed)
      await shell.run(removeIncomingImage, [], { timeoutMs: cleanupMs }).catch(() => undefined);
    throw error;
  }
}

async function upload(
  shell: SiteShell,
  image: SiteImage,
  part: number,
  log: StepLog,
  context: Context,
): Promise<string> {
  if (part < image.bytes) {
    const archive = await openArchive(image, part, context);
    let done = part;
    let lastReport = 0;
    const bytes = async function* () {
      for await (const chunk of archive.bytes) {
        yield chunk;
        done += chunk.length;
        const now = performance.now();
        if (now - lastReport < 100 && done < image.bytes) continue;
        lastReport = now;
        log.progress({ step: 'upload', done, total: image.bytes, unit: 'bytes' });
      }
    };
    try {
      await shell.must('Receiving the image', receiveArchive, [image.sha256, String(part)], {
        ...context,
        stdin: bytes(),
        timeoutMs: longMs,
      });
    } finally {
      archive.close();
    }
  }
  const values = valuesOf(
    await shell.must('Hashing the image', checkArchive, [image.sha256], { ...context, timeoutMs: longMs }),
  );
  const there = values.get('sha256') ?? 'none';
  if (there === 'none')
    throw new DeskError('unsupported', `${shell.place} has no tool to compute SHA-256.`, {
      hint: 'Install coreutils (sha256sum), shasum or openssl on the host.',
    });
  if (there !== image.sha256)
    throw new DeskError(
      'integrity',
      `The image arrived changed on ${shell.place}: SHA-256 ${there}, recorded ${image.sha256}.`,
      {
        hint: 'Run the step again; it starts from nothing. If it stays, inspect the image (cvm inspect).',
        retryable: true,
      },
    );
  return there;
}
