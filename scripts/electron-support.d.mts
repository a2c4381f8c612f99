/** What is wrong with the pinned version, given the newest stable one; undefined when nothing is. */
export function supportProblem(pinned: string, newest: string): string | undefined;
