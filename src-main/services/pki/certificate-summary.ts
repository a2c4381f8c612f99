import { X509Certificate } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';

/** What a person or a comparison wants to know of a certificate. */
export interface CertificateSummary {
  commonName: string;
  organization?: string;
  /** An admin's role (unstructuredName). */
  role?: string;
  issuerCommonName: string;
  /** DNS names and IP addresses of the SAN, in order. */
  names: string[];
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  /** Lower-case hex without separators. */
  serial: string;
  /** SHA-256 of the DER, `AB:CD:…`. */
  fingerprint: string;
}

/**
 * Reads one PEM certificate; the first one when the text holds several.
 * Throws `invalid_input` that names `from` when it does not parse.
 */
export function parseCertificate(pem: string | Uint8Array, from: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new DeskError('invalid_input', `${from} does not hold a certificate in PEM form.`, {
      hint: 'It may be cut short or damaged. Take the file from the original again.',
    });
  }
}

/** The readable content of a certificate. */
export function summarizeCertificate(certificate: X509Certificate): CertificateSummary {
  const { subject, issuer } = certificate.toLegacyObject() as unknown as Record<
    'subject' | 'issuer',
    Record<string, string | string[] | undefined>
  >;
  const organization = first(subject.O);
  const role = first(subject.unstructuredName);
  return {
    commonName: first(subject.CN) ?? '',
    ...(organization === undefined ? {} : { organization }),
    ...(role === undefined ? {} : { role }),
    issuerCommonName: first(issuer.CN) ?? '',
    names: (certificate.subjectAltName ?? '')
      .split(', ')
      .filter((entry) => entry !== '')
      .map((entry) => entry.replace(/^(DNS|IP Address):/, '')),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    serial: certificate.serialNumber.toLowerCase(),
    fingerprint: certificate.fingerprint256,
  };
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
