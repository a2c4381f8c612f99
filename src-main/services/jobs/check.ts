import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Finding } from '../../contract/finding.ts';
import { checkJobFolder, forecastCodes } from '../../domain/job/check-job.ts';
import type { ClassPolicy } from '../../domain/job/class-policy.ts';
import { filesToRead } from '../../domain/job/job-folder.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import { fileError, throwIfCancelled } from './cancel.ts';
import { findJobFolder, type TransferPlace } from './find-job.ts';
import { readProjectKits } from './site-policies.ts';
import { type ScanLimits, type ScannedEntry, scanFolder } from './scan-folder.ts';

export interface CheckJobOptions {
  /** The admin kit: where a bare name is looked up, and beside which the sites' kits may lie. */
  kit?: TransferPlace;
  /** Clients that are connected now. */
  sites?: readonly string[];
  /** Every client of the project; read from the kits beside the admin kit when not given. */
  projectSites?: readonly string[];
  /** The server's line; told by the kits beside the admin kit when not given; else what only 2.8 refuses is a warning. */
  line?: FlareLine;
  /** Class policies per site; read from the kits beside the admin kit when not given. */
  policies?: readonly ClassPolicy[];
  /** The session's study and its sites (2.8). */
  study?: { name: string; sites: readonly string[] | null };
  limits?: ScanLimits;
  signal?: AbortSignal;
}

export interface CheckedJob {
  /** Absolute path of the job folder. */
  folder: string;
  /** The folder's own name, by which the server knows it. */
  folderName: string;
  /** `name` of the meta, else the folder's. */
  jobName: string;
  byoc: boolean;
  files: number;
  /** Bytes of all files. */
  bytes: number;
  /** Everything that was found; `file` is an absolute path. */
  findings: Finding[];
  entries: ScannedEntry[];
}

const maxTextBytes = 4 * 1024 * 1024;

/**
 * Checks a job folder with the server's own rules and, as far as they are known, against the sites: meta, deploy map,
 * apps, clients, component classes (docs/reference/admin-protocol.md §9.1, docs/reference/provisioning.md §4.7).
 * Nothing is sent and nothing is written. What is wrong with the job is in the findings, never an exception.
 *
 * @throws DeskError `not_found`, `invalid_input` (no folder), `denied`, `too_large`, `cancelled`
 */
export async function checkJob(nameOrPath: string, options: CheckJobOptions = {}): Promise<CheckedJob> {
  const { kit, sites, study, limits, signal } = options;
  const folder = await findJobFolder(nameOrPath, kit);
  const entries = await scanFolder(folder, { signal, limits });
  const texts = new Map<string, string | null>();
  const sizes = new Map(entries.map((entry) => [entry.path, entry.size]));
  for (const path of filesToRead(entries.filter((entry) => entry.readable))) {
    throwIfCancelled(signal, 'Checking the job');
    if ((sizes.get(path) ?? 0) <= maxTextBytes) texts.set(path, await readText(join(folder, path)));
  }

  const kits =
    kit && (!options.policies || !options.projectSites) ? await readProjectKits(kit.folder) : undefined;
  const folderName = basename(folder);
  const checked = checkJobFolder(
    { name: folderName, entries, texts },
    {
      line: options.line ?? kits?.line,
      connected: sites,
      projectSites: options.projectSites ?? kits?.clients,
      policies: options.policies ?? kits?.policies,
      study,
    },
  );
  const findings = [...unreadable(entries), ...checked.findings].map((finding) =>
    finding.file === undefined ? finding : { ...finding, file: join(folder, finding.file) },
  );
  const files = entries.filter((entry) => entry.kind === 'file');
  return {
    folder,
    folderName,
    jobName: checked.jobName,
    byoc: checked.byoc,
    files: files.length,
    bytes: files.reduce((sum, entry) => sum + entry.size, 0),
    findings,
    entries,
  };
}

/** The errors that keep a job from being submitted; `force` lets those pass that foretell, not those the server refuses. */
export function blockingFindings(findings: readonly Finding[], force = false): Finding[] {
  return findings.filter(({ severity, code }) => severity === 'error' && !(force && forecastCodes.has(code)));
}

function unreadable(entries: readonly ScannedEntry[]): Finding[] {
  return entries
    .filter((entry) => !entry.readable && !entry.path.includes('\ufffd'))
    .map(({ path }) => ({
      severity: 'error',
      code: 'job_file_unreadable',
      message: `${path} cannot be read.`,
      hint: 'Give yourself the right to read it (chmod u+r).',
      file: path,
    }));
}

/** The text of a small file, or null when its bytes are no UTF-8. */
async function readText(path: string): Promise<string | null> {
  let bytes: Buffer;
  try {
    const file = await open(path, 'r');
    try {
      bytes = await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, path, 'Checking the job');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
