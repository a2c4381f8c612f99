/** A build under way, and what every step of it uses. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../ports.ts';
import type { BuildLogs } from './build-logs.ts';
import type { Watchdog } from './follow.ts';
import type { BuildRecord, BuildRequest } from './types.ts';

export interface BuildTools {
  clock: Clock;
  logs: BuildLogs;
  /** This installation, in the locks and requests on hosts. */
  owner: string;
  /** For people who find our lock: `anna@console`. */
  who: string;
  /** This process, told apart from every other one. */
  process: string;
  /** Whether a process named so still runs. */
  isAlive: (process: string) => boolean;
  /** Throws when the kit is not whole and signed. */
  verifyKit: (kit: string, signal: AbortSignal) => Promise<void>;
  /** Throws `integrity` when the archive is no bundle of this kit; answers what is worth knowing. */
  verifyBundle: (
    archive: string,
    context: { site: string; kit: string; signal: AbortSignal; sha256: string },
  ) => Promise<{ notes: string[] }>;
  watchdog: Watchdog;
  pollMs: number;
}

/** A build under way. `change` writes the record down and tells it. */
export interface Build {
  request: BuildRequest;
  record: BuildRecord;
  signal: AbortSignal;
  change: (changes: Partial<BuildRecord>) => Promise<void>;
}

export const newBuildId = (): string => randomBytes(6).toString('hex');

/** A word of our own in the log of a build. */
export function say(build: Build, tools: BuildTools, text: string): void {
  tools.logs.add(build.record.id, [{ at: tools.clock.now(), from: 'desk', text }]);
}
