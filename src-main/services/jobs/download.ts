import { access, mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import { jobPhaseOf } from '../../domain/job/status.ts';
import type { ReportProgress } from '../../ports.ts';
import type { AdminSession, DownloadOffer } from '../flare/index.ts';
import { cancelled, fileError, pause, throwIfCancelled } from './cancel.ts';
import { getJobMeta } from './manage.ts';
import { askForOffer, type OfferedFile, type OfferKind } from './offer.ts';
import { requireJobId } from './reply.ts';
import { defaultUnpackLimits, type UnpackLimits, unpackZip } from './unpack.ts';

export interface DownloadJobOptions {
  /** Folder the result's own folder is made in: the kit's `downloadDir`, or any other. */
  into: string;
  /** What is fetched: the job with its result, or what sites sent beside it, such as logs of errors. */
  what?: OfferKind;
  limits?: UnpackLimits;
  signal?: AbortSignal;
  report?: ReportProgress;
}

export interface DownloadedJob {
  job_id: string;
  /** `<into>/<job id>`, or `…__1`, `…__2` when that is taken. */
  folder: string;
  /** Paths of all files, relative to `folder`. */
  files: string[];
  /** Bytes received. */
  bytes: number;
  /** Files of the result that look like models, relative to `folder`. */
  models: string[];
}

/** How often a file may be taken up again without one new byte having come. */
const maxIdleAttempts = 6;
/** How often a completed job's result is asked for before it is taken to have none. */
const maxResultQuestions = 5;
const doing = (jobId: string): string => `Downloading job ${jobId}`;

/**
 * Downloads a job with its result and unpacks it (docs/reference/admin-protocol.md §9.3). A dropped connection is taken
 * up where it broke off; when the server has let the offer go meanwhile, a new one is asked for. Everything is
 * collected beside the target and moved there in one step, so a folder with the job's name is always whole.
 *
 * @throws DeskError `not_found` (no such job, or nothing to fetch), `conflict` (2.8: it still runs), `denied`,
 *   `integrity` (the archive must not or cannot be unpacked), `too_large` (no space, or a bomb), `session_lost`,
 *   `timeout`, `remote_failed`, `cancelled`
 */
export async function downloadJob(
  session: AdminSession,
  jobId: string,
  options: DownloadJobOptions,
): Promise<DownloadedJob> {
  requireJobId(jobId);
  const { signal, report, limits = defaultUnpackLimits } = options;
  const into = resolve(options.into);
  let place: string | undefined;
  try {
    await mkdir(into, { recursive: true });
    place = await mkdtemp(join(into, `.${jobId}.part-`));
    const fetched = await fetchFiles(session, jobId, place, options);
    const files: string[] = [];
    for (const { path } of fetched.files) files.push(...(await settle(place, path, limits, signal, report)));
    await syncFolder(place);
    const folder = await moveToFreeName(place, join(into, jobId));
    place = undefined;
    const models = files.filter((path) => looksLikeModel(path));
    return { job_id: jobId, folder, files: files.sort(), bytes: fetched.bytes, models: models.sort() };
  } catch (error) {
    if (signal?.aborted) throw cancelled(doing(jobId));
    throw fileError(error, into, doing(jobId));
  } finally {
    if (place !== undefined) await rm(place, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function fetchFiles(
  session: AdminSession,
  jobId: string,
  place: string,
  options: DownloadJobOptions,
): Promise<{ files: OfferedFile[]; bytes: number }> {
  const { signal, report, what = 'job' } = options;
  let offered =
    what === 'job'
      ? await askForResult(session, jobId, signal)
      : await askForOffer(session, jobId, what, signal);
  const files = offered;
  let bytes = 0;
  for (const { path } of files) {
    const earlier = bytes;
    const onBytes = (received: number, message?: string): void => {
      bytes = earlier + received;
      report?.({
        step: 'download',
        target: path,
        done: bytes,
        unit: 'bytes',
        ...(message ? { message } : {}),
      });
    };
    await mkdir(dirname(join(place, path)), { recursive: true, mode: 0o700 });
    const file = await open(join(place, path), 'wx', 0o600);
    try {
      let received = 0;
      let offerIsGone = false;
      for (let idle = 0; ; ) {
        const before = received;
        try {
          if (offerIsGone) offered = await askForOffer(session, jobId, what, signal);
          offerIsGone = false;
          const offer = offerOf(offered, path, jobId);
          for await (const chunk of session.download(offer, {
            offset: received,
            ...(signal ? { signal } : {}),
          })) {
            throwIfCancelled(signal, doing(jobId));
            await file.writeFile(chunk);
            received += chunk.length;
            onBytes(received);
          }
          break;
        } catch (error) {
          idle = received > before ? 0 : idle + 1;
          const isGone = error instanceof DeskError && error.code === 'not_found';
          // With no offer to be had, the job itself is gone.
          if (signal?.aborted || !isPassing(error) || (isGone && offerIsGone) || idle >= maxIdleAttempts)
            throw error;
          offerIsGone ||= isGone;
          onBytes(received, 'taking up again');
          await pause(Math.min(8000, 500 * 2 ** idle), signal, doing(jobId));
        }
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }
  return { files, bytes };
}

/** A job that is completed has a result; it can appear a moment later than the status. */
async function askForResult(
  session: AdminSession,
  jobId: string,
  signal?: AbortSignal,
): Promise<OfferedFile[]> {
  for (let asked = 1; ; asked += 1) {
    const offered = await askForOffer(session, jobId, 'job', signal);
    if (offered.some(({ path }) => path === 'workspace.zip') || asked === maxResultQuestions) return offered;
    const { status } = await getJobMeta(session, jobId, { signal });
    if (jobPhaseOf(status) !== 'completed') return offered;
    await pause(1000, signal, doing(jobId));
  }
}

function offerOf(offered: readonly OfferedFile[], path: string, jobId: string): DownloadOffer {
  const found = offered.find((file) => file.path === path);
  if (found) return found.offer;
  throw new DeskError('remote_failed', `${doing(jobId)}: the server no longer offers ${path}.`);
}

/** Failures after which the same file can be asked for again: a drop, silence, or an offer that is gone. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof DeskError)) return false;
  return (
    error.retryable || error.code === 'timeout' || error.code === 'unreachable' || error.code === 'not_found'
  );
}

/** Unpacks an archive into the folder of its name and removes it; other files stay as they are. */
async function settle(
  place: string,
  path: string,
  limits: UnpackLimits,
  signal: AbortSignal | undefined,
  report: ReportProgress | undefined,
): Promise<string[]> {
  if (extname(path).toLowerCase() !== '.zip') return [path];
  const archive = join(place, path);
  const folder = path.slice(0, -4);
  const files = await unpackZip(archive, join(place, folder), { limits, signal, report });
  await rm(archive);
  return files.map((file) => `${folder}/${file}`);
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Takes the first free of `NAME`, `NAME__1`, `NAME__2` … as the reference client does. */
async function moveToFreeName(from: string, wanted: string): Promise<string> {
  for (let count = 0; count < 10_000; count += 1) {
    const target = count === 0 ? wanted : `${wanted}__${count}`;
    if (await isTaken(target)) continue;
    await rename(from, target);
    return target;
  }
  throw new DeskError('conflict', `${wanted} and 9999 copies of it exist already.`, {
    hint: 'Remove old results.',
  });
}

async function isTaken(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

const modelForms = /\.(?:npy|npz|pt|pth|bin|safetensors|h5|hdf5|keras|onnx|pkl|joblib|tflite|ckpt)$/i;

function looksLikeModel(path: string): boolean {
  return path.startsWith('workspace/') && modelForms.test(path);
}
