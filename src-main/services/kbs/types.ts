import type { KbsCounters, TrusteeRelease } from '../../domain/kbs/index.ts';
import type { DeskKbs } from '../../domain/project/desk-services.ts';

/** Where a Trustee key broker is and how to speak to it, as desk.yml says. Names of files, no secret. */
export type KbsTarget = Omit<DeskKbs, 'source'>;

export interface KbsAnswer {
  status: number;
  contentType: string;
  body: Buffer;
}

/** What a look at the key broker showed. Nothing was changed there. */
export interface KbsStatus {
  release: TrusteeRelease | undefined;
  /** False: the oldest release that fits what was seen. */
  releaseSure: boolean;
  buildVersion?: string;
  counters?: KbsCounters;
  /** `not_configured`: no key and no token file were named. */
  admin: 'ok' | 'refused' | 'not_configured' | 'failed';
  /** Missing: desk.yml names no vault. */
  vault?: VaultHealth;
  findings: { severity: 'error' | 'warning' | 'info'; code: string; message: string; hint?: string }[];
}

/** What the vault behind a key broker says of itself, to anybody who asks. */
export interface VaultHealth {
  address: string;
  /** `unclear`: something answered that is no vault, or in a way nobody knows. */
  state:
    | 'active'
    | 'standby'
    | 'performance_standby'
    | 'dr_secondary'
    | 'not_initialised'
    | 'sealed'
    | 'unreachable'
    | 'unclear';
  version?: string;
  /** Why it is unreachable or unclear, and what to do. */
  message?: string;
  hint?: string;
}

/** One policy text that stood at the key broker, or was to. */
export interface PolicyRecord {
  id: string;
  /** ISO 8601, UTC, by the clock of this machine. */
  at: string;
  /** `seen`: read and not ours; `backup`: replaced by us; `set`: written by us and read back. */
  kind: 'seen' | 'backup' | 'set';
  sha256: string;
  actor: string;
  text: string;
  note?: string;
}
