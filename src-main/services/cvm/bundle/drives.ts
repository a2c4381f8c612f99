/** The drives of a bundle: judged by their heads, then by qemu-img where they lie on this disk. */
import { DeskError } from '../../../contract/errors.ts';
import type { BundleFinding, DriveFacts } from '../../../domain/cc/bundle-facts.ts';
import { readQcow2Head, unsafeImage } from '../qcow2.ts';
import { runTool } from '../tools.ts';
import type { SourceFile } from './source.ts';

const checkTimeoutMs = 120_000;
/** qemu-img check: 0 clean, 2 damaged, 3 leaks only. */
const outcomes: Readonly<Record<number, DriveFacts['check']>> = { 0: 'clean', 2: 'damaged', 3: 'leaks' };
/** FLARE rotates 11 files of 20 MiB of each of its four logs (docs/reference/confidential-computing.md §3.1). */
const logBytes = 4 * 11 * 20 * 1024 ** 2;

/**
 * What the drives are. Never follows a backing file. A missing `qemu-img` is a finding, not an error.
 * Throws `cancelled` alone.
 */
export async function inspectDrives(
  files: readonly SourceFile[],
  signal?: AbortSignal,
): Promise<{ drives: DriveFacts[]; findings: BundleFinding[] }> {
  const drives: DriveFacts[] = [];
  const findings: BundleFinding[] = [];
  for (const file of files.filter(({ name }) => name.endsWith('.qcow2'))) {
    const head = readQcow2Head(file.head);
    const unsafe = unsafeImage(head);
    if (!head || unsafe !== undefined) {
      findings.push({
        severity: 'problem',
        file: file.name,
        message: `The drive is refused: ${unsafe}.`,
        hint: 'Build the image again.',
      });
      continue;
    }
    const check = head.isMarkedDamaged ? 'damaged' : await checkOf(file, findings, signal);
    if (check === 'damaged') {
      findings.push({
        severity: 'problem',
        file: file.name,
        message: 'The drive is damaged.',
        hint: 'Build the image again, or copy it again.',
      });
    }
    if (file.name === 'applog.qcow2' && head.virtualSize < logBytes * 1.2) {
      findings.push({
        severity: 'warning',
        file: file.name,
        message: `The log drive has ${Math.round(head.virtualSize / 1024 ** 2)} MiB; FLARE's rotated logs take up to ${logBytes / 1024 ** 2} MiB.`,
        hint: 'Set applog_drive_size to 2 in the cc_config file and build again.',
      });
    }
    drives.push({ name: file.name, virtualSize: head.virtualSize, check });
  }
  return { drives, findings };
}

async function checkOf(
  file: SourceFile,
  findings: BundleFinding[],
  signal: AbortSignal | undefined,
): Promise<DriveFacts['check']> {
  if (file.path === undefined) return 'not checked';
  try {
    const { code } = await runTool('qemu-img', ['check', '--output=json', '-U', '-f', 'qcow2', file.path], {
      accept: [0, 2, 3],
      timeoutMs: checkTimeoutMs,
      ...(signal ? { signal } : {}),
    });
    return outcomes[code ?? -1] ?? 'not checked';
  } catch (error) {
    if (!(error instanceof DeskError) || error.code === 'cancelled') throw error;
    findings.push({
      severity: 'unknown',
      file: file.name,
      message: `The drive was not checked: ${error.message}`,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
    return 'not checked';
  }
}
