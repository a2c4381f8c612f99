/** From a presented host key to yes or no: the decision table, then, for an unknown host only, a person. */
import { DeskError } from '../../contract/errors.ts';
import type { Hop } from './config.ts';
import { decideHostKey, type PresentedKey } from './host-key-decision.ts';
import { fingerprintOf, type KnownKey, knownHostName } from './known-hosts.ts';
import { addKnownHost } from './known-hosts-files.ts';
import type { HostKeySettings } from './types.ts';

interface TrustContext {
  hop: Hop;
  known: readonly KnownKey[];
  settings: HostKeySettings;
  narrate: (line: string) => void;
  waiting: <T>(question: () => Promise<T>) => Promise<T>;
  signal?: AbortSignal;
}

/** The key as it came over the wire. Errors: `unreachable` when the bytes are no key. */
function presentedKey(blob: Buffer): PresentedKey {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  if (length === 0 || length > blob.length - 4)
    throw new DeskError('unreachable', 'The server showed a host key that cannot be read.');
  return {
    keyType: blob.toString('latin1', 4, 4 + length),
    key: blob.toString('base64'),
    fingerprint: fingerprintOf(blob),
  };
}

/**
 * True when the key may be trusted. A key a person said yes to is added to our own `known_hosts`.
 * Errors: `host_key_unknown` (nobody to ask, or the answer was no), `host_key_changed`, `host_key_revoked`.
 */
export async function trustHostKey(blob: Buffer, context: TrustContext): Promise<boolean> {
  const { hop, settings } = context;
  const presented = presentedKey(blob);
  const decision = decideHostKey(presented, context.known, hop.pin);
  const name = knownHostName(hop.hostKeyName, hop.port);
  const shown = `${presented.keyType} ${presented.fingerprint}`;
  context.narrate(`${hop.label}: host key ${shown} is ${decision.state}`);
  switch (decision.state) {
    case 'known':
      return true;
    case 'revoked':
      throw new DeskError(
        'host_key_revoked',
        `The host key of ${hop.label} (${shown}) is marked as revoked.`,
        {
          hint: `See ${decision.known.file} line ${decision.known.line}. Do not connect before the host has a new key.`,
        },
      );
    case 'changed': {
      if (decision.by === 'pin')
        throw new DeskError(
          'host_key_changed',
          `The host key of ${hop.label} is ${shown}, but ${decision.expected} is pinned. Nothing was sent.`,
          {
            hint: 'Find out on the host itself why the key differs; only then change "host_key" in desk.yml.',
          },
        );
      const { known } = decision;
      const expected = `${known.keyType} ${fingerprintOf(Buffer.from(known.key, 'base64'))}`;
      throw new DeskError(
        'host_key_changed',
        `The host key of ${hop.label} has changed: it is ${shown}, known is ${expected}. Nothing was sent.`,
        {
          hint:
            `Find out on the host itself whether it was set up anew: someone may be listening in. Only then remove line ` +
            `${known.line} of ${known.file} (${name}), or pin the new key as "host_key" in desk.yml.`,
        },
      );
    }
    case 'unknown': {
      const notes = [
        `Compare it with what the host itself shows (ssh-keygen -lf /etc/ssh/ssh_host_${shortType(presented.keyType)}_key.pub).`,
        ...(decision.note === 'certificate_authority_only'
          ? ['A certificate authority is known for this host, but host certificates are not checked here.']
          : []),
      ];
      const { ask } = settings;
      if (ask) {
        const question = { label: hop.name, host: hop.hostKeyName, port: hop.port, presented, notes };
        const asked = context.signal ? { signal: context.signal } : {};
        if (await saysYes(() => context.waiting(() => ask(question, asked)))) {
          await addKnownHost(settings.ownFile, hop.hostKeyName, hop.port, presented);
          return true;
        }
      }
      throw new DeskError(
        'host_key_unknown',
        `The host key of ${hop.label} is not known: ${shown}. ${ask ? 'Nobody accepted it.' : 'Nobody could be asked.'}`,
        {
          hint: `${notes.join(' ')} When it is the same, pin it in desk.yml: host_key: "${presented.fingerprint}"`,
        },
      );
    }
  }
}

/** Only the value `true` is a yes. Whoever cannot answer has not said yes; a cancel stays one. */
async function saysYes(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    return (await ask()) === true;
  } catch (error) {
    if (error instanceof DeskError && error.code === 'cancelled') throw error;
    return false;
  }
}

function shortType(keyType: string): string {
  if (keyType === 'ssh-ed25519') return 'ed25519';
  return keyType.startsWith('ecdsa-') ? 'ecdsa' : 'rsa';
}
