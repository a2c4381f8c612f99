/** A certificate as comparable data: what may differ from run to run is replaced by whether it is right. */
import { createHash, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

/** Ready for deep comparison (docs/reference/provisioning.md §5.1–§5.4). */
export function certificateShape(pem: string, rootPem: string): Record<string, unknown> {
  const certificate = forge.pki.certificateFromPem(pem);
  const parsed = new X509Certificate(pem);
  const root = new X509Certificate(rootPem);
  const names = (attributes: forge.pki.CertificateField[]) =>
    attributes.map(({ type, value, valueTagClass }) => [type, value, valueTagClass]);
  const { notBefore, notAfter } = certificate.validity;
  const serial = BigInt(`0x${certificate.serialNumber}`);
  return {
    pem: pemForm(pem, 'CERTIFICATE'),
    version: certificate.version,
    signature: [certificate.signatureOid, certificate.siginfo.algorithmOid],
    serial: serial > 0n && serial < 1n << 159n ? 'positive, at most 159 bits' : 'unexpected',
    // The reference looks at the clock twice: a second more is possible (§12).
    validTenSeconds: Math.round((notAfter.getTime() - notBefore.getTime()) / 10_000),
    wholeSeconds: notBefore.getMilliseconds() === 0,
    subject: names(certificate.subject.attributes),
    issuer: names(certificate.issuer.attributes),
    key: [
      parsed.publicKey.asymmetricKeyType,
      parsed.publicKey.asymmetricKeyDetails?.modulusLength,
      String(parsed.publicKey.asymmetricKeyDetails?.publicExponent),
    ],
    issuedByRoot: parsed.verify(root.publicKey),
    extensions: (certificate.extensions as Extension[]).map((extension) => [
      extension.id,
      extension.critical,
      extensionValue(extension, parsed, root),
    ]),
  };
}

interface Extension {
  id: string;
  critical: boolean;
  value: string;
}

function extensionValue(extension: Extension, certificate: X509Certificate, root: X509Certificate): string {
  const hex = Buffer.from(extension.value, 'binary').toString('hex');
  const own = keyIdentifier(certificate);
  if (extension.id === '2.5.29.14' && hex === `0414${own}`) return 'SHA-1 of the key';
  if (extension.id === '2.5.29.35' && hex === `30168014${keyIdentifier(root)}`)
    return "the root's key identifier alone";
  return hex;
}

function keyIdentifier(certificate: X509Certificate): string {
  const der = certificate.publicKey.export({ type: 'pkcs1', format: 'der' });
  return createHash('sha1').update(der).digest('hex');
}

/** Label and layout of a PEM file: 64 columns, LF, final newline (§5.1). */
export function pemForm(pem: string, label: string): string {
  const lines = pem.split('\n');
  const body = lines.slice(1, -2);
  const isRight =
    lines[0] === `-----BEGIN ${label}-----` &&
    lines.at(-2) === `-----END ${label}-----` &&
    lines.at(-1) === '' &&
    body.every((line, index) => (index === body.length - 1 ? line.length <= 64 : line.length === 64));
  return isRight ? `one ${label}, 64 columns` : `not one plain ${label}: ${lines[0]}`;
}
