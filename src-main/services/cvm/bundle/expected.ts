/** What each participant's VM is to measure, as far as somebody who may say so has signed it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import type { ExpectedMeasurement } from '../../../domain/cc/bundle.ts';
import { currentRecord } from './hand-over.ts';
import { type HandOver, handOverPlace } from './record.ts';
import { checkSignature } from './record-signature.ts';

export interface ExpectedBundle {
  bundle: string;
  bundleSha256: string;
  vmId?: string;
  /** Computed only when the record is signed for this project and this participant; else the reason says what is missing. */
  measurement: ExpectedMeasurement;
  /** Name of the signer whose signature holds; null: take nothing of this for proved. */
  signedBy: string | null;
}

/**
 * The expected measurement of each participant whose bundle was inspected, from the records beside the archives. A record
 * counts only while size and time of its archive are the same; others are left out. Fails closed: of a record that is not
 * signed, signed under another root, by somebody who may not, or for another participant, no measurement is given.
 *
 * @param prodFolder `<workspace>/<project>/prod_NN`
 * @param options.rootFingerprint SHA-256 of the project's root certificate; without it nothing is proved
 * @param options.now milliseconds since the epoch, for the signer's certificate
 * @returns by participant; empty when nothing was inspected
 */
export async function expectedMeasurements(
  prodFolder: string,
  options: { rootFingerprint: string | undefined; now: number },
): Promise<Map<string, ExpectedBundle>> {
  const expected = new Map<string, ExpectedBundle>();
  const entries = await readdir(prodFolder, { withFileTypes: true }).catch(() => []);
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const archive = join(prodFolder, name, `${name}.tgz`);
    const found = await currentRecord(archive);
    if (!found?.record.archive) continue;
    const { record } = found;
    const proof = proofOf(found, name, archive, options);
    expected.set(name, {
      bundle: record.bundle,
      bundleSha256: record.archive?.sha256 ?? '',
      ...(record.vm_id === null ? {} : { vmId: record.vm_id }),
      measurement:
        'refusal' in proof
          ? { computed: false, reason: proof.refusal }
          : record.measurement.computed
            ? {
                computed: true,
                plain: record.measurement.plain,
                withDebugSwap: record.measurement.with_debug_swap,
              }
            : record.measurement,
      signedBy: 'refusal' in proof ? null : proof.signedBy,
    });
  }
  return expected;
}

/** Who vouches for a record, or why nobody does. */
function proofOf(
  handOver: HandOver,
  participant: string,
  archive: string,
  { rootFingerprint, now }: { rootFingerprint: string | undefined; now: number },
): { signedBy: string } | { refusal: string } {
  const way = `sign it: flaredesk cvm inspect ${archive} --sign root`;
  if (handOver.signature === null) return { refusal: `its hand-over record is not signed; ${way}` };
  if (rootFingerprint === undefined)
    return {
      refusal: 'the root certificate of the project is not here, so its hand-over record proves nothing',
    };
  if (handOver.record.participant !== participant)
    return { refusal: `its hand-over record is that of ${handOver.record.participant}; ${way}` };
  try {
    const { signedBy, expired } = checkSignature(handOver, rootFingerprint, now, handOverPlace(archive));
    if (expired)
      return { refusal: `the certificate of ${signedBy}, who signed its record, is not valid now; ${way}` };
    return { signedBy };
  } catch (error) {
    if (!(error instanceof DeskError)) throw error;
    return { refusal: `${error.message.replace(/\.$/, '')}; ${way}` };
  }
}
