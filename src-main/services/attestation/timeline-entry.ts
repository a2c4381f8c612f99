import { type SiteEvent, type Verdict, wordsOf } from '../../domain/attestation/index.ts';
import type { TimelineEntry } from '../store/index.ts';

/** One event as a line of the timeline. */
export function timelineEntry(
  event: SiteEvent,
  about: { project: string; actor: string },
  more: { message?: string; verdict?: Verdict; evidence?: Uint8Array } = {},
): Omit<TimelineEntry, 'id'> {
  const { verdict, evidence } = more;
  return {
    ...about,
    site: event.site,
    at: event.at,
    class: event.class,
    kind: event.kind,
    source: event.source,
    message: more.message ?? wordsOf(event),
    // What a test root vouches for is not told as verified later.
    ...(verdict === undefined
      ? {}
      : { outcome: verdict.simulated ? `simulated ${verdict.outcome}` : verdict.outcome, detail: verdict }),
    ...(verdict?.cause === undefined ? {} : { cause: verdict.cause }),
    ...(verdict?.chipId === undefined ? {} : { chip: verdict.chipId }),
    ...(evidence === undefined ? {} : { evidence }),
  };
}
