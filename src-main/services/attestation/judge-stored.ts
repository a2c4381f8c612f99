/** Verdicts made anew from reports that are kept: after a start, new chip certificates or other expectations. */
import {
  type Evidence,
  type Expectations,
  parseReport,
  type SeenBefore,
  type Verdict,
} from '../../domain/attestation/index.ts';
import { type JudgeParts, judgeEvidence } from './judge.ts';
import { type SignatureMemory, verifyAhead } from './verify-report.ts';

export interface StoredEvidence {
  /** As received. */
  bytes: Uint8Array;
  expected: Expectations;
  seen: SeenBefore;
}

/** In the order given. Signatures are computed on all cores; nothing is taken over from an earlier verdict. */
export async function judgeStored(
  stored: readonly StoredEvidence[],
  parts: JudgeParts & { memory: SignatureMemory },
): Promise<Verdict[]> {
  await Promise.all(
    stored.map(async ({ bytes }) => {
      const parsed = parseReport(bytes);
      const certificate = parsed.ok ? await parts.store.find(parsed.report) : undefined;
      if (parsed.ok && certificate) await verifyAhead(parsed.report, certificate, parts.memory);
    }),
  );
  return Promise.all(
    stored.map(async ({ bytes, expected, seen }) => {
      const evidence: Evidence = { kind: 'snp', bytes };
      return (await judgeEvidence(evidence, expected, seen, parts)).verdict;
    }),
  );
}
