import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DeskError } from '../../../../src-main/contract/errors.ts';
import { loadAdminSigner, verifyPss } from '../../../../src-main/services/pki/index.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' });

describe('the admin signer', () => {
  it('signs bytes and chunks so that the public key accepts both', async () => {
    const signer = loadAdminSigner(pkcs1);
    const data = Buffer.from('login please');
    const publicKey = rsa.publicKey;
    expect(verifyPss(publicKey, data, signer.sign(data))).toBe(true);
    const inChunks = await signer.signChunks([data.subarray(0, 3), data.subarray(3)]);
    expect(verifyPss(publicKey, data, inChunks)).toBe(true);
    expect(verifyPss(publicKey, Buffer.from('login pleasE'), inChunks)).toBe(false);
    expect(verifyPss(publicKey, data, Buffer.alloc(0))).toBe(false);
    expect(signer.publicKeyDer).toEqual(rsa.publicKey.export({ type: 'spki', format: 'der' }));
  });

  it('reads PKCS#8 too', () => {
    const pkcs8 = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(loadAdminSigner(Buffer.from(pkcs8)).sign(Buffer.from('x'))).toHaveLength(256);
  });

  it.each([
    ['no key', 'hello'],
    ['a cut key', pkcs1.toString().slice(0, 400)],
    [
      'an EC key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ],
    [
      'a small key',
      generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
    ],
    [
      'an encrypted key',
      rsa.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
    ],
  ])('refuses %s and names the file', (_what, pem) => {
    let caught: unknown;
    try {
      loadAdminSigner(pem.toString(), '/kits/admin/startup/client.key');
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(DeskError);
    expect((caught as DeskError).code).toBe('invalid_input');
    expect((caught as DeskError).message).toContain('/kits/admin/startup/client.key');
    expect((caught as DeskError).message).not.toContain('BEGIN');
  });
});
