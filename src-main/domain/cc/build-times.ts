/** How long an image build is expected to take. */

/** Seconds per image as the vendor's guide tells it; used until there is a history. */
export const documentedSeconds = 1000;
/** How many durations of one builder host are kept. */
export const keptDurations = 20;

export interface Expectation {
  seconds: number;
  /** How many earlier builds it comes from; 0 = the guide's figure. */
  from: number;
}

/** The median of the newest five on this host, else of all hosts, else the guide's figure. Newest durations last. */
export function expectedSeconds(here: readonly number[], elsewhere: readonly number[]): Expectation {
  const known = here.length > 0 ? here : elsewhere;
  const newest = known.slice(-5).sort((a, b) => a - b);
  const middle = newest[Math.floor((newest.length - 1) / 2)];
  return middle === undefined
    ? { seconds: documentedSeconds, from: 0 }
    : { seconds: middle, from: newest.length };
}
