import { createHash, createPublicKey, type KeyObject, sign, type X509Certificate } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import { buildCertificate, type CertificateSubject } from './certificate.ts';
import { type KeyPair, newKeyPair } from './key-pair.ts';
import { readRsaPrivateKey } from './private-key.ts';
import { pssOptions } from './pss.ts';
import { type CertificateSummary, parseCertificate, summarizeCertificate } from './certificate-summary.ts';

/** A key and its certificate, as they go into a kit and into the state. */
export interface Identity {
  certificatePem: string;
  privateKeyPem: string;
}

export interface IssueRequest {
  subject: CertificateSubject;
  /** Names for the SAN of a server or a listener; without them the SAN is the common name. */
  hosts?: readonly string[];
}

export interface IssueOptions {
  signal?: AbortSignal;
}

/** A project's certificate authority. Its private key is used behind these methods and reachable through none of them. */
export interface CertificateAuthority {
  readonly certificatePem: string;
  readonly summary: CertificateSummary;
  /** Makes a key pair off the main thread and a certificate for it. Throws `cancelled`, `invalid_input` (bad name). */
  issue(request: IssueRequest, options?: IssueOptions): Promise<Identity>;
  /** The PSS signature of kit content as kits carry it: base64, 344 characters. Computed off the main thread. */
  signContent(content: Uint8Array): Promise<string>;
  /** True when this authority signed the certificate. */
  issued(certificate: X509Certificate): boolean;
}

/** What only the state file may see. */
export interface AuthorityMaterial extends Identity {
  authority: CertificateAuthority;
}

export interface AuthorityContext {
  line: FlareLine;
  now: Date;
}

/** Makes a new root for a project: self-signed, CN = project name (docs/reference/provisioning.md §5.2). */
export async function createAuthority(
  projectName: string,
  context: AuthorityContext,
  options: IssueOptions = {},
): Promise<AuthorityMaterial> {
  const pair = await newKeyPair(options.signal);
  const privateKey = readRsaPrivateKey(pair.privateKeyPem, 'the new root key');
  const certificatePem = selfSigned(projectName, pair.publicKey, privateKey, context);
  return {
    certificatePem,
    privateKeyPem: pair.privateKeyPem,
    authority: authorityOf(certificatePem, privateKey, context),
  };
}

/**
 * Opens the authority of an existing root. `from` names the file in errors.
 * Throws `invalid_input` when certificate or key does not parse.
 */
export function openAuthority(root: Identity, context: AuthorityContext, from: string): AuthorityMaterial {
  const privateKey = readRsaPrivateKey(root.privateKeyPem, `${from}: root_pri_key`);
  return { ...root, authority: authorityOf(root.certificatePem, privateKey, context, from) };
}

/** A new root certificate over the same key: everything it signed stays valid. */
export function renewAuthority(root: Identity, context: AuthorityContext, from: string): AuthorityMaterial {
  const privateKey = readRsaPrivateKey(root.privateKeyPem, `${from}: root_pri_key`);
  const { commonName } = summarizeCertificate(parseCertificate(root.certificatePem, `${from}: root_cert`));
  const certificatePem = selfSigned(commonName, pkcs1PublicKey(privateKey), privateKey, context);
  return {
    certificatePem,
    privateKeyPem: root.privateKeyPem,
    authority: authorityOf(certificatePem, privateKey, context),
  };
}

function selfSigned(
  commonName: string,
  publicKey: Uint8Array,
  privateKey: KeyObject,
  context: AuthorityContext,
): string {
  return buildCertificate({
    line: context.line,
    subject: { commonName },
    issuerCommonName: commonName,
    publicKey,
    issuerPublicKey: publicKey,
    issuerPrivateKey: privateKey,
    ca: true,
    notBefore: context.now,
  });
}

/** The authority of a root whose key is not at hand: tells what it issued, signs nothing (`locked`). */
export function lookOnlyAuthority(root: Identity, from: string): AuthorityMaterial {
  const certificate = parseCertificate(root.certificatePem, `${from}: root_cert`);
  const refuse = (): Promise<never> =>
    Promise.reject(
      new DeskError('locked', 'The signing key of this project is locked.', {
        hint: 'Unlock it with its passphrase.',
      }),
    );
  return {
    ...root,
    authority: {
      certificatePem: root.certificatePem,
      summary: summarizeCertificate(certificate),
      issue: refuse,
      signContent: refuse,
      issued: (leaf) => leaf.verify(certificate.publicKey),
    },
  };
}

function authorityOf(
  certificatePem: string,
  privateKey: KeyObject,
  context: AuthorityContext,
  from = 'the root certificate',
): CertificateAuthority {
  const certificate = parseCertificate(certificatePem, `${from}: root_cert`);
  const summary = summarizeCertificate(certificate);
  const issuerPublicKey = pkcs1PublicKey(privateKey);
  const signing = pssOptions(privateKey);
  const signed = new Map<string, Promise<string>>();
  const certificateFor = (request: IssueRequest, pair: KeyPair) =>
    buildCertificate({
      line: context.line,
      subject: request.subject,
      issuerCommonName: summary.commonName,
      publicKey: pair.publicKey,
      issuerPublicKey,
      issuerPrivateKey: privateKey,
      hosts: request.hosts,
      ca: false,
      notBefore: context.now,
    });
  return {
    certificatePem,
    summary,
    async issue(request, options = {}) {
      const pair = await newKeyPair(options.signal);
      return { certificatePem: certificateFor(request, pair), privateKeyPem: pair.privateKeyPem };
    },
    // The same bytes appear in every kit (root certificate, scripts, policies); one signature is valid for all of them.
    signContent(content) {
      const digest = createHash('sha256').update(content).digest('base64');
      let signature = signed.get(digest);
      if (signature === undefined) {
        signature = signBase64(content, signing);
        signed.set(digest, signature);
      }
      return signature;
    },
    issued: (leaf) => leaf.verify(certificate.publicKey),
  };
}

function signBase64(content: Uint8Array, options: ReturnType<typeof pssOptions>): Promise<string> {
  return new Promise((resolve, reject) => {
    sign('sha256', content, options, (error, signature) => {
      if (error) reject(error);
      else resolve(signature.toString('base64'));
    });
  });
}

function pkcs1PublicKey(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ type: 'pkcs1', format: 'der' });
}
