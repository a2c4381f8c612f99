/** The decision whether a host's key is the one we expect. A pure table: nothing is asked and nothing is written here. */
import type { KnownKey } from './known-hosts.ts';

export interface PresentedKey {
  keyType: string;
  /** Base64 of the key. */
  key: string;
  /** `SHA256:…` */
  fingerprint: string;
}

export type HostKeyDecision =
  | { state: 'known'; by: 'pin' | 'known_hosts'; known?: KnownKey }
  | { state: 'unknown'; note?: 'certificate_authority_only' }
  | { state: 'changed'; by: 'pin'; expected: string }
  | { state: 'changed'; by: 'known_hosts'; known: KnownKey; otherType: boolean }
  | { state: 'revoked'; known: KnownKey };

/**
 * The table, first row that fits:
 *
 * | what we know                                                   | state   |
 * | -------------------------------------------------------------- | ------- |
 * | this key is marked @revoked for this host                      | revoked |
 * | a pin, and it is this key                                      | known   |
 * | a pin, and it is another key                                   | changed |
 * | a line for this host (or its bare name) with this key          | known   |
 * | a line for this host and port with another key, of any type    | changed |
 * | nothing, only certificate authorities, or only the bare name   | unknown |
 *
 * A host known by one key type that shows up with another type counts as changed: its known algorithms are offered
 * first, so a host that still had its key would have shown it. Whoever lacks that key must not be one "yes" away.
 * A line for the bare name proves a key on any port but condemns none, since other ports may be other machines.
 */
export function decideHostKey(
  presented: PresentedKey,
  known: readonly KnownKey[],
  pin?: string,
): HostKeyDecision {
  const same = (entry: KnownKey) => entry.keyType === presented.keyType && entry.key === presented.key;
  const revoked = known.find((entry) => entry.marker === 'revoked' && same(entry));
  if (revoked) return { state: 'revoked', known: revoked };
  if (pin !== undefined) {
    if (normalPin(pin) === presented.fingerprint) return { state: 'known', by: 'pin' };
    return { state: 'changed', by: 'pin', expected: normalPin(pin) };
  }
  const plain = known.filter((entry) => entry.marker === 'none');
  const match = plain.find(same);
  if (match) return { state: 'known', by: 'known_hosts', known: match };
  const others = plain.filter((entry) => entry.matched === 'port');
  const other = others.find((entry) => entry.keyType === presented.keyType) ?? others[0];
  if (other)
    return {
      state: 'changed',
      by: 'known_hosts',
      known: other,
      otherType: other.keyType !== presented.keyType,
    };
  return known.some((entry) => entry.marker === 'cert-authority')
    ? { state: 'unknown', note: 'certificate_authority_only' }
    : { state: 'unknown' };
}

/** A pin may carry blanks around it and base64 padding at its end. */
function normalPin(pin: string): string {
  return pin.trim().replace(/=+$/, '');
}

/** True when the text has the form of a pin: `SHA256:` and 43 base64 characters. */
export function isHostKeyPin(text: string): boolean {
  return /^SHA256:[A-Za-z0-9+/]{43}$/.test(normalPin(text));
}

/** With the key type each one proves (RFC 8332: one type of RSA key, two ways to sign with it). */
const preferred = [
  ['ssh-ed25519', 'ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
  ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384'],
  ['ecdsa-sha2-nistp521', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'ssh-rsa'],
  ['rsa-sha2-256', 'ssh-rsa'],
] as const;

export type HostKeyAlgorithm = (typeof preferred)[number][0];

/** The host key algorithms to offer, those of the known keys first (SHA-1 signatures are not offered at all). */
export function hostKeyAlgorithms(known: readonly KnownKey[]): HostKeyAlgorithm[] {
  const types = new Set(known.filter((entry) => entry.marker === 'none').map((entry) => entry.keyType));
  const first = preferred.filter(([, keyType]) => types.has(keyType));
  const rest = preferred.filter(([, keyType]) => !types.has(keyType));
  return [...first, ...rest].map(([algorithm]) => algorithm);
}
