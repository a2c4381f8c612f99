/** What the site steps take and give. */
import type { ErrorAnswer } from '../../contract/errors.ts';
import type { FlareLine, ParticipantType } from '../../domain/project/model.ts';
import type { ConnectOptions, SshTarget } from '../ssh/index.ts';

export type SiteStep = 'check' | 'distribute' | 'start' | 'stop' | 'status' | 'rollback';

/** One participant and the host it runs on. */
export interface SiteTarget {
  /** Participant name; also the folder below `directory`. */
  name: string;
  type: ParticipantType;
  ssh: SshTarget;
  /** Folder on the host that holds our participants: absolute, or below `~`. */
  directory: string;
  /** Folders put before PATH on the host. */
  path?: readonly string[];
  /** Local kit folder; needed by `distribute`. */
  kit?: string;
  /** Name of the generation the kit comes from, `prod_00`; part of the kit's name on the host. */
  prod?: string;
  /** Wanted NVFlare line; `check` compares. */
  line?: FlareLine;
  /** TCP ports this participant listens on (server, relay): free before the start; a server's must be open after it. */
  ports?: readonly number[];
  /** Where this participant connects to; `check` tries it from the host. */
  reaches?: readonly { host: string; port: number }[];
}

export type StepState = 'ok' | 'warning' | 'failed' | 'skipped';

export interface StepResult {
  /** `connect`, `python`, `upload`, … */
  name: string;
  state: StepState;
  message: string;
  hint?: string;
  seconds: number;
}

/** `failed` and `cancelled` are the bad ones; the others say how the site stands after the step. */
export type SiteState =
  | 'ready'
  | 'delivered'
  | 'already_there'
  | 'running'
  | 'already_running'
  | 'stopped'
  | 'already_stopped'
  | 'stale'
  | 'not_delivered'
  | 'rolled_back'
  | 'failed'
  | 'cancelled';

/** How a participant's process stands on its host. */
export interface SiteStatus {
  /** `stale`: pid files or child processes are left over from a participant that is no longer there. */
  process: 'running' | 'stopped' | 'stale';
  pid?: number;
  /** ISO 8601, UTC. */
  since?: string;
  uptimeSeconds?: number;
  /** Kit the process runs from. */
  runningKit?: string;
  /** Kit the next start takes. */
  currentKit?: string;
  previousKit?: string;
  /** Paths on the host. */
  folder: string;
  log?: string;
  logTail?: string[];
}

export interface SiteResult {
  name: string;
  state: SiteState;
  steps: StepResult[];
  status?: SiteStatus;
  error?: ErrorAnswer;
}

export interface SitesResult {
  sites: SiteResult[];
}

export interface SitesOptions {
  step: SiteStep;
  targets: readonly SiteTarget[];
  /** For every connection; the signal is added per site. */
  ssh: Omit<ConnectOptions, 'signal' | 'narrate'>;
  /** Hears what is tried while connecting, per site. */
  narrate?: (site: string, line: string) => void;
  /** Hosts worked on at once. Default 4. */
  parallel?: number;
  /** Throws when the local kit is not whole and signed as it should be; asked before anything is sent. */
  verifyKit?: (kit: string, context: { signal?: AbortSignal }) => Promise<void>;
  /** Last lines of the log that `status` brings along. Default 10. */
  logLines?: number;
  /** How long a start may take until its proof, in milliseconds. Default 60 000. */
  startTimeoutMs?: number;
  /** How long the process of a client or relay must stay alive to count as started, in milliseconds. Default 4 000. */
  settleMs?: number;
}
