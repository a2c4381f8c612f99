import type { X509Certificate } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAdminSigner } from '../pki/index.ts';
import { daysLeft, issuerOf, readCertificate, subjectOf } from './certificate.ts';
import type { Findings } from './findings.ts';
import type { Kit } from './kit.ts';
import { readFileBytes } from './read-file.ts';

const soonDays = 30;

/**
 * Checks the root in a kit: a certificate authority, signed by itself, valid now, of the project the kit names
 * (docs/reference/provisioning.md §5.2, §5.3). Gives nothing when it cannot be read.
 */
export async function checkRoot(
  kit: Kit,
  now: number,
  findings: Findings,
): Promise<X509Certificate | undefined> {
  const root = await readOrReport(kit, kit.rootFile, findings);
  if (!root) return undefined;
  const before = findings.problems.length;
  const problem = (text: string): void => findings.problem(kit.rootFile, text);
  checkPublicKey(kit.rootFile, root, findings);
  if (!root.ca) problem('is not the certificate of a certificate authority');
  if (!root.verify(root.publicKey)) problem('is not signed by itself');
  const { commonName } = subjectOf(root);
  if (kit.project !== undefined && commonName !== kit.project) {
    problem(`is the root of project "${commonName ?? ''}", but the kit is of project "${kit.project}"`);
  }
  checkValidity(kit.rootFile, root, now, findings);
  if (findings.problems.length === before) findings.verified(kit.rootFile);
  return root;
}

/**
 * Checks a certificate with its key: made by this root, for this name, valid now, the key belongs to it
 * (docs/reference/provisioning.md §5.5, §5.7).
 */
export async function checkPair(
  kit: Kit,
  certFile: string,
  keyFile: string,
  root: X509Certificate | undefined,
  now: number,
  findings: Findings,
): Promise<void> {
  const certificate = await readOrReport(kit, certFile, findings);
  if (certificate) {
    const before = findings.problems.length;
    const problem = (text: string): void => findings.problem(certFile, text);
    if (
      root &&
      (issuerOf(certificate).commonName !== subjectOf(root).commonName || !certificate.verify(root.publicKey))
    ) {
      problem(`was not issued by the root in ${kit.rootFile}`);
    }
    const { commonName } = subjectOf(certificate);
    if (kit.name !== undefined && commonName !== kit.name) {
      problem(`is for "${commonName ?? ''}", but the kit is of "${kit.name}"`);
    }
    checkPublicKey(certFile, certificate, findings);
    checkValidity(certFile, certificate, now, findings);
    if (root && findings.problems.length === before) findings.verified(certFile);
  }
  await checkKey(kit, keyFile, certificate, findings);
}

async function checkKey(
  kit: Kit,
  keyFile: string,
  certificate: X509Certificate | undefined,
  findings: Findings,
): Promise<void> {
  try {
    const path = join(kit.folder, keyFile);
    const { publicKeyDer } = loadAdminSigner(await readFileBytes(path, 64 * 1024), keyFile);
    if (certificate?.publicKey.export({ type: 'spki', format: 'der' }).equals(publicKeyDer) === false) {
      findings.problem(keyFile, 'is not the key of the certificate beside it');
    } else if (certificate) {
      findings.verified(keyFile);
    }
    const { mode } = await lstat(path);
    // Windows has no such bits: there every file looks open.
    if (process.platform === 'win32') return;
    if (mode & 0o022) findings.problem(keyFile, `may be changed by other users (mode ${modeText(mode)})`);
    else if (mode & 0o044) {
      findings.note(keyFile, `may be read by other users (mode ${modeText(mode)}); 600 is enough`);
    }
  } catch (error) {
    findings.failed(keyFile, error);
  }
}

/** The runtime signs and verifies with RSA alone (docs/reference/provisioning.md §5.5). */
function checkPublicKey(file: string, certificate: X509Certificate, findings: Findings): void {
  const type = certificate.publicKey.asymmetricKeyType;
  if (type !== 'rsa') findings.problem(file, `holds a key of type ${type ?? 'unknown'}; FLARE needs RSA`);
}

function checkValidity(file: string, certificate: X509Certificate, now: number, findings: Findings): void {
  const ends = certificate.validToDate.getTime();
  if (certificate.validFromDate.getTime() > now) {
    findings.problem(
      file,
      `is not valid before ${certificate.validFromDate.toISOString()}: is the clock right?`,
    );
  } else if (ends < now) {
    findings.problem(file, `expired on ${certificate.validToDate.toISOString()}`);
  } else if (daysLeft(certificate, now) < soonDays) {
    findings.note(file, `expires on ${certificate.validToDate.toISOString()}`);
  }
}

async function readOrReport(
  kit: Kit,
  file: string,
  findings: Findings,
): Promise<X509Certificate | undefined> {
  try {
    return await readCertificate(join(kit.folder, file));
  } catch (error) {
    findings.failed(file, error);
    return undefined;
  }
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8);
}
