/** Who signs hand-over records, and whose signature counts: the project's root, or an admin the root made a project admin. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import {
  loadAdminSigner,
  loadProjectSigner,
  type Signer,
  type UnlockedKey,
  verifyPss,
} from '../../pki/index.ts';
import { type HandOver, type HandOverBody, signedBytes } from './record.ts';

export interface RecordSigner {
  signer: Signer;
  /** DER, the signer's own first, the root last. */
  certificates: X509Certificate[];
}

/**
 * The project's root key as signer of records.
 * @throws DeskError as `loadProjectSigner`
 */
export async function rootRecordSigner(
  stateFolder: string,
  unlockedKey?: UnlockedKey,
): Promise<RecordSigner> {
  const { signer, certificatePem } = await loadProjectSigner(stateFolder, unlockedKey);
  return { signer, certificates: [new X509Certificate(certificatePem)] };
}

/**
 * The key of a project admin's kit as signer of records.
 * @param kit folder of the admin's kit
 * @throws DeskError `not_found`, `invalid_input` (no such kit), `denied` (the kit of another role)
 */
export async function adminRecordSigner(kit: string): Promise<RecordSigner> {
  const read = (name: string): Promise<Buffer> =>
    readFile(join(kit, 'startup', name)).catch(() => {
      throw new DeskError('not_found', `${kit} is no admin kit: startup/${name} cannot be read.`);
    });
  const [key, own, root] = await Promise.all([read('client.key'), read('client.crt'), read('rootCA.pem')]);
  const certificates = [new X509Certificate(own), new X509Certificate(root)];
  const [leaf] = certificates;
  if (!leaf || roleOf(leaf) !== 'project_admin') {
    throw new DeskError(
      'denied',
      `${kit} is not the kit of a project admin: its signature would not be accepted.`,
    );
  }
  return { signer: loadAdminSigner(key, join(kit, 'startup/client.key')), certificates };
}

/**
 * Signs a record, with the certificate chain inside. The signer must be of the root the kit inside was made under.
 * @throws DeskError `conflict` for a signer of another project
 */
export function signHandOver({ record }: HandOver, { signer, certificates }: RecordSigner): HandOver {
  const root = certificates.at(-1);
  if (record.root_fingerprint !== null && root?.fingerprint256 !== record.root_fingerprint) {
    throw new DeskError(
      'conflict',
      `The bundle of ${record.participant} holds a kit of another project than the signing key.`,
    );
  }
  const body: HandOverBody = { ...record, root_fingerprint: root?.fingerprint256 ?? record.root_fingerprint };
  return {
    record: body,
    certificates: certificates.map(({ raw }) => raw.toString('base64')),
    signature: signer.sign(signedBytes(body)).toString('base64'),
  };
}

function roleOf(certificate: X509Certificate): string | undefined {
  return /^unstructuredName=(.+)$/m.exec(certificate.subject)?.[1];
}

const plain = (fingerprint: string): string =>
  fingerprint
    .replace(/^SHA256:/, '')
    .replaceAll(/[:\s]/g, '')
    .toUpperCase();

/** Checks signature and chain against the root fingerprint; answers the signer's name. Throws `cert_untrusted`, `integrity`. */
export function checkSignature(
  { record, certificates, signature }: HandOver,
  rootFingerprint: string,
  now: number,
  file: string,
): { signedBy: string; expired: boolean } {
  const untrusted = (why: string): DeskError =>
    new DeskError('cert_untrusted', `${file} is not accepted: ${why}.`, {
      hint: 'Compare the root fingerprint with the project admin by another way (telephone). Do not start this bundle.',
    });
  if (signature === null || certificates.length === 0) throw untrusted('it is not signed');
  let chain: X509Certificate[];
  try {
    chain = certificates.map((text) => {
      const der = Buffer.from(text, 'base64');
      const certificate = new X509Certificate(der);
      if (der.toString('base64') !== text || !certificate.raw.equals(der)) throw new Error('another form');
      return certificate;
    });
  } catch {
    throw untrusted('a certificate in it is damaged');
  }
  const root = chain.at(-1) as X509Certificate;
  const leaf = chain[0] as X509Certificate;
  if (plain(root.fingerprint256) !== plain(rootFingerprint))
    throw untrusted(`it is signed under another root, ${root.fingerprint256}`);
  if (chain.length > 2) throw untrusted('its certificate chain is too long');
  if (leaf !== root) {
    if (!leaf.verify(root.publicKey) || leaf.ca) throw untrusted('its signer was not issued by the root');
    if (roleOf(leaf) !== 'project_admin') throw untrusted('its signer is no project admin');
  }
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.toString('base64') !== signature || !verifyPss(leaf.publicKey, signedBytes(record), bytes)) {
    throw untrusted('its signature does not match: the record was changed');
  }
  if (record.root_fingerprint !== root.fingerprint256)
    throw untrusted('it names another root than the one it is signed under');
  const expired = now > leaf.validToDate.getTime() || now < leaf.validFromDate.getTime();
  return { signedBy: /^CN=(.+)$/m.exec(leaf.subject)?.[1] ?? 'unknown', expired };
}
