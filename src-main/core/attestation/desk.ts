/** What the rest of the core sees of the watch. */
import type { StateValue } from '../../contract/index.ts';
import type { AlarmFacts, FederationEvent, SiteEvent } from '../../domain/attestation/index.ts';
import type { Anchors, VcekStore } from '../../services/attestation/index.ts';
import type { AdminSession } from '../../services/flare/index.ts';
import type { StateCell } from '../state-cell.ts';
import type { Rules } from './rules.ts';

type Board = StateValue<'attestation.board'>;

export interface AttestationDesk {
  readonly state: StateCell<Board>;
  /** Chip certificates and the roots they must end in. */
  readonly keys: { anchors: Anchors; vceks: VcekStore };
  /** The project whose timeline is shown; undefined while nothing is watched. */
  project(): string | undefined;
  /** Watches the federation of this kit; undefined ends it. Throws what opening a session throws. */
  look(kit: string | undefined, signal: AbortSignal): Promise<number>;
  /** What the watched, else the open, project demands beyond the image. Throws `not_found` without either. */
  rules(): Promise<{ project: string; rules: Rules }>;
  setRules(rules: Rules): Promise<{ project: string; rules: Rules }>;
  /** Makes the verdicts of this run anew: chip certificates came, or the rules changed. */
  rejudge(): Promise<void>;
  check(sites: readonly string[] | undefined, signal: AbortSignal): Promise<Board>;
  /** What other parts learnt: hosts (S), the key broker (K), logs (F). Nothing happens while nobody watches. */
  tell(event: SiteEvent): void;
  tellFederation(event: FederationEvent): void;
  tellFacts(facts: AlarmFacts): void;
  /** Participant → measurements (hex) to which a read-back policy releases its key; one that is not known is missing. */
  tellAllowed(measurements: ReadonlyMap<string, readonly string[]>): void;
  /** The session of the watch. Throws `not_found` when nothing is watched. */
  session(): AdminSession;
  /** This computer slept: what is shown says so at once, and everything is asked anew. */
  slept(): void;
  dispose(): Promise<void>;
}
