import type { KbsCounters, TrusteeRelease } from '../../domain/kbs/index.ts';

/** Where a Trustee key broker is and how to speak to it. Names of files, no secret. */
export interface KbsTarget {
  /** `https://host[:port]`, without a path. */
  address: string;
  port: number;
  /** PEM file of the CA that its certificate must lead to; missing: the CAs of this machine. */
  ca?: string;
  /** Name that its certificate must carry when it is not the one of the address. */
  serverName?: string;
  /** PEM file of the Ed25519 key that signs admin tokens (up to v0.20). */
  adminKey?: string;
  /** File that holds a bearer token (from v0.21). */
  tokenFile?: string;
  /** `auto`: found out by asking. */
  profile: TrusteeRelease | 'auto';
}

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
  findings: { severity: 'error' | 'warning' | 'info'; code: string; message: string; hint?: string }[];
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
