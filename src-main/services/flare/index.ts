/** The admin session with a FLARE server: the only door of this service. */
export { adminSignerOf, openAdminKit } from './kit.ts';
export { openSession } from './open-session.ts';
export type { OpenSessionOptions } from './session-options.ts';
export type { SessionTimeouts } from './timeouts.ts';
export { SessionStepError, type SessionStep } from './errors.ts';
export { quoteArgument } from './hci.ts';
export type {
  AdminKit,
  AdminSession,
  CommandInfo,
  CommandReply,
  ConfidentialSite,
  DownloadOffer,
  EvidenceOptions,
  ExecuteOptions,
  ReplyItem,
  SessionEnd,
  SessionIdentity,
  SessionState,
  SiteEvidence,
  UploadSource,
} from './types.ts';
