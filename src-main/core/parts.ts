/** What the parts of the core that look at each other through `CoreParts` offer. */
import type { StateValue } from '../contract/index.ts';
import type { SiteEvent } from '../domain/attestation/index.ts';
import type { UnlockedKey } from '../services/pki/index.ts';
import type { BuildLogs, BuildQueue, BuildRecord, BuildStore } from '../services/cvm/index.ts';
import type { BuildsPlan } from './builds/plan.ts';
import type { StateCell } from './state-cell.ts';
import type { SeenVm } from './workspace/facts.ts';
import type { OpenedPlace } from './workspace/open-place.ts';

export interface JobBoard {
  readonly state: StateCell<StateValue<'jobs.board'>>;
  /** The kit to look through; undefined stops looking. */
  look(kit: string | undefined): void;
  /** Asks now instead of when it is due. */
  lookAgain(): void;
  dispose(): void;
}

/** What hosts said of sites while something was done on them: whoever listens hears it. */
export interface HostNews {
  /** `project` is its name; events of class S. */
  tell(project: string, events: readonly SiteEvent[]): void;
  follow(listener: (project: string, events: readonly SiteEvent[]) => void): () => void;
}

/** What the key broker tells of sites. */
export interface KbsEvidence {
  onSite(event: SiteEvent): void;
  /** Who changed the policy there, in words; undefined when it is the one set from here. */
  onForeignPolicy(words: string | undefined): void;
  /** Participant → measurements (hex) to which the policy there releases its disk key. One that is not known is missing. */
  onAllowed(measurements: ReadonlyMap<string, readonly string[]>): void;
  /** The vault behind it said whether it is sealed. */
  onVault(isSealed: boolean): void;
}

export interface KbsWatch {
  readonly state: StateCell<StateValue<'kbs.current'>>;
  /** Looks for somebody who shows no page; ends with the function it answers. */
  hold(evidence: KbsEvidence): () => void;
  /** A policy was read or written for this project: looked at anew when it is the open one. */
  touched(file: string): void;
  /** Asks now instead of when it is due. */
  lookAgain(): void;
  dispose(): void;
}

export interface Custody {
  readonly state: StateCell<StateValue<'custody.current'>>;
  /** Reads the form afresh (another project, a first provisioning). */
  refresh(): Promise<StateValue<'custody.current'>>;
  /**
   * The key for one provisioning run of the project in `stateFolder`: undefined when it is in clear, asked for when it is
   * wrapped and locked. Throws `denied`, `needs_confirmation`.
   */
  keyFor(stateFolder: string, signal: AbortSignal): Promise<UnlockedKey | undefined>;
  lock(): void;
}

/** The last answers of the probes of the open project's hosts. */
export interface HostMatrix {
  readonly state: StateCell<StateValue<'hosts.matrix'>>;
  dispose(): void;
}

export interface Workspace {
  readonly state: StateCell<StateValue<'workspace.current'>>;
  /** The path behind the open place; undefined when nothing is open. */
  opened(): OpenedPlace | undefined;
  /** Throws `not_found`, `invalid_input`. */
  open(path: string): Promise<{ name: string; kind: OpenedPlace['kind'] }>;
  openRecent(id: string): Promise<{ name: string; kind: OpenedPlace['kind'] }>;
  forgetRecent(id: string): Promise<void>;
  close(): Promise<void>;
  /** Reads the files again and tells the picture. */
  refresh(): Promise<void>;
  /** Calls back after the files of the open place, or of another one, were read anew; not for what tasks and sessions tell. */
  onRead(listener: () => void): () => void;
  /** What an admin session saw connected; undefined when it is not known any more. */
  sawConnected(names: ReadonlySet<string> | undefined): void;
  /** How the VM of a confidential participant stood on its host when it was last asked (evidence of class S). */
  launchOf(participant: string): SeenVm | undefined;
  /** Where the log of a participant lies on its host, as last told. */
  logOf(participant: string): string | undefined;
  dispose(): void;
}

export interface Builds {
  readonly queue: BuildQueue;
  readonly logs: BuildLogs;
  readonly state: StateCell<StateValue<'builds.board'>>;
  readonly store: BuildStore;
  /** Every participant's build of a run. */
  readonly list: (plan: BuildsPlan) => Promise<StateValue<'builds.board'>['builds']>;
  /** One record as the contract tells it. */
  readonly show: (record: BuildRecord) => StateValue<'builds.board'>['builds'][number];
  /** Bytes fetched so far, by build. */
  readonly fetched: Map<string, { done: number; total: number }>;
  refresh(): void;
  dispose(): Promise<void>;
}
