/** What callers of the SSH service hand in. */
import type { PresentedKey } from './host-key-decision.ts';

/** Where to go. Everything but `host` may also come from the user's OpenSSH configuration. */
export interface SshTarget {
  /** A name, an IPv4 or IPv6 address, or a `Host` of the OpenSSH configuration; may be `user@host`. */
  host: string;
  user?: string;
  port?: number;
  /** Private key file. When named, no other key is offered, and of the agent's keys only this one. */
  identity?: string;
  /** File whose first line is the identity's passphrase. */
  passphraseFile?: string;
  /** `SHA256:…`: the only host key that is accepted. */
  hostKey?: string;
  /** Jump host: a name as in `host`, or several joined by commas, first hop first. */
  via?: string;
}

export interface HostKeyQuestion {
  /** The host as the person wrote it (`ssh` or `via` of desk.yml, without user and port). */
  label: string;
  /** The name and port under which the key is kept. */
  host: string;
  port: number;
  presented: PresentedKey;
  /** Lines for a person: how to compare the fingerprint out of band, and what is odd. */
  notes: readonly string[];
}

export interface HostKeySettings {
  /** Our own file, in OpenSSH form. Read and written. */
  ownFile: string;
  /** Further files, only read, when the OpenSSH configuration names none. */
  readFiles: readonly string[];
  /**
   * Asked about an unknown key. Only the value `true` means yes. Missing = nobody can be asked: unknown hosts are
   * refused.
   */
  ask?: (question: HostKeyQuestion, context: { signal?: AbortSignal }) => Promise<boolean>;
}

export interface PassphraseQuestion {
  file: string;
  host: string;
  /** Counts from 1; at most three times. */
  attempt: number;
}

export interface AuthSettings {
  /** Socket of the SSH agent. */
  agentSocket?: string;
  /** Login name when neither the target nor the configuration names one. */
  defaultUser: string;
  /** Asked for the passphrase of an encrypted identity; `undefined` = none given. */
  passphrase?: (
    question: PassphraseQuestion,
    context: { signal?: AbortSignal },
  ) => Promise<string | undefined>;
}

export interface ConnectOptions {
  hostKeys: HostKeySettings;
  auth: AuthSettings;
  /** The user's home folder: `~` in identities and the place of `.ssh`. */
  home: string;
  /** OpenSSH configuration; default `<home>/.ssh/config`. A missing file is no error. */
  configFile?: string;
  signal?: AbortSignal;
  /** For reaching and logging in, in milliseconds, without the time a person takes to answer. Default 20 000. */
  deadlineMs?: number;
  /** Milliseconds between keepalive messages; three unanswered ones end the connection. Default 15 000. */
  keepaliveMs?: number;
  /** Hears each step tried, in words, without secrets. */
  narrate?: (line: string) => void;
}

export interface ExecOptions {
  stdin?: string | Uint8Array | AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
  /** Default 60 000. */
  timeoutMs?: number;
  /** Bytes kept of each of stdout and stderr; the rest is read and dropped. Default 1 MiB. */
  maxOutput?: number;
}

export interface ExecResult {
  /** Exit status; null when a signal ended the command. */
  code: number | null;
  signal?: string;
  stdout: Buffer;
  stderr: Buffer;
  truncated: boolean;
}
