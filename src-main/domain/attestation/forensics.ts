/** What can be said when the federation stopped (docs/reference/confidential-computing.md §1.5). */
import type { EvidenceClass } from './events.ts';
import type { FederationMemory, SiteMemory } from './memory.ts';

export interface LastWord {
  class: EvidenceClass;
  site: string;
  said: string;
  source: string;
  at: number;
}

export interface StopReport {
  stoppedAt: number;
  /** The site that failed first, as far as any source tells. */
  first?: { site: string; line: string; at: number; class: EvidenceClass; source: string };
  /** `unknown` is an answer. */
  reason: string;
  /** What each source said last, newest first. */
  lastWords: LastWord[];
  /** Jobs that were running: their status will stay RUNNING, or become FINISHED:ABANDONED, without a reason. */
  ghostJobs: { id: string; name: string; status: string }[];
  /** Names in the order to start them: the server, then the sites that were well, the accused last. */
  startOrder: string[];
}

/** Writes the report from what was remembered when the server went away. */
export function stopReport(
  sites: readonly SiteMemory[],
  federation: FederationMemory,
  server: string,
  jobs: readonly { id: string; name: string; status: string }[],
): StopReport {
  const stoppedAt = federation.server?.at ?? 0;
  const lastWords = sites.flatMap(lastWordsOf).sort((one, other) => other.at - one.at);
  const first = firstFailure(sites, federation, stoppedAt);
  const others = sites.map(({ site }) => site).filter((site) => site !== server && site !== first?.site);
  return {
    stoppedAt,
    ...(first === undefined ? {} : { first }),
    reason:
      first === undefined
        ? `Unknown: no source named a site before the server went away (${federation.server?.reason ?? 'no answer'}).`
        : `${first.site}: ${first.line}`,
    lastWords,
    ghostJobs: jobs.filter(({ status }) => /^(RUNNING|DISPATCHED)/.test(status)),
    startOrder: [server, ...others, ...(first === undefined || first.site === server ? [] : [first.site])],
  };
}

/** A line of FLARE that names a site counts most; else the earliest trouble this console saw itself. */
function firstFailure(
  sites: readonly SiteMemory[],
  federation: FederationMemory,
  stoppedAt: number,
): StopReport['first'] {
  const { stopping } = federation;
  if (stopping?.site !== undefined) {
    return { site: stopping.site, line: stopping.line, at: stopping.at, class: 'F', source: 'log of FLARE' };
  }
  const troubles = sites.flatMap((memory): NonNullable<StopReport['first']>[] => {
    const { site, evidence, silence, peers, live, process } = memory;
    const found: NonNullable<StopReport['first']>[] = [];
    if (peers?.kind === 'failed')
      found.push({ site, line: peers.line, at: peers.at, class: 'F', source: peers.source });
    if (silence !== undefined) {
      const { at, source } = silence.last;
      found.push({ site, line: 'did not answer the request for evidence', at, class: 'H', source });
    }
    if (process?.count === 0)
      found.push({
        site,
        line: 'its host says that the VM does not run',
        at: process.at,
        class: 'S',
        source: process.source,
      });
    if (live?.kind === 'missing')
      found.push({
        site,
        line: 'the server stopped listing it',
        at: live.at,
        class: 'L',
        source: live.source,
      });
    if (evidence?.verdict.outcome === 'refused') {
      found.push({
        site,
        line: evidence.verdict.message,
        at: evidence.at,
        class: 'H',
        source: evidence.source,
      });
    }
    return found;
  });
  return troubles
    .filter(({ at }) => at <= stoppedAt)
    .sort((one, other) => weight(one) - weight(other) || one.at - other.at)[0];
}

/**
 * What stops a federation by itself goes first: a failed or unanswered check of the peers. A refusal that only this console
 * sees (measurement, debugging) does not stop FLARE.
 */
const weight = ({ class: kind, line }: { class: EvidenceClass; line: string }): number =>
  kind === 'F' ? 0 : line.startsWith('did not answer') ? 1 : kind === 'S' ? 2 : kind === 'L' ? 3 : 4;

function lastWordsOf(memory: SiteMemory): LastWord[] {
  const { site, evidence, silence, peers, live, process, released } = memory;
  const words: LastWord[] = [];
  const add = (
    event: { class: EvidenceClass; at: number; source: string } | undefined,
    text: string,
  ): void => {
    if (event !== undefined)
      words.push({ class: event.class, site, said: text, source: event.source, at: event.at });
  };
  add(evidence, evidence?.verdict.message ?? '');
  add(silence?.last, 'no answer');
  add(peers, peers?.line ?? '');
  add(live, live?.kind === 'connected' ? 'connected' : 'not listed');
  add(process, process?.count === 0 ? 'the VM does not run' : 'the VM runs');
  add(released, 'its key was released');
  return words;
}
