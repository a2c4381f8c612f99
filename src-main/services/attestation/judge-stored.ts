/** Verdicts made anew from reports that are kept: after a start, new chip certificates or other expectations. */
import {
  type Evidence,
  type Expectations,
  parseReport,
  type SeenBefore,
  type SiteEvent,
  type SiteMemory,
  type Verdict,
} from '../../domain/attestation/index.ts';
import type { TimelineEntry } from '../store/index.ts';
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

/** Checks that a look at the report alone cannot make. */
const fromElsewhere: ReadonlySet<string> = new Set(['fresh', 'gpu_token', 'gpu_nonce', 'site_name']);

type EvidenceEvent = Extract<SiteEvent, { kind: 'evidence' }>;

/** The verdicts of this run that are others by now, as events of the time of their evidence, with the report. */
export async function judgedAnew(
  memories: readonly SiteMemory[],
  kept: readonly TimelineEntry[],
  expectations: (site: string) => Expectations,
  parts: JudgeParts & { memory: SignatureMemory },
): Promise<{ event: EvidenceEvent; bytes: Uint8Array }[]> {
  const newest = new Map(kept.map((entry) => [entry.site, entry]));
  const due = memories.flatMap(({ site, evidence }) => {
    const entry = newest.get(site);
    // Only the report that the verdict of this run is about.
    if (evidence === undefined || entry?.evidence === undefined || entry.at !== evidence.at) return [];
    // What a replay or a GPU token spoilt stays so.
    const { checks } = evidence.verdict;
    if (checks.some(({ name, state }) => fromElsewhere.has(name) && state === 'failed')) return [];
    return [{ evidence, bytes: entry.evidence }];
  });
  const verdicts = await judgeStored(
    due.map(({ evidence: { site }, bytes }) => ({
      bytes,
      expected: expectations(site),
      seen: { compared: true },
    })),
    parts,
  );
  return due.flatMap(({ evidence, bytes }, index) => {
    const verdict = verdicts[index];
    const { outcome, cause, message, checks, tokens } = evidence.verdict;
    if (verdict === undefined) return [];
    if (verdict.outcome === outcome && verdict.cause === cause && verdict.message === message) return [];
    const more = checks.filter(({ name }) => fromElsewhere.has(name) && name !== 'fresh');
    const anew = {
      ...verdict,
      checks: [...verdict.checks, ...more],
      ...(tokens === undefined ? {} : { tokens }),
    };
    return [{ event: { ...evidence, verdict: anew }, bytes }];
  });
}
