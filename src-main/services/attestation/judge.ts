/** From what a site handed over to a verdict: the form told apart, the certificate found, every rule applied. */
import { createHash } from 'node:crypto';
import {
  type Evidence,
  type Expectations,
  judgeReport,
  parseReport,
  type SeenBefore,
  type SignatureCheck,
  type SnpReport,
  type Verdict,
  verdictWithout,
} from '../../domain/attestation/index.ts';
import type { Anchors } from './anchors.ts';
import type { ChipCertificate } from './chip-certificate.ts';
import type { VcekStore } from './vcek-store.ts';
import { type SignatureMemory, verifyReport } from './verify-report.ts';

export interface JudgeParts {
  anchors: Anchors;
  store: VcekStore;
  /** Milliseconds since the epoch. */
  now: number;
  memory?: SignatureMemory;
}

export interface Judged {
  verdict: Verdict;
  /** Of a report whose form is right. */
  report?: SnpReport;
}

/**
 * Judges one piece of evidence. Never throws for bad evidence: that is a verdict.
 * @param certificate used in place of the store's
 */
export async function judgeEvidence(
  evidence: Evidence,
  expected: Expectations,
  seen: SeenBefore,
  parts: JudgeParts & { certificate?: ChipCertificate },
): Promise<Judged> {
  if (evidence.kind === 'mock') return { verdict: verdictWithout('mock', 'mock_token', evidence.message) };
  if (evidence.kind === 'none')
    return { verdict: verdictWithout('refused', 'no_evidence', evidence.message) };
  if (evidence.kind !== 'snp') {
    const what = evidence.kind === 'gpu' ? 'A GPU token' : 'A token of another attester';
    return {
      verdict: verdictWithout(
        'unchecked',
        'no_certificate',
        `${what}: its signature is not checked by this console.`,
      ),
    };
  }
  const parsed = parseReport(evidence.bytes);
  if (!parsed.ok) return { verdict: verdictWithout('refused', parsed.fault, parsed.message) };
  const { report } = parsed;
  const certificate = parts.certificate ?? (await parts.store.find(report));
  const signature =
    certificate === undefined
      ? withoutCertificate(report)
      : verifyReport(report, certificate, parts.anchors, parts.now, parts.memory);
  return { verdict: judgeReport(report, signature, expected, seen), report };
}

function withoutCertificate(report: SnpReport): SignatureCheck {
  if (report.signingKey === 'VLEK') {
    return {
      state: 'not_checked',
      message: 'The report is signed with a VLEK, a key of the cloud provider; its certificate is not here.',
      hint: 'Import the VLEK certificate and the ASVK that signed it.',
    };
  }
  return {
    state: 'not_checked',
    message: report.chipMasked
      ? 'The host masks the chip id, and no certificate for its firmware level is here: the signature is not checked.'
      : 'Evidence received, signature not checked: the certificate of this chip at this firmware level is not here.',
    hint: report.chipMasked
      ? 'Clear MaskChipId in the SNP configuration of the host.'
      : 'Import it from the host (snphost fetch vcek der FOLDER) or fetch it from AMD: flaredesk vcek fetch.',
  };
}

/** What makes two reports the same: the random bytes in them, hashed, so that history holds no evidence. */
export const markOf = (report: SnpReport): string =>
  createHash('sha256').update(report.reportData).digest('hex');
