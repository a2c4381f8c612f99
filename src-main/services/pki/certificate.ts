import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import forge from 'node-forge';
import { DeskError } from '../../contract/errors.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import { dateToDer } from './der-time.ts';

/** Leaf and root certificates live this long, without back-dating (docs/reference/provisioning.md §5.1). */
const validDays = 360;

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  /** unstructuredName: where FLARE keeps an admin's role. */
  role: '1.2.840.113549.1.9.2',
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
} as const;

export interface CertificateSubject {
  commonName: string;
  organization?: string;
  role?: string;
}

export interface CertificateProfile {
  line: FlareLine;
  subject: CertificateSubject;
  issuerCommonName: string;
  /** RSAPublicKey (PKCS#1) DER of the subject. */
  publicKey: Uint8Array;
  /** RSAPublicKey (PKCS#1) DER of the issuer. */
  issuerPublicKey: Uint8Array;
  issuerPrivateKey: KeyObject;
  /**
   * Names for the SAN. `hosts` become IP entries where the line does so; without hosts the common name is the only
   * entry, always as a DNS name (§5.4).
   */
  hosts?: readonly string[];
  ca: boolean;
  notBefore: Date;
}

/**
 * A certificate as PEM (LF, final newline) in the exact form FLARE's own provisioning writes for the line: name string
 * types, extension order and criticality, SAN types, serial (docs/reference/provisioning.md §5.1–§5.4).
 * Throws `invalid_input` for a name that does not fit into a certificate.
 */
export function buildCertificate(profile: CertificateProfile): string {
  const body = tbsCertificate(profile);
  const signature = sign('sha256', derOf(body), profile.issuerPrivateKey);
  const whole = sequence(body, algorithm(oid.sha256WithRsa), bitString(signature.toString('latin1'), 0));
  return toPem('CERTIFICATE', derOf(whole));
}

function tbsCertificate(profile: CertificateProfile): Asn1 {
  const notBefore = new Date(Math.floor(profile.notBefore.getTime() / 1000) * 1000);
  const notAfter = new Date(notBefore.getTime() + validDays * 24 * 3600 * 1000);
  return sequence(
    explicit(0, integer('\x02')),
    integer(randomSerial()),
    algorithm(oid.sha256WithRsa),
    name({ commonName: profile.issuerCommonName }),
    sequence(dateToDer(notBefore), dateToDer(notAfter)),
    name(profile.subject),
    sequence(algorithm(oid.rsaEncryption), bitString(binary(profile.publicKey), 0)),
    explicit(3, sequence(...extensions(profile))),
  );
}

function extensions(profile: CertificateProfile): Asn1[] {
  const list = [
    extension(oid.subjectKeyIdentifier, false, octets(sha1(profile.publicKey))),
    extension(oid.authorityKeyIdentifier, false, sequence(tagged(0, sha1(profile.issuerPublicKey)))),
  ];
  if (profile.ca) {
    list.push(
      extension(oid.basicConstraints, true, sequence(primitive(asn1.Type.BOOLEAN, '\xff'))),
      rootKeyUsage(profile.line),
    );
  }
  list.push(extension(oid.subjectAltName, false, sequence(...alternativeNames(profile))));
  return list;
}

/** The root's key usage: seven bits on 2.7, digitalSignature + keyCertSign + cRLSign and critical on 2.8 (§5.3). */
function rootKeyUsage(line: FlareLine): Asn1 {
  switch (line) {
    case '2.7.2':
      return extension(oid.keyUsage, false, bitString('\xfe', 1));
    case '2.8.1':
      return extension(oid.keyUsage, true, bitString('\x86', 1));
  }
}

function alternativeNames(profile: CertificateProfile): Asn1[] {
  if (profile.hosts === undefined || profile.hosts.length === 0) {
    return [tagged(2, ia5(profile.subject.commonName, profile.subject.commonName))];
  }
  return profile.hosts.map((host) =>
    profile.line !== '2.7.2' && isIPv4(host)
      ? tagged(7, binary(Uint8Array.from(host.split('.'), Number)))
      : tagged(2, ia5(host, profile.subject.commonName)),
  );
}

function ia5(text: string, owner: string): string {
  if (!/^[\x20-\x7e]+$/.test(text)) {
    throw new DeskError('invalid_input', `The name "${text}" of ${owner} does not fit into a certificate.`, {
      hint: 'Names in certificates are plain ASCII.',
    });
  }
  return text;
}

function name(subject: CertificateSubject): Asn1 {
  const parts: Asn1[] = [attribute(oid.commonName, subject.commonName)];
  if (subject.organization !== undefined) parts.push(attribute(oid.organization, subject.organization));
  if (subject.role !== undefined) parts.push(attribute(oid.role, subject.role));
  return sequence(...parts);
}

function attribute(type: string, value: string): Asn1 {
  const text = primitive(asn1.Type.UTF8, forge.util.encodeUtf8(value));
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [sequence(objectId(type), text)]);
}

function extension(type: string, critical: boolean, value: Asn1): Asn1 {
  const parts = [objectId(type)];
  if (critical) parts.push(primitive(asn1.Type.BOOLEAN, '\xff'));
  parts.push(octets(asn1.toDer(value).getBytes()));
  return sequence(...parts);
}

/** Random, positive, at most 159 bits, shortest form. */
function randomSerial(): string {
  const bytes = randomBytes(20);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  let start = 0;
  while (start < 19 && bytes[start] === 0 && bytes.readUInt8(start + 1) < 0x80) start += 1;
  return binary(bytes.subarray(start));
}

const derOf = (value: Asn1) => Buffer.from(asn1.toDer(value).getBytes(), 'latin1');
const sequence = (...parts: Asn1[]) => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
const primitive = (type: forge.asn1.Type, value: string) =>
  asn1.create(asn1.Class.UNIVERSAL, type, false, value);
const explicit = (tag: number, value: Asn1) => asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, true, [value]);
const tagged = (tag: number, value: string) => asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, false, value);
const integer = (value: string) => primitive(asn1.Type.INTEGER, value);
const octets = (value: string) => primitive(asn1.Type.OCTETSTRING, value);
const objectId = (value: string) => primitive(asn1.Type.OID, asn1.oidToDer(value).getBytes());
const bitString = (value: string, unused: number) =>
  primitive(asn1.Type.BITSTRING, String.fromCharCode(unused) + value);
const algorithm = (type: string) => sequence(objectId(type), primitive(asn1.Type.NULL, ''));
const binary = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest().toString('latin1');

/** PEM with 64-column lines, LF and a final newline (§5.1). */
function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
