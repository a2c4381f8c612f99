import { X509Certificate } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import { readFileBytes } from './read-file.ts';

/** What is told about a certificate. Times are ISO 8601 in UTC, the fingerprint is SHA-256 in hex with colons. */
export interface CertificateFacts {
  subject: string;
  org: string | null;
  role: string | null;
  not_before: string;
  not_after: string;
  serial: string;
  fingerprint: string;
}

const dayMs = 86_400_000;

/** Reads one PEM certificate. Throws as `readFileBytes` does, and `invalid_input` when it holds none. */
export async function readCertificate(path: string): Promise<X509Certificate> {
  return parseCertificate(await readFileBytes(path), path);
}

/** Throws `invalid_input` that names `from`. */
export function parseCertificate(pem: string | Uint8Array, from: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new DeskError('invalid_input', `${from} does not hold a certificate in PEM form.`, {
      hint: 'It may be cut short or damaged. Take the file from the original kit again.',
    });
  }
}

export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  const name = subjectOf(certificate);
  return {
    subject: name.commonName ?? '',
    org: name.org ?? null,
    role: name.role ?? null,
    not_before: certificate.validFromDate.toISOString(),
    not_after: certificate.validToDate.toISOString(),
    serial: certificate.serialNumber,
    fingerprint: certificate.fingerprint256,
  };
}

/** Common name, organisation and role (docs/reference/provisioning.md §5.2). */
export function subjectOf(certificate: X509Certificate): {
  commonName?: string;
  org?: string;
  role?: string;
} {
  return namesOf(certificate.subject);
}

export function issuerOf(certificate: X509Certificate): { commonName?: string } {
  return namesOf(certificate.issuer);
}

function namesOf(lines: string): { commonName?: string; org?: string; role?: string } {
  const value = (label: string): string | undefined =>
    lines
      .split('\n')
      .find((line) => line.startsWith(`${label}=`))
      ?.slice(label.length + 1)
      .replaceAll(/\\(.)/g, '$1');
  const commonName = value('CN');
  const org = value('O');
  const role = value('unstructuredName') ?? value('1.2.840.113549.1.9.2');
  return {
    ...(commonName === undefined ? {} : { commonName }),
    ...(org === undefined ? {} : { org }),
    ...(role === undefined ? {} : { role }),
  };
}

/** Whole days until the certificate ends; negative when it has ended. */
export function daysLeft(certificate: X509Certificate, now: number): number {
  return Math.floor((certificate.validToDate.getTime() - now) / dayMs);
}

/** Hex digits of a fingerprint however it was written: `SHA256:` before it, colons, blanks, small letters. */
export function plainFingerprint(text: string): string {
  return text
    .replace(/^SHA256:/i, '')
    .replaceAll(/[:\s]/g, '')
    .toUpperCase();
}
