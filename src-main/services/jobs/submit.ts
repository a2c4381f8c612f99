import { DeskError } from '../../contract/errors.ts';
import type { Finding } from '../../contract/finding.ts';
import { isRecord } from '../../domain/record.ts';
import { flareLineOf } from '../../domain/project/flare-line.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import type { ReportProgress } from '../../ports.ts';
import { type AdminKit, type AdminSession, adminSignerOf, quoteArgument } from '../flare/index.ts';
import { cancelled, throwIfCancelled } from './cancel.ts';
import { blockingFindings, type CheckedJob, type CheckJobOptions, checkJob } from './check.ts';
import { type JobSigner, type PackedJob, packJob } from './pack.ts';
import { requireOk, textIn } from './reply.ts';

export interface SubmitJobOptions
  extends Pick<CheckJobOptions, 'projectSites' | 'policies' | 'study' | 'limits'> {
  /** Submit in spite of errors that only foretell (sites that are absent, classes a site may refuse). */
  force?: boolean;
  /** A name for this submit, 2.8: sent again with the same token, the server answers with the job it has (§8.1). */
  submitToken?: string;
  signal?: AbortSignal;
  report?: ReportProgress;
  /** Every finding that did not stop the submit. */
  onFindings?: (findings: Finding[]) => void;
}

export interface SubmittedJob {
  job_id: string;
  jobName: string;
  folder: string;
  findings: Finding[];
  /** Bytes sent. */
  bytes: number;
}

/**
 * Checks a job against the server and the sites that are connected, packs and signs it, and uploads it
 * (docs/reference/admin-protocol.md §9.1–§9.2). Nothing is sent when the check finds an error; the job folder is only
 * read.
 *
 * @param job a folder path, or a name in the kit's transfer folder
 * @throws DeskError `invalid_input` with every finding in `fields`, what `checkJob` and `packJob` throw, and what the
 *   server refuses: `denied`, `invalid_input`, `conflict`, `remote_failed`; `session_lost`, `timeout`, `cancelled`
 */
export async function submitJob(
  session: AdminSession,
  kit: AdminKit,
  job: string,
  options: SubmitJobOptions = {},
): Promise<SubmittedJob> {
  const { signal, report } = options;
  report?.({ step: 'check' });
  // Asked first for a second reason: after a server restart an upload must not be a session's first command (§7.3).
  const sites = await connectedClients(session, { signal });
  const checked = await checkJob(job, { ...options, kit, sites, line: lineOf(session) });
  const blocking = blockingFindings(checked.findings, options.force);
  if (blocking.length > 0) throw refusal(checked, blocking);
  options.onFindings?.(checked.findings);

  const packed = await packJob(checked.folder, checked.folderName, {
    signer: signerOf(kit),
    limits: options.limits,
    signal,
    report,
  });
  try {
    const jobId = await uploadJob(session, packed, options);
    return {
      job_id: jobId,
      jobName: checked.jobName,
      folder: checked.folder,
      findings: checked.findings,
      bytes: packed.size,
    };
  } finally {
    await packed.dispose();
  }
}

/**
 * Uploads a packed job and answers its id. Progress in bytes.
 * @throws DeskError as `submitJob`
 */
export async function uploadJob(
  session: AdminSession,
  packed: PackedJob,
  { signal, report, submitToken }: Pick<SubmitJobOptions, 'signal' | 'report' | 'submitToken'> = {},
): Promise<string> {
  const doing = `Submitting job ${packed.folderName}`;
  throwIfCancelled(signal, doing);
  const token = submitToken === undefined ? '' : ` --submit-token ${quoteArgument(submitToken)}`;
  const reply = await session.upload(
    `job_mgmt.submit_job ${quoteArgument(packed.folderName)}${token}`,
    { name: `${packed.folderName}.zip`, size: packed.size, read: () => packed.read() },
    {
      ...(signal ? { signal } : {}),
      onProgress: (done) => report?.({ step: 'upload', done, total: packed.size, unit: 'bytes' }),
    },
  );
  if (signal?.aborted && !reply.ok) throw cancelled(doing);
  requireOk(reply, doing);
  const jobId = textIn(reply.meta, 'job_id');
  if (jobId === undefined) throw new DeskError('remote_failed', `${doing}: the server named no job id.`);
  return jobId;
}

/** The signer and certificate of an opened kit, as `packJob` wants them. */
export function signerOf(kit: AdminKit): JobSigner {
  const { signer, certificatePem } = adminSignerOf(kit);
  return {
    sign: (data) => signer.sign(data),
    signChunks: (chunks) => signer.signChunks(chunks),
    certificatePem,
  };
}

/**
 * Names of the clients that are connected now (`check_status server`), or undefined when the role may not ask.
 * @throws DeskError `session_lost`, `timeout`, `cancelled`
 */
export async function connectedClients(
  session: AdminSession,
  options: { signal?: AbortSignal } = {},
): Promise<string[] | undefined> {
  const reply = await session.execute('check_status server', options);
  const { clients } = reply.meta;
  if (!reply.ok || !Array.isArray(clients)) return undefined;
  return clients.filter(isRecord).flatMap((client) => textIn(client, 'client_name') ?? []);
}

/** The line of a session's server; undefined for a version this product does not know. */
export function lineOf(session: AdminSession): FlareLine | undefined {
  try {
    return flareLineOf(session.serverVersion);
  } catch {
    return undefined;
  }
}

function refusal(checked: CheckedJob, blocking: readonly Finding[]): DeskError {
  const [first] = blocking;
  const more = blocking.length > 1 ? ` (and ${blocking.length - 1} more)` : '';
  return new DeskError(
    'invalid_input',
    `Job ${checked.folderName} is not sent: ${first?.message ?? ''}${more}`,
    {
      hint: first?.hint ?? 'Correct the job folder.',
      fields: blocking.map(({ file, line, column, path, message, hint }) => ({
        file,
        line,
        column,
        path,
        message,
        hint,
      })),
    },
  );
}
