/** Before `building` nothing runs on the host; `interrupted`: whoever followed it is gone. */
export type BuildState =
  | 'queued'
  | 'checking'
  | 'waiting'
  | 'sending'
  | 'building'
  | 'fetching'
  | 'verifying'
  | 'built'
  | 'failed'
  | 'cancelled'
  | 'interrupted';

/** Nothing more happens to a build in one of these by itself. */
export const endedStates: ReadonlySet<BuildState> = new Set(['built', 'failed', 'cancelled', 'interrupted']);
