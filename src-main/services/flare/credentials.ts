import type { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { DeskError } from '../../contract/errors.ts';
import type { Signer } from '../pki/index.ts';
import type { AdminKit } from './types.ts';

/** What an opened kit can do beyond saying where the server is. Never part of the kit object itself. */
export interface AdminCredentials {
  /** Holds the private key for TLS; with `tls` only the trust anchors, with `clear` nothing of use. */
  secureContext: SecureContext;
  signer: Signer;
  /** Content of `client.crt`. */
  certificatePem: Buffer;
  root: X509Certificate;
  /** The server may be known by its host name (custom root, §1.1). */
  acceptHostName: boolean;
  timeouts: KitTimeouts;
}

/** Milliseconds; undefined where the kit says nothing (§1.2). */
export interface KitTimeouts {
  idleMs: number | undefined;
  loginMs: number | undefined;
}

const credentials = new WeakMap<AdminKit, AdminCredentials>();

/**
 * Ties credentials to a kit object. They are reachable only by the object's identity, so printing, copying or
 * serialising the kit shows nothing of them.
 */
export function keepCredentials(kit: AdminKit, kept: AdminCredentials): void {
  credentials.set(kit, kept);
}

/** Throws `bad_usage` for a kit that `openAdminKit` did not make (a copy, for instance). */
export function credentialsOf(kit: AdminKit): AdminCredentials {
  const found = credentials.get(kit);
  if (found === undefined) {
    throw new DeskError('bad_usage', 'This kit was not opened by openAdminKit.', {
      hint: 'Pass the object that openAdminKit returned, not a copy of it.',
    });
  }
  return found;
}
