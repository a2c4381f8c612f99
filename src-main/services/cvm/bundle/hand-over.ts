/** Makes hand-over records and keeps them beside their archives. */
import { stat } from 'node:fs/promises';
import type { BundleFacts } from '../../../domain/cc/bundle-facts.ts';
import { type HandOver, type HandOverBody, handOverPlace, readHandOver, writeHandOver } from './record.ts';
import { type RecordSigner, signHandOver } from './record-signature.ts';

/** The record of an inspection, not signed. */
function handOverOf(facts: BundleFacts, participant: string, now: number): HandOver {
  const { archive, measurement, kit } = facts;
  const body: HandOverBody = {
    format: 'flaredesk.bundle/1',
    participant,
    bundle: facts.bundle,
    flare: kit?.flare ?? null,
    root_fingerprint: kit?.rootFingerprint ?? null,
    created_at: new Date(now).toISOString(),
    archive: archive
      ? { name: archive.name, size: archive.size, sha256: archive.sha256, modified: archive.modified }
      : null,
    files: facts.files
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    vm_id: facts.launch.vmId ?? null,
    measurement: measurement.computed
      ? { computed: true, plain: measurement.plain, with_debug_swap: measurement.withDebugSwap }
      : { computed: false, reason: measurement.reason },
    kit_signature: kit?.signature ?? null,
    kit_fingerprint: kit?.fingerprint ?? null,
  };
  return { record: body, certificates: [], signature: null };
}

/** The record beside an archive while it describes that very file: same size, same time. */
export async function currentRecord(archive: string): Promise<HandOver | undefined> {
  const stats = await stat(archive).catch(() => undefined);
  if (!stats?.isFile()) return undefined;
  const found = await readHandOver(handOverPlace(archive)).catch(() => undefined);
  const described = found?.record.archive;
  if (!described) return undefined;
  return described.size === stats.size && described.modified === stats.mtime.toISOString()
    ? found
    : undefined;
}

/**
 * Keeps what an inspection found beside the archive, signed when a signer is given. A signed record of the same archive
 * is not replaced by an unsigned one. Answers where it is.
 */
export async function keepHandOver(
  path: string,
  facts: BundleFacts,
  options: { participant: string; now: number; signer?: RecordSigner },
): Promise<{ file: string; handOver: HandOver }> {
  const { participant, now, signer } = options;
  const file = handOverPlace(path);
  const unsigned = handOverOf(facts, participant, now);
  if (!signer) {
    const before = await currentRecord(path);
    if (before?.signature && before.record.archive?.sha256 === facts.archive?.sha256)
      return { file, handOver: before };
  }
  const handOver = signer ? signHandOver(unsigned, signer) : unsigned;
  await writeHandOver(file, handOver);
  return { file, handOver };
}
