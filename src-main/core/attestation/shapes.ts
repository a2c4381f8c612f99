/** From the pure rules' forms to those of the contract. */
import type { z } from 'zod';
import type { attestation, siteStatusSchema, verdictSchema } from '../../contract/attestation.ts';
import {
  type Check,
  checkNames,
  type SiteStatus,
  type StopReport,
  type Verdict,
} from '../../domain/attestation/index.ts';
import type { TimelineEntry } from '../../services/store/index.ts';

const iso = (at: number): string => new Date(at).toISOString();
type Defined<Values> = { [Key in keyof Values]: Exclude<Values[Key], undefined> };
const defined = <Values extends object>(values: Values): Partial<Defined<Values>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<
    Defined<Values>
  >;

export const checksOf = (checks: readonly Check[]) =>
  checks.map(({ name, state, message, hint }) => ({
    name,
    title: checkNames[name],
    state,
    message,
    ...defined({ hint }),
  }));

export function verdictOf(verdict: Verdict): z.input<typeof verdictSchema> {
  const { outcome, message, simulated, checks, cause, hint, measurement, product, tcb, reportId, chipId } =
    verdict;
  return {
    outcome,
    message,
    simulated,
    checks: checksOf(checks),
    ...defined({ cause, hint, measurement, product, tcb, report_id: reportId, chip_id: chipId }),
  };
}

export function siteOf(status: SiteStatus, paused: boolean): z.input<typeof siteStatusSchema> {
  const { site, badge, label, colour, message, limit, hint, source, at, until, lastVerifiedAt, peersDueAt } =
    status;
  const time = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : iso(value);
  return {
    site,
    badge,
    label,
    colour,
    class: status.class,
    message,
    limit,
    paused,
    ...defined({
      hint,
      source,
      at: time(at),
      until: time(until),
      last_verified_at: time(lastVerifiedAt),
      peers_due_at: time(peersDueAt),
    }),
    claims: status.claims.map(({ until: end, at: learnt, ...claim }) => ({
      ...claim,
      at: iso(learnt),
      ...defined({ until: time(end) }),
    })),
    stages: status.stages.map(({ name, state, text, at: learnt, source: who, class: kind }) => ({
      name,
      state,
      text,
      ...defined({ at: time(learnt), source: who, class: kind }),
    })),
    contradictions: status.contradictions,
  };
}

export const reportOf = (report: StopReport): z.input<typeof attestation.board.value>['report'] => ({
  stopped_at: iso(report.stoppedAt),
  reason: report.reason,
  ...(report.first === undefined ? {} : { first: { ...report.first, at: iso(report.first.at) } }),
  last_words: report.lastWords.map((word) => ({ ...word, at: iso(word.at) })),
  ghost_jobs: report.ghostJobs,
  start_order: report.startOrder,
});

export function entryOf(entry: TimelineEntry) {
  const { id, site, at, class: kind, kind: what, source, actor, outcome, cause, message, evidence } = entry;
  return {
    id,
    site,
    at: iso(at),
    class: kind,
    kind: what,
    source,
    actor,
    message,
    has_evidence: evidence !== undefined,
    ...defined({ outcome, cause }),
  };
}
