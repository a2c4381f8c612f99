/** The cryptography of a report, with node:crypto alone (docs/reference/confidential-computing.md §1.7). */
import { createHash, verify } from 'node:crypto';
import {
  hardwareIdOf,
  reportedTcbOf,
  sameTcb,
  type SignatureCheck,
  signedLength,
  type SnpReport,
  tcbText,
} from '../../domain/attestation/index.ts';
import type { Anchors } from './anchors.ts';
import type { ChipCertificate } from './chip-certificate.ts';

/** Signatures are facts about bytes: a hundred sites' newest reports are not computed again for each look. */
export type SignatureMemory = Map<string, boolean>;
const mostRemembered = 20_000;

/**
 * Checks the signature of a report against one chip certificate: chain, dates, chip id, TCB, ECDSA P-384.
 * @param now milliseconds since the epoch
 */
export function verifyReport(
  report: SnpReport,
  certificate: ChipCertificate,
  anchors: Anchors,
  now: number,
  memory?: SignatureMemory,
): SignatureCheck {
  const chain = anchors.check(certificate, now);
  if (chain.state === 'bad') return chain;
  const { kind, product } = certificate;
  if (report.signingKey !== kind || (report.product !== undefined && report.product !== product)) {
    return {
      state: 'bad',
      cause: 'other_chip',
      message: `The report says it is signed by the ${report.signingKey} of ${report.product ?? 'an unnamed product'}, the certificate is a ${kind} of ${product}.`,
    };
  }
  const compared = kind === 'VCEK' && !report.chipMasked;
  if (compared && hardwareIdOf(report, product) !== certificate.chipId) {
    return {
      state: 'bad',
      cause: 'other_chip',
      message: 'The chip certificate is that of another chip than the report names.',
    };
  }
  const tcb = reportedTcbOf(report, product);
  if (!sameTcb(tcb, certificate.tcb)) {
    return {
      state: 'bad',
      cause: 'other_tcb',
      message: `The chip certificate is for firmware ${tcbText(certificate.tcb)}, the report for ${tcbText(tcb)}.`,
      hint: 'After a firmware update the host needs a new VCEK: fetch or import it.',
    };
  }
  if (!isSigned(report, certificate, memory)) {
    return {
      state: 'bad',
      cause: 'signature',
      message: 'The signature of the report is wrong: it was changed, or another chip made it.',
    };
  }
  return { state: 'good', product, key: kind, anchor: chain.anchor, chipCompared: compared };
}

const memoryKey = (report: SnpReport, { fingerprint }: ChipCertificate): string =>
  `${fingerprint} ${createHash('sha256').update(report.bytes).digest('base64')}`;

function keep(memory: SignatureMemory, key: string, good: boolean): void {
  if (memory.size >= mostRemembered) memory.delete(memory.keys().next().value ?? '');
  memory.set(key, good);
}

const parts = (report: SnpReport, { x509 }: ChipCertificate) => ({
  signed: report.bytes.subarray(0, signedLength),
  key: { key: x509.publicKey, dsaEncoding: 'ieee-p1363' as const },
});

function isSigned(
  report: SnpReport,
  certificate: ChipCertificate,
  memory: SignatureMemory | undefined,
): boolean {
  const known = memory?.get(memoryKey(report, certificate));
  if (known !== undefined) return known;
  const { signed, key } = parts(report, certificate);
  const good = verify('sha384', signed, key, report.signature);
  if (memory !== undefined) keep(memory, memoryKey(report, certificate), good);
  return good;
}

/** Computes the signature beside this thread, so that many are done on all cores, and remembers what came out. */
export function verifyAhead(
  report: SnpReport,
  certificate: ChipCertificate,
  memory: SignatureMemory,
): Promise<void> {
  const remembered = memoryKey(report, certificate);
  if (memory.has(remembered)) return Promise.resolve();
  const { signed, key } = parts(report, certificate);
  return new Promise((resolve) =>
    verify('sha384', signed, key, report.signature, (error, good) => {
      // A failure is left to the check itself, which says why.
      if (error === null) keep(memory, remembered, good);
      resolve();
    }),
  );
}
