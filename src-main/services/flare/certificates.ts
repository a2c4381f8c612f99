/** Certificates of a project: who they name and whether the root stands behind them. Public material only. */
import { X509Certificate, type KeyObject } from 'node:crypto';

/** The common name, when the subject has exactly one. */
export function commonNameOf(certificate: X509Certificate): string | undefined {
  const names = ([] as unknown[]).concat(certificate.toLegacyObject().subject?.CN ?? []);
  return names.length === 1 && typeof names[0] === 'string' ? names[0] : undefined;
}

/** All certificates of a PEM text, in order. Throws when there is none or one is damaged. */
export function readCertificates(pem: Uint8Array | string): X509Certificate[] {
  const text = typeof pem === 'string' ? pem : new TextDecoder().decode(pem);
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error('no certificate in PEM form');
  return blocks.map((block) => new X509Certificate(block));
}

/** Whether the first certificate leads to the root, directly or by the ones after it. */
export function isIssuedBy(chain: readonly X509Certificate[], root: X509Certificate): boolean {
  for (const [index, certificate] of chain.entries()) {
    if (certificate.verify(root.publicKey)) return true;
    const issuer = chain[index + 1];
    if (issuer === undefined || !issuer.ca || !certificate.verify(issuer.publicKey)) return false;
  }
  return false;
}

/** `expired`, `early` or undefined when it is valid at that moment (milliseconds since the epoch). */
export function validityProblem(certificate: X509Certificate, now: number): 'expired' | 'early' | undefined {
  if (now > certificate.validToDate.getTime()) return 'expired';
  if (now < certificate.validFromDate.getTime()) return 'early';
  return undefined;
}

export function samePublicKey(key: KeyObject, der: Uint8Array): boolean {
  return Buffer.compare(key.export({ type: 'spki', format: 'der' }), der) === 0;
}
