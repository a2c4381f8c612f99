import { describe, expect, test } from 'vitest';
import {
  decideHostKey,
  hostKeyAlgorithms,
  isHostKeyPin,
} from '../../../../src-main/services/ssh/host-key-decision.ts';
import type { KnownKey } from '../../../../src-main/services/ssh/known-hosts.ts';

const pin = (letter: string) => `SHA256:${letter.repeat(43)}`;
const presented = { keyType: 'ssh-ed25519', key: 'KEY', fingerprint: pin('a') };
const line = (change: Partial<KnownKey> = {}): KnownKey => ({
  marker: 'none',
  keyType: 'ssh-ed25519',
  key: 'KEY',
  file: 'known_hosts',
  line: 1,
  matched: 'port',
  ...change,
});
const other = line({ key: 'OTHER', line: 2 });
const otherType = line({ key: 'RSA', keyType: 'ssh-rsa', line: 3 });
const revoked = line({ marker: 'revoked', line: 4 });
const revokedOther = line({ marker: 'revoked', key: 'OTHER', line: 5 });
const authority = line({ marker: 'cert-authority', key: 'CA', line: 6 });
const bare = line({ matched: 'host', line: 7 });
const bareOther = line({ matched: 'host', key: 'OTHER', line: 8 });

describe('the decision table', () => {
  test.each([
    ['nothing is known', [], undefined, { state: 'unknown' }],
    ['this key is known', [line()], undefined, { state: 'known', by: 'known_hosts' }],
    ['this key among others', [other, otherType, line()], undefined, { state: 'known', by: 'known_hosts' }],
    ['another key', [other], undefined, { state: 'changed', by: 'known_hosts', otherType: false }],
    ['a key of another type', [otherType], undefined, { state: 'changed', otherType: true }],
    ['both: the same type is told', [otherType, other], undefined, { state: 'changed', known: other }],
    ['the key is revoked', [revoked], undefined, { state: 'revoked' }],
    ['known and revoked', [line(), revoked], undefined, { state: 'revoked' }],
    ['pinned and revoked', [revoked], pin('a'), { state: 'revoked' }],
    ['another key is revoked', [revokedOther], undefined, { state: 'unknown' }],
    ['a pin that fits', [], pin('a'), { state: 'known', by: 'pin' }],
    ['a pin that fits, with padding', [], `${pin('a')}= `, { state: 'known', by: 'pin' }],
    ['a pin that fits, the file differs', [other], pin('a'), { state: 'known', by: 'pin' }],
    ['a pin that does not fit', [], pin('b'), { state: 'changed', by: 'pin', expected: pin('b') }],
    ['a pin that does not fit, the file does', [line()], pin('b'), { state: 'changed', by: 'pin' }],
    ['an empty pin fits nothing', [line()], '', { state: 'changed', by: 'pin' }],
    ['only an authority', [authority], undefined, { state: 'unknown', note: 'certificate_authority_only' }],
    [
      'an authority of the same key proves nothing',
      [line({ marker: 'cert-authority' })],
      undefined,
      { state: 'unknown' },
    ],
    ['the bare name proves the key', [bare], undefined, { state: 'known' }],
    ['the bare name condemns no key', [bareOther], undefined, { state: 'unknown' }],
    ['the bare name does not save from the port', [bareOther, other], undefined, { state: 'changed' }],
  ] as const)('%s', (_name, known, wanted, expected) => {
    expect(decideHostKey(presented, known, wanted)).toMatchObject(expected);
  });

  test('the same base64 under another type is another key', () => {
    expect(decideHostKey(presented, [line({ keyType: 'ssh-rsa' })])).toMatchObject({ state: 'changed' });
  });
});

test('known algorithms are offered first, RSA with SHA-2 only', () => {
  expect(hostKeyAlgorithms([])[0]).toBe('ssh-ed25519');
  expect(hostKeyAlgorithms([otherType]).slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
  const ecdsa = line({ keyType: 'ecdsa-sha2-nistp384' });
  expect(hostKeyAlgorithms([ecdsa, otherType]).slice(0, 3)).toEqual([
    'ecdsa-sha2-nistp384',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ]);
  expect(hostKeyAlgorithms([authority])[0]).toBe('ssh-ed25519');
  for (const known of [[], [otherType]]) {
    expect(hostKeyAlgorithms(known)).toHaveLength(6);
    expect(hostKeyAlgorithms(known)).not.toContain('ssh-rsa');
  }
});

test('the form of a pin', () => {
  expect(isHostKeyPin(pin('a'))).toBe(true);
  for (const text of ['', 'SHA256:', `MD5:${'a'.repeat(43)}`, pin('a').slice(1), `${pin('a')}x`, pin('!')])
    expect(isHostKeyPin(text)).toBe(false);
});
