/** Reading and writing OpenSSH `known_hosts` text (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). No files here, only text. */
import { createHash, createHmac } from 'node:crypto';

export type KnownHostMarker = 'none' | 'revoked' | 'cert-authority';

/** One usable line of a `known_hosts` file. */
export interface KnownHostEntry {
  marker: KnownHostMarker;
  /** Host patterns as written, or one hashed name `|1|salt|hash`. */
  patterns: readonly string[];
  keyType: string;
  /** The key as base64 without padding differences: exactly what stands in the file. */
  key: string;
  file: string;
  /** Counts from 1. */
  line: number;
}

/** A line that speaks of the host we are about to meet. */
export interface KnownKey extends Pick<KnownHostEntry, 'marker' | 'keyType' | 'key' | 'file' | 'line'> {
  /** `port`: the line names this very port. `host`: it names the host alone while the port is not 22. */
  matched: 'port' | 'host';
}

/** Reads every well-formed line; comments, empty and malformed lines are passed over, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHostEntry[] {
  const entries: KnownHostEntry[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const words = raw.trim().split(/[ \t]+/);
    if (words[0] === undefined || words[0] === '' || words[0].startsWith('#')) continue;
    let marker: KnownHostMarker = 'none';
    if (words[0].startsWith('@')) {
      const word = words.shift();
      if (word === '@revoked') marker = 'revoked';
      else if (word === '@cert-authority') marker = 'cert-authority';
      else continue;
    }
    const [hosts, keyType, key] = words;
    if (!hosts || !keyType || !key || keyTypeOf(key) !== keyType) continue;
    entries.push({ marker, patterns: hosts.split(','), keyType, key, file, line: index + 1 });
  }
  return entries;
}

/** The key type inside a base64 key, or undefined when it is no key at all. */
function keyTypeOf(key: string): string | undefined {
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length < 5) return undefined;
  const length = bytes.readUInt32BE(0);
  return length > 0 && length <= bytes.length - 4 ? bytes.toString('latin1', 4, 4 + length) : undefined;
}

/** The name under which a host and port stand in `known_hosts`: the host alone on port 22, else `[host]:port`. */
export function knownHostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** Every line that speaks of `host` on `port`. Names are compared in lower case. */
export function findKnownKeys(entries: readonly KnownHostEntry[], host: string, port: number): KnownKey[] {
  const exact = knownHostName(host, port);
  const bare = host.toLowerCase();
  const found: KnownKey[] = [];
  for (const { patterns, ...entry } of entries) {
    if (matchesPatterns(patterns, exact)) found.push({ ...entry, matched: 'port' });
    else if (port !== 22 && matchesPatterns(patterns, bare)) found.push({ ...entry, matched: 'host' });
  }
  return found;
}

function matchesPatterns(patterns: readonly string[], name: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    if (pattern.startsWith('|1|')) {
      matched ||= matchesHash(pattern, name);
    } else if (pattern.startsWith('!')) {
      if (matchesGlob(pattern.slice(1), name)) return false;
    } else {
      matched ||= matchesGlob(pattern, name);
    }
  }
  return matched;
}

function matchesHash(pattern: string, name: string): boolean {
  const [, , salt, hash] = pattern.split('|');
  if (!salt || !hash) return false;
  const wanted = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return wanted.equals(Buffer.from(hash, 'base64'));
}

/** `*` stands for any run of characters and `?` for one; brackets are plain characters here. */
function matchesGlob(pattern: string, name: string): boolean {
  const source = [...pattern.toLowerCase()]
    .map((char) => (char === '*' ? '.*' : char === '?' ? '.' : char.replace(/[\\^$.|+()[\]{}]/, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`, 's').test(name);
}

/** `SHA256:…` as ssh and ssh-keygen show it. */
export function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** One line in OpenSSH's form, without the newline. */
export function formatKnownHost(host: string, port: number, keyType: string, key: string): string {
  return `${knownHostName(host, port)} ${keyType} ${key}`;
}
