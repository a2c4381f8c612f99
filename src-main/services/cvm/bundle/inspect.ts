/** One look at a bundle: files, hashes, what it starts, what it measures, whose kit is in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import { bundleFiles } from '../../../domain/cc/bundle.ts';
import { type BundleFacts, type BundleFinding, policyFindings } from '../../../domain/cc/bundle-facts.ts';
import { readLaunchScript } from '../../../domain/cc/launch-script.ts';
import type { ReportProgress } from '../../../ports.ts';
import { readQcow2Head, unsafeImage } from '../qcow2.ts';
import { inspectDrives } from './drives.ts';
import { inspectKitInside } from './kit-inside.ts';
import { measure } from './measure.ts';
import { readOvmf } from './ovmf.ts';
import { type BundleSource, readBundleSource } from './source.ts';

export interface InspectOptions {
  /** SHA-256 of the root certificate that the kit inside must have. */
  rootFingerprint?: string;
  /** Milliseconds since the epoch, for certificates; default now. */
  now?: number;
  /** Where temporary files go; default the system's folder. They are of mode 600 and removed at the end. */
  scratch?: string;
  signal?: AbortSignal;
  /** Steps `hash` (bytes) and `look`. */
  report?: ReportProgress;
}

/**
 * Inspects a bundle: archive or folder, read once. Nothing of it is run or unpacked to a place that stays.
 *
 * @param path `<site>.tgz`, `cvm_…`, or a folder above it
 * @returns sizes in bytes, hashes in hex; what is wrong or could not be checked stands in `findings`
 * @throws DeskError `not_found`, `denied`, `invalid_input` (no bundle), `integrity` (cut short, damaged, links, `../`,
 *   absolute paths, duplicates, devices), `too_large`, `cancelled`
 * Source: docs/reference/confidential-computing.md §3, §7
 */
export async function inspectBundle(path: string, options: InspectOptions = {}): Promise<BundleFacts> {
  const { signal, report } = options;
  const work = await mkdtemp(join(options.scratch ?? tmpdir(), 'flaredesk-bundle-'));
  try {
    const source = await readBundleSource(path, {
      spool: work,
      ...(signal ? { signal } : {}),
      ...(report ? { report } : {}),
    });
    report?.({ step: 'look' });
    return await look(source, work, options);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function look(source: BundleSource, work: string, options: InspectOptions): Promise<BundleFacts> {
  const { signal, rootFingerprint, now } = options;
  const { files } = source;
  const findings: BundleFinding[] = fileFindings(source);
  const script = files.find(({ name }) => name === 'launch_vm.sh')?.content;
  const launch = readLaunchScript(script?.toString('utf8') ?? '');
  if (!script) launch.problems.push({ line: 1, message: 'the script is too long' });
  for (const { line, message } of launch.problems) {
    findings.push({ severity: 'unknown', file: 'launch_vm.sh', line, message: `Not certain: ${message}.` });
  }
  const policy = policyFindings(launch.facts.policy);
  const firmware = firmwareFacts(files);
  const measurement = measure(files, launch);
  findings.push(...policy.findings, ...firmware.findings);
  if (!measurement.computed) {
    findings.push({
      severity: 'unknown',
      file: '.',
      message: `The launch measurement cannot be computed: ${measurement.reason}.`,
      hint: 'Take it from the serial output of the first start on a host you trust.',
    });
  }
  const drives = await inspectDrives(files, signal);
  findings.push(...drives.findings);
  const config = files.find(({ name }) => name === 'user_config.qcow2');
  const readable = config?.path !== undefined && unsafeImage(readQcow2Head(config.head)) === undefined;
  const inside =
    readable && config.path !== undefined
      ? await inspectKitInside(config.path, {
          work,
          ...(rootFingerprint === undefined ? {} : { rootFingerprint }),
          ...(now === undefined ? {} : { now }),
          ...(signal ? { signal } : {}),
        })
      : { kit: null, findings: [] };
  findings.push(...inside.findings);
  if (signal?.aborted) throw new DeskError('cancelled', 'Reading the bundle was cancelled.');
  return {
    source: source.source,
    bundle: source.bundle,
    ...(source.archive ? { archive: source.archive } : {}),
    files: files.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    launch: launch.facts,
    kernelHashes: firmware.kernelHashes,
    drives: drives.drives,
    measurement,
    debugAllowed: policy.debugAllowed,
    kit: inside.kit,
    findings,
  };
}

function fileFindings({ files, others, bundle }: BundleSource): BundleFinding[] {
  const names = new Set(files.map(({ name }) => name));
  const known = new Set<string>(bundleFiles);
  const findings: BundleFinding[] = bundleFiles
    .filter((name) => !names.has(name))
    .map((file) => ({
      severity: 'problem',
      file,
      message: 'The file is missing.',
      hint: 'Build the image again.',
    }));
  for (const file of [...files.map(({ name }) => name).filter((name) => !known.has(name)), ...others]) {
    findings.push({ severity: 'warning', file, message: 'The file belongs to no bundle.' });
  }
  for (const { name, size } of files) {
    if (size === 0 && known.has(name))
      findings.push({ severity: 'problem', file: name, message: 'The file is empty.' });
  }
  if (!/^cvm_[0-9a-f]{12}$/.test(bundle)) {
    findings.push({
      severity: 'note',
      file: '.',
      message: `The folder is called ${bundle}, not cvm_ and 12 hex digits.`,
    });
  }
  return findings;
}

function firmwareFacts(files: BundleSource['files']): {
  kernelHashes: boolean | null;
  findings: BundleFinding[];
} {
  const content = files.find(({ name }) => name === 'OVMF.amdsev.fd')?.content;
  if (!content) return { kernelHashes: null, findings: [] };
  const file = 'OVMF.amdsev.fd';
  try {
    const { kernelHashes } = readOvmf(content);
    if (kernelHashes) return { kernelHashes, findings: [] };
    return {
      kernelHashes,
      findings: [
        {
          severity: 'problem',
          file,
          message: 'The firmware does not check the kernel: it has no kernel hash table.',
          hint: 'Build with the OVMF of the builder.',
        },
      ],
    };
  } catch (error) {
    if (!(error instanceof DeskError)) throw error;
    return { kernelHashes: null, findings: [{ severity: 'problem', file, message: error.message }] };
  }
}
