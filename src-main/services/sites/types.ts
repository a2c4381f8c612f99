/** What the site steps take and give. */
import type { ErrorAnswer } from '../../contract/errors.ts';
import type { ExpectedMeasurement, LaunchFacts } from '../../domain/cc/bundle.ts';
import type { SerialFacts } from '../../domain/cc/serial.ts';
import type { FlareLine, ParticipantType } from '../../domain/project/model.ts';
import type { ConnectOptions, SshTarget } from '../ssh/index.ts';

export type SiteStep = 'check' | 'distribute' | 'start' | 'stop' | 'status' | 'rollback';

/** The CVM image of one participant: made from the hand-over record that lies beside the archive. */
export interface SiteImage {
  /** `prod_NN/<site>/<site>.tgz` on this machine. */
  archive: string;
  /** Of the archive. */
  bytes: number;
  sha256: string;
  /** Folder inside the archive: `cvm_<12 hex digits>`. */
  bundle: string;
  files: readonly { name: string; size: number; sha256: string }[];
  launch: LaunchFacts;
  measurement?: ExpectedMeasurement;
  /** Why it must not be delivered or started, as its inspection found. */
  problem?: { message: string; hint?: string };
  /** Names the VM finds without DNS, as its configuration has them. */
  hostsEntries?: readonly { name: string; address: string }[];
  /** The archive is not on this machine any more: it is brought from its builder. */
  relay?: ImageRelay;
}

/** The archive as its builder still has it. */
export interface ImageRelay {
  /** As desk.yml names the builder. */
  name: string;
  ssh: SshTarget;
  /** Absolute path there. */
  path: string;
}

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
  /** The participant runs in a confidential VM: its image is delivered, started and stopped instead of its kit. */
  cvm?: {
    image?: SiteImage;
    /** Why there is no image, in words. */
    reason?: string;
  };
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

/** How a confidential VM stands. All of it is what its host says (evidence of class S). */
export interface VmStatus {
  vmId?: string;
  /** `cvm_<12 hex digits>` of the image meant for the site. */
  bundle?: string;
  /** Processes that run a VM of this image; more than one is a fault. Missing when the account cannot see that there is none. */
  count?: number;
  /** Whether a program holds the VM's drives. */
  lock: 'held' | 'free' | 'unknown';
  serial: SerialFacts;
  /** What keeps the VM alive without us: `systemd`, `setsid`, `nohup`. */
  supervisor?: string;
  unit?: string;
  /** Image that was started last from here. */
  launchedImage?: string;
}

/** How a participant's process stands on its host. For a confidential VM `…Kit` are images and `log` is its console. */
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
  vm?: VmStatus;
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
  /**
   * Takes a confidential site out of the federation by command before its VM is ended. Missing = no admin session is to
   * be had. Throws when it did not come to that.
   */
  leave?: (target: SiteTarget, context: { signal?: AbortSignal }) => Promise<string>;
  /** End a VM although its site could not be taken out of the federation first: the whole federation may stop. */
  force?: boolean;
  /** How long the process of a client or relay must stay alive to count as started, in milliseconds. Default 4 000. */
  settleMs?: number;
}
