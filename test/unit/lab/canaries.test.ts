/** The finder of the canary test must find: a finder that sees nothing would call every leak clean. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Canaries } from '../../lab/canaries.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const der = Buffer.from(privateKey.replace(/-----.*-----|\s/g, ''), 'base64');
const canaries = new Canaries();
canaries.addKey('key', privateKey);
canaries.add('passphrase', 'grüner "Vogel"\n auf C:\\ 7/8+9');
canaries.add('signature', Buffer.from([...Array.from({ length: 48 }, (_, index) => (index * 37) % 256)]));
const phrase = 'grüner "Vogel"\n auf C:\\ 7/8+9';

const disguises: [string, (secret: Buffer) => string | Buffer][] = [
  ['as it is', (secret) => secret],
  ['text', (secret) => secret.toString('utf8')],
  ['base64', (secret) => secret.toString('base64')],
  ['base64url', (secret) => secret.toString('base64url')],
  [
    'base64, one byte behind another',
    (secret) => Buffer.concat([Buffer.from('x'), secret]).toString('base64'),
  ],
  ['base64, two bytes behind', (secret) => Buffer.concat([Buffer.from('xy'), secret]).toString('base64')],
  ['hex', (secret) => secret.toString('hex')],
  [
    'hex with colons, capital',
    (secret) => (secret.toString('hex').toUpperCase().match(/../g) ?? []).join(':'),
  ],
  ['JSON of text', (secret) => JSON.stringify({ a: secret.toString('utf8') })],
  ['JSON of text in JSON', (secret) => JSON.stringify(JSON.stringify({ a: secret.toString('utf8') }))],
  ['JSON of a Buffer', (secret) => JSON.stringify(secret)],
  ['JSON of an array, printed', (secret) => `[${[...secret].join(', ')}]`],
  ['an address', (secret) => encodeURIComponent(secret.toString('utf8'))],
  ['base64 in an address', (secret) => encodeURIComponent(secret.toString('base64'))],
];

describe('the finder of canaries', () => {
  it.each(disguises)('finds a passphrase, %s', (_name, disguise) => {
    expect(canaries.findIn(disguise(Buffer.from(phrase)))).toContain('passphrase');
  });

  it.each(disguises)('finds a private key, %s', (name, disguise) => {
    expect(canaries.findIn(disguise(Buffer.from(privateKey)))).toContain('key');
    // Bytes that are no text do not survive being made text.
    if (!/text|an address/.test(name)) expect(canaries.findIn(disguise(der))).toContain('key (DER)');
  });

  it('finds a sixth of a key', () => {
    const begin = Math.floor(der.length * 0.6);
    // Begun at a multiple of three bytes it holds lines of the PEM text, too.
    expect(canaries.findIn(der.subarray(begin, begin + der.length / 6).toString('base64'))).toContain(
      'key (DER)',
    );
  });

  it('finds nothing where there is nothing: the public half, other bytes, other text', () => {
    const publicDer = Buffer.from(publicKey.replace(/-----.*-----|\s/g, ''), 'base64');
    for (const [, disguise] of disguises) {
      expect(canaries.findIn(disguise(Buffer.from(publicKey)))).toEqual([]);
      expect(canaries.findIn(disguise(publicDer))).toEqual([]);
      expect(canaries.findIn(disguise(randomBytes(4096)))).toEqual([]);
    }
    fc.assert(fc.property(fc.string({ maxLength: 2000 }), (text) => canaries.findIn(text).length === 0));
  });

  it('refuses a secret too short to be told from other text', () => {
    expect(() => canaries.add('short', 'abc')).toThrow('too short');
  });
});
