/** SSH: the only door to ssh2. */
export { connect } from './connect.ts';
export type { SshConnection } from './connection.ts';
export type { PresentedKey } from './host-key-decision.ts';
export { printable, withoutControls } from './printable.ts';
export { runScript, type ScriptOutput } from './script.ts';
export type {
  AuthSettings,
  ConnectOptions,
  ExecOptions,
  ExecResult,
  HostKeyQuestion,
  HostKeySettings,
  PassphraseQuestion,
  SshTarget,
} from './types.ts';
export { type AcceptedKey, forgetAcceptedKey, listAcceptedKeys } from './own-known-hosts.ts';
