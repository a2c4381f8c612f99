import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthority, openAuthority } from '../../../../src-main/services/pki/authority.ts';
import { newKeyPair } from '../../../../src-main/services/pki/key-pair.ts';
import {
  parseCertificate,
  summarizeCertificate,
} from '../../../../src-main/services/pki/certificate-summary.ts';

const now = new Date('2030-05-06T07:08:09.876Z');

async function issued(line: '2.7.2' | '2.8.1', hosts: string[] | undefined, at = now) {
  const { authority } = await createAuthority('study', { line, now: at });
  const identity = await authority.issue({
    subject: { commonName: 'server1', organization: 'örg', role: 'lead' },
    ...(hosts === undefined ? {} : { hosts }),
  });
  return { authority, identity, certificate: new X509Certificate(identity.certificatePem) };
}

describe('an issued certificate', () => {
  it('is read back as it was asked for', async () => {
    const { authority, identity, certificate } = await issued('2.7.2', ['a.example', '10.0.0.1', '10.0.0.1']);
    expect(certificate.subjectAltName).toBe('DNS:a.example, DNS:10.0.0.1, DNS:10.0.0.1');
    expect(certificate.checkPrivateKey(createPrivateKey(identity.privateKeyPem))).toBe(true);
    expect(authority.issued(certificate)).toBe(true);
    expect(summarizeCertificate(certificate)).toMatchObject({
      commonName: 'server1',
      organization: 'örg',
      role: 'lead',
      issuerCommonName: 'study',
      names: ['a.example', '10.0.0.1', '10.0.0.1'],
      notBefore: Date.parse('2030-05-06T07:08:09Z'),
      notAfter: Date.parse('2030-05-06T07:08:09Z') + 31_104_000_000,
    });
  });

  it('writes addresses as addresses on 2.8', async () => {
    const { certificate } = await issued('2.8.1', ['a.example', '10.0.0.1']);
    expect(certificate.subjectAltName).toBe('DNS:a.example, IP Address:10.0.0.1');
  });

  it('has its common name as DNS name when nobody asks for hosts', async () => {
    const { certificate } = await issued('2.8.1', undefined);
    expect(certificate.subjectAltName).toBe('DNS:server1');
  });

  it('goes over to GeneralizedTime in 2050', async () => {
    const { certificate } = await issued('2.8.1', undefined, new Date('2049-12-31T23:59:59Z'));
    expect(certificate.validToDate.toISOString()).toBe('2050-12-26T23:59:59.000Z');
    expect(certificate.raw.includes(Buffer.from('491231235959Z'))).toBe(true);
    expect(certificate.raw.includes(Buffer.from('20501226235959Z'))).toBe(true);
  });

  it('has positive serials of at most 159 bits, none twice', async () => {
    const { authority } = await issued('2.8.1', undefined);
    const serials = await Promise.all(
      Array.from({ length: 6 }, async (_unused, index) => {
        const { certificatePem } = await authority.issue({ subject: { commonName: `site-${index}` } });
        return BigInt(`0x${new X509Certificate(certificatePem).serialNumber}`);
      }),
    );
    expect(new Set(serials).size).toBe(serials.length);
    for (const serial of serials) expect(serial > 0n && serial < 1n << 159n).toBe(true);
  });

  it('refuses a name that does not fit', async () => {
    const { authority } = await createAuthority('study', { line: '2.8.1', now });
    await expect(authority.issue({ subject: { commonName: 'sité' } })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('sité') as string,
    });
  });

  it('names the file that holds no certificate', () => {
    expect(() => parseCertificate('-----BEGIN CERTIFICATE-----\nAAAA\n', 'kit/server.crt')).toThrow(
      'kit/server.crt',
    );
  });
});

describe('the authority', () => {
  it('gives one signature per content, and the same one for the same bytes', async () => {
    const { authority } = await createAuthority('study', { line: '2.7.2', now });
    const [first, again, other] = await Promise.all(
      ['same', 'same', 'other'].map((text) => authority.signContent(Buffer.from(text))),
    );
    expect(first).toBe(again);
    expect(first).not.toBe(other);
    expect(first).toHaveLength(344);
  });

  it('opens again from its parts', async () => {
    const material = await createAuthority('study', { line: '2.7.2', now });
    const again = openAuthority(material, { line: '2.7.2', now }, 'cert.json').authority;
    const { certificatePem } = await again.issue({ subject: { commonName: 'site-1' } });
    expect(material.authority.issued(new X509Certificate(certificatePem))).toBe(true);
  });
});

describe('keys', () => {
  it('stop being made soon after a cancel', async () => {
    const abort = new AbortController();
    const keys = Array.from({ length: 500 }, () => newKeyPair(abort.signal));
    const settled = Promise.allSettled(keys);
    await keys[0];
    const cancelled = performance.now();
    abort.abort();
    const results = await settled;
    expect(performance.now() - cancelled).toBeLessThan(4000);
    expect(results.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(350);
  });
});
