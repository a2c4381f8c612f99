/** What the rest of the house sees of an admin session (docs/reference/admin-protocol.md). */

/** One row of the server's `_commands` table. */
export interface CommandInfo {
  scope: string;
  name: string;
  description: string;
  usage: string;
  /** `none`, `yesno` (ask), `auth` (the user types his user name). */
  confirm: 'none' | 'yesno' | 'auth';
  /** `file_transfer.push_folder` (upload), `file_transfer.pull_folder` (download), or undefined. */
  clientCommand?: string;
  visible: boolean;
}

/** One item of a reply document (§7.2). */
export type ReplyItem =
  | { type: 'string' | 'success' | 'error' | 'shutdown'; data: string }
  | { type: 'table'; rows: string[][] }
  | { type: 'dict'; data: Record<string, unknown> };

export interface CommandReply {
  line: string;
  /** Decided by §7.2, never by the words of the text. */
  ok: boolean;
  /** `meta.status`, or `ok` / `error` / `session_inactive` when the reply has none. */
  status: string;
  /** The reason in words when it failed. */
  message?: string;
  items: ReplyItem[];
  meta: Record<string, unknown>;
}

export interface SessionIdentity {
  user: string;
  org: string;
  role: string;
  /** 2.8 and later. */
  study?: string;
}

export type SessionState = 'connected' | 'reconnecting' | 'closed';

/** Why a session ended. */
export type SessionEnd = 'logout' | 'expired' | 'server_down' | 'lost' | 'server_changed';

export interface ExecuteOptions {
  /** How long the server waits for sites, milliseconds (sent as `cmd_timeout`, seconds). */
  siteTimeoutMs?: number;
  /** How long we wait for the reply; default 12 s or the site timeout and a margin. */
  timeoutMs?: number;
  /** Stored in the job's meta on submit (`custom_props`). */
  customProps?: Record<string, unknown>;
  /** `cmd_props`, for app_command. */
  commandProps?: string;
  signal?: AbortSignal;
}

export interface EvidenceOptions {
  /** Default 12 s: what FLARE's own sites wait, and a margin. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What `job_mgmt.submit_job` sends: the archive in chunks the caller produces lazily. */
export interface UploadSource {
  name: string;
  /** Total bytes; the server compares it with what arrives. */
  size: number;
  /** Any chunk sizes; the session cuts them to 1 MiB. */
  read(): AsyncIterable<Uint8Array>;
}

/** One file of a download offer (§9.3). */
export interface DownloadOffer {
  sourceFqcn: string;
  refId: string;
}

/** A site that takes part in confidential computing. */
export interface ConfidentialSite {
  /** Its cell: `server`, `site-1`, `relay-1.site-2`. */
  fqcn: string;
  /** Its own name; the server calls itself `server`. */
  name: string;
}

/** What a site handed over as proof, as it came. */
export interface SiteEvidence {
  /** The name the site answered under: must be compared with the one asked. */
  siteName: string;
  tokens: { namespace: string; token: Uint8Array | string }[];
}

export interface AdminSession {
  readonly identity: SessionIdentity;
  /** From `report_version`, the token's shape, or `ssid` (§7.3): the exact version when the server tells it. */
  readonly serverVersion: string;
  readonly commands: readonly CommandInfo[];
  readonly state: SessionState;
  /** Resolves once, when the session is over for good. */
  readonly ended: Promise<SessionEnd>;
  onState(listener: (state: SessionState) => void): () => void;
  /** Sends one command line and waits for its reply. Throws DeskError: timeout, cancelled, session_lost, unreachable. */
  execute(line: string, options?: ExecuteOptions): Promise<CommandReply>;
  /** Runs an upload command (`job_mgmt.submit_job NAME`) with its archive; progress in bytes. */
  upload(
    line: string,
    source: UploadSource,
    options?: ExecuteOptions & { onProgress?: (sentBytes: number) => void },
  ): Promise<CommandReply>;
  /** Pulls one file of an offer from `offset` on, in order. Ends at eof. Throws not_found when the offer is gone. */
  download(
    offer: DownloadOffer,
    options?: { offset?: number; signal?: AbortSignal },
  ): AsyncIterable<Uint8Array>;
  /**
   * The sites the server counts as confidential, for any role. An answer proves that the server checks its sites; silence
   * (`timeout`) proves nothing. Throws unsupported (versions other than 2.7.1 … 2.8), timeout, cancelled, session_lost, unreachable.
   */
  confidentialSites(options?: EvidenceOptions): Promise<ConfidentialSite[]>;
  /**
   * Asks one site for fresh evidence: it makes a new report for each request, so never more than one at a time. A site without
   * confidential computing, a slow and a broken one are the same `timeout`. Throws as `confidentialSites`, and remote_failed.
   */
  freshEvidence(fqcn: string, options?: EvidenceOptions): Promise<SiteEvidence>;
  /**
   * Makes sure that the connection still lives, as after a sleep of this computer: a dead one is found within 5 s and connected
   * again by itself. Does nothing while the session is not connected.
   */
  probe(): void;
  /** Logs out, says bye, closes. Never throws. */
  close(): Promise<void>;
}

/** A verified admin kit, ready to open a session with. */
export interface AdminKit {
  /** Absolute path of the kit folder (holds `startup`, `local`, `transfer`). */
  folder: string;
  projectName: string;
  /** CN of the admin's certificate. */
  user: string;
  serverIdentity: string;
  scheme: string;
  host: string;
  port: number;
  connectionSecurity: 'mtls' | 'tls' | 'clear';
  /** Absolute paths; `transfer` inside the kit unless it says otherwise. */
  uploadDir: string;
  downloadDir: string;
  /** When the admin's certificate ends, milliseconds since the epoch. */
  certificateEnds: number;
  /** Whether the kit carries signatures (all of them verified); kits of 2.8 usually do not. */
  signed: boolean;
}
