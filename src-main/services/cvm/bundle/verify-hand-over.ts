/** A bundle against its signed hand-over record: for the receiving site, offline. */
import { basename } from 'node:path';
import { writableDrives } from '../../../domain/cc/bundle.ts';
import type { BundleFinding } from '../../../domain/cc/bundle-facts.ts';
import type { ReportProgress } from '../../../ports.ts';
import { type HandOverBody, handOverPlace, readHandOver } from './record.ts';
import { checkSignature } from './record-signature.ts';
import { readBundleSource } from './source.ts';

export interface HandOverVerification {
  /** Empty = the bundle is, byte by byte, what the project admin signed. */
  problems: BundleFinding[];
  notes: BundleFinding[];
  record: HandOverBody;
  /** Name in the signer's certificate. */
  signedBy: string;
}

/**
 * Verifies a bundle against its hand-over record: for the receiving site, offline, with nothing but the root fingerprint.
 *
 * @param bundle archive or folder. Of a folder that was started, the drives the VM writes to differ: a note, not a problem
 * @param options.record default: beside the bundle
 * @throws DeskError `cert_untrusted` (not signed by this project), `integrity` (record changed; archive unreadable),
 *   `not_found`, `denied`, `cancelled`. Every file that differs is a problem in the answer.
 */
export async function verifyHandOver(
  bundle: string,
  options: {
    rootFingerprint: string;
    record?: string;
    now?: number;
    signal?: AbortSignal;
    report?: ReportProgress;
  },
): Promise<HandOverVerification> {
  const { rootFingerprint, now = Date.now(), signal, report } = options;
  const file = options.record ?? handOverPlace(bundle);
  const handOver = await readHandOver(file);
  const { signedBy, expired } = checkSignature(handOver, rootFingerprint, now, file);
  const { record } = handOver;
  const source = await readBundleSource(bundle, {
    ...(signal ? { signal } : {}),
    ...(report ? { report } : {}),
  });
  const problems: BundleFinding[] = [];
  const notes: BundleFinding[] = [];
  const problem = (name: string, message: string): void => {
    problems.push({
      severity: 'problem',
      file: name,
      message,
      hint: 'Fetch the bundle again. Do not start this one.',
    });
  };
  if (expired) {
    notes.push({
      severity: 'note',
      file: basename(file),
      message: 'The certificate of the signer is not valid now.',
      hint: 'Ask the project admin whether this is still the current bundle.',
    });
  }
  if (source.archive && record.archive && source.archive.sha256 !== record.archive.sha256) {
    problem(
      source.archive.name,
      `The archive differs: SHA-256 ${source.archive.sha256}, signed was ${record.archive.sha256}.`,
    );
  }
  if (source.bundle !== record.bundle) {
    notes.push({
      severity: 'note',
      file: '.',
      message: `The folder is called ${source.bundle}; signed was ${record.bundle}.`,
    });
  }
  const signed = new Map(record.files.map((one) => [one.name, one]));
  for (const { name, sha256 } of source.files) {
    const expected = signed.get(name);
    signed.delete(name);
    if (!expected) problem(name, 'The file was not signed.');
    else if (expected.sha256 !== sha256) {
      const isWritable = source.source === 'folder' && (writableDrives as readonly string[]).includes(name);
      if (isWritable)
        notes.push({
          severity: 'note',
          file: name,
          message: 'The drive differs: its VM or its owner has written to it.',
        });
      else problem(name, `The file differs: SHA-256 ${sha256}, signed was ${expected.sha256}.`);
    }
  }
  for (const name of signed.keys()) problem(name, 'The file is missing.');
  for (const name of source.others) problem(name, 'The file was not signed.');
  return { problems, notes, record, signedBy };
}
