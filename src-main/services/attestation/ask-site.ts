/** One request for evidence to one site, and the verdict on what came (docs/reference/confidential-computing.md §1.7). */
import { createHash } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import {
  type Evidence,
  type Expectations,
  parseReport,
  readToken,
  type SiteEvent,
  type SiteMemory,
  type Verdict,
  verdictWithout,
  withGpu,
} from '../../domain/attestation/index.ts';
import type { Clock } from '../../ports.ts';
import type { AdminSession } from '../flare/index.ts';
import type { AttestationRepository } from '../store/index.ts';
import type { Anchors } from './anchors.ts';
import { judgeEvidence, markOf } from './judge.ts';
import type { VcekStore } from './vcek-store.ts';
import type { SignatureMemory } from './verify-report.ts';

export interface AskedSite {
  name: string;
  /** Its cell. The server's is `server`. */
  fqcn: string;
}

/** What an answer is judged by. */
interface AnswerParts {
  expectations: (site: string) => Expectations;
  anchors: Anchors;
  store: VcekStore;
  timeline: AttestationRepository;
  signatures: SignatureMemory;
}

export interface AskParts extends AnswerParts {
  clock: Clock;
  /** How long an answer is waited for. */
  answerMs: number;
  signal: AbortSignal;
  /** Whether an answer that comes at this time says how it was before, not how it is. */
  isLate: (at: number) => boolean;
}

export type Asked =
  | { kind: 'told'; event: SiteEvent; message?: string; verdict?: Verdict; evidence?: Uint8Array }
  /** Servers of this version are not asked. */
  | { kind: 'unsupported'; message: string }
  | { kind: 'late' }
  /** The connection broke, or the watch ended: that says nothing about the site. */
  | { kind: 'nothing' };

export async function askSite(
  session: AdminSession,
  site: AskedSite,
  before: SiteMemory | undefined,
  parts: AskParts,
): Promise<Asked> {
  const { answerMs, signal, clock } = parts;
  const about = { site: site.name, class: 'H', source: `cell request by ${session.identity.user}` } as const;
  try {
    const answer = await session.freshEvidence(site.fqcn, { timeoutMs: answerMs, signal });
    const at = clock.now();
    if (parts.isLate(at)) return { kind: 'late' };
    if (answer.siteName !== site.fqcn.split('.').at(-1)) {
      const message = `"${site.fqcn}" answered under the name "${answer.siteName}".`;
      const verdict = verdictWithout('refused', 'wrong_name', message);
      return { kind: 'told', event: { ...about, kind: 'evidence', at, verdict }, verdict };
    }
    const { verdict, evidence } = await judgeAnswer(site.name, answer.tokens, before, at, parts);
    return {
      kind: 'told',
      event: { ...about, kind: 'evidence', at, verdict },
      verdict,
      ...(evidence === undefined ? {} : { evidence }),
    };
  } catch (error) {
    if (signal.aborted) return { kind: 'nothing' };
    if (!(error instanceof DeskError)) throw error;
    if (error.code === 'unsupported') return { kind: 'unsupported', message: error.message };
    if (error.code !== 'timeout' && error.code !== 'remote_failed') return { kind: 'nothing' };
    return {
      kind: 'told',
      event: { ...about, kind: 'no_answer', at: clock.now(), waitedMs: answerMs },
      ...(error.code === 'timeout' ? {} : { message: error.message }),
    };
  }
}

/** The hardware report counts; a GPU token beside it is shown, compared with earlier ones, and never makes anything better. */
export async function judgeAnswer(
  site: string,
  tokens: readonly { namespace: string; token: Uint8Array | string }[],
  before: SiteMemory | undefined,
  at: number,
  parts: AnswerParts,
): Promise<{ verdict: Verdict; evidence?: Uint8Array }> {
  const read = tokens.map(({ namespace, token }) => ({ namespace, piece: readToken(namespace, token) }));
  const pieces = read.map(({ piece }) => piece);
  const main: Evidence = pieces.find(({ kind }) => kind === 'snp') ??
    pieces.find(({ kind }) => kind === 'mock') ??
    pieces[0] ?? { kind: 'none', message: 'The site answered without any token.' };
  let verdict = await judge(site, main, before, at, parts);
  for (const { namespace, piece } of read) {
    if (piece.kind === 'gpu') {
      const { nonce } = piece.claims;
      const seen = nonce === undefined ? undefined : await parts.timeline.see(nonceMark(nonce), site, at);
      verdict = withGpu(verdict, piece, seen);
    } else if (namespace === 'x-nv-gpu' && piece.kind === 'none') {
      verdict = withGpu(verdict, { problem: piece.message }, undefined);
    }
  }
  return { verdict, ...(main.kind === 'snp' ? { evidence: main.bytes } : {}) };
}

/** Apart from the marks of reports. */
const nonceMark = (nonce: string): string => createHash('sha256').update(`x-nv-gpu ${nonce}`).digest('hex');

async function judge(
  site: string,
  evidence: Evidence,
  memory: SiteMemory | undefined,
  at: number,
  { expectations, anchors, store, timeline, signatures }: AnswerParts,
): Promise<Verdict> {
  const before = memory?.evidence?.verdict;
  const lastFacts =
    before?.outcome === 'verified' && before.reportId && before.chipId && before.tcb
      ? { last: { reportId: before.reportId, chipId: before.chipId, tcb: before.tcb, at } }
      : {};
  const parsed = evidence.kind === 'snp' ? parseReport(evidence.bytes) : undefined;
  const seen = parsed?.ok === true ? await timeline.see(markOf(parsed.report), site, at) : undefined;
  const { verdict } = await judgeEvidence(
    evidence,
    expectations(site),
    { compared: true, ...lastFacts, ...(seen === undefined ? {} : { reportData: seen }) },
    { anchors, store, now: at, memory: signatures },
  );
  return verdict;
}
