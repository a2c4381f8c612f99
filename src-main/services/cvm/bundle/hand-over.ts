/** Making, signing and verifying hand-over records. */
import { X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readdir, readFile } from 'node:fs/promises';
import { DeskError } from '../../../contract/errors.ts';
import type { ExpectedMeasurement } from '../../../domain/cc/bundle.ts';
import { writableDrives } from '../../../domain/cc/bundle.ts';
import type { BundleFacts, BundleFinding } from '../../../domain/cc/bundle-facts.ts';
import type { ReportProgress } from '../../../ports.ts';
import {
  loadAdminSigner,
  loadProjectSigner,
  type Signer,
  type UnlockedKey,
  verifyPss,
} from '../../pki/index.ts';
import {
  type HandOver,
  type HandOverBody,
  handOverPlace,
  readHandOver,
  signedBytes,
  writeHandOver,
} from './record.ts';
import { readBundleSource } from './source.ts';

export interface RecordSigner {
  signer: Signer;
  /** DER, the signer's own first, the root last. */
  certificates: X509Certificate[];
}

/** The record of an inspection, not signed. */
function handOverOf(facts: BundleFacts, participant: string, now: number): HandOver {
  const { archive, measurement, kit } = facts;
  const body: HandOverBody = {
    format: 'flaredesk.bundle/1',
    participant,
    bundle: facts.bundle,
    flare: kit?.flare ?? null,
    root_fingerprint: kit?.rootFingerprint ?? null,
    created_at: new Date(now).toISOString(),
    archive: archive
      ? { name: archive.name, size: archive.size, sha256: archive.sha256, modified: archive.modified }
      : null,
    files: facts.files
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    vm_id: facts.launch.vmId ?? null,
    measurement: measurement.computed
      ? { computed: true, plain: measurement.plain, with_debug_swap: measurement.withDebugSwap }
      : { computed: false, reason: measurement.reason },
    kit_signature: kit?.signature ?? null,
    kit_fingerprint: kit?.fingerprint ?? null,
  };
  return { record: body, certificates: [], signature: null };
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
function signHandOver({ record }: HandOver, { signer, certificates }: RecordSigner): HandOver {
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

export interface HandOverVerification {
  /** Empty = the bundle is, byte by byte, what the project admin signed. */
  problems: BundleFinding[];
  notes: BundleFinding[];
  record: HandOverBody;
  /** Name in the signer's certificate. */
  signedBy: string;
}

const plain = (fingerprint: string): string =>
  fingerprint
    .replace(/^SHA256:/, '')
    .replaceAll(/[:\s]/g, '')
    .toUpperCase();

/** Checks signature and chain against the root fingerprint; answers the signer's name. Throws `cert_untrusted`, `integrity`. */
function checkSignature(
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

/**
 * Verifies a bundle against its hand-over record: for the receiving site, offline, with nothing but the root fingerprint.
 *
 * @param bundle archive or folder. Of a folder that was started, the drives the VM writes to differ: a note, not a problem
 * @param options.record default: beside the bundle
 * @throws DeskError `cert_untrusted` (not signed by this project), `integrity` (record changed; archive unreadable),
 *   `not_found`, `denied`, `cancelled`. Every file that differs is a problem in the answer.
 */
export async function verifyHandOver(
  bundle: string,
  options: {
    rootFingerprint: string;
    record?: string;
    now?: number;
    signal?: AbortSignal;
    report?: ReportProgress;
  },
): Promise<HandOverVerification> {
  const { rootFingerprint, now = Date.now(), signal, report } = options;
  const file = options.record ?? handOverPlace(bundle);
  const handOver = await readHandOver(file);
  const { signedBy, expired } = checkSignature(handOver, rootFingerprint, now, file);
  const { record } = handOver;
  const source = await readBundleSource(bundle, {
    ...(signal ? { signal } : {}),
    ...(report ? { report } : {}),
  });
  const problems: BundleFinding[] = [];
  const notes: BundleFinding[] = [];
  const problem = (name: string, message: string): void => {
    problems.push({
      severity: 'problem',
      file: name,
      message,
      hint: 'Fetch the bundle again. Do not start this one.',
    });
  };
  if (expired) {
    notes.push({
      severity: 'note',
      file: basename(file),
      message: 'The certificate of the signer is not valid now.',
      hint: 'Ask the project admin whether this is still the current bundle.',
    });
  }
  if (source.archive && record.archive && source.archive.sha256 !== record.archive.sha256) {
    problem(
      source.archive.name,
      `The archive differs: SHA-256 ${source.archive.sha256}, signed was ${record.archive.sha256}.`,
    );
  }
  if (source.bundle !== record.bundle) {
    notes.push({
      severity: 'note',
      file: '.',
      message: `The folder is called ${source.bundle}; signed was ${record.bundle}.`,
    });
  }
  const signed = new Map(record.files.map((one) => [one.name, one]));
  for (const { name, sha256 } of source.files) {
    const expected = signed.get(name);
    signed.delete(name);
    if (!expected) problem(name, 'The file was not signed.');
    else if (expected.sha256 !== sha256) {
      const isWritable = source.source === 'folder' && (writableDrives as readonly string[]).includes(name);
      if (isWritable)
        notes.push({
          severity: 'note',
          file: name,
          message: 'The drive differs: its VM or its owner has written to it.',
        });
      else problem(name, `The file differs: SHA-256 ${sha256}, signed was ${expected.sha256}.`);
    }
  }
  for (const name of signed.keys()) problem(name, 'The file is missing.');
  for (const name of source.others) problem(name, 'The file was not signed.');
  return { problems, notes, record, signedBy };
}

export interface ExpectedBundle {
  bundle: string;
  bundleSha256: string;
  vmId?: string;
  measurement: ExpectedMeasurement;
  /** The record carries a signature (it is not verified here). */
  isSigned: boolean;
}

/**
 * The expected measurement of each participant whose bundle was inspected, from the records beside the archives. A record
 * counts only while size and time of its archive are the same; others are left out.
 *
 * @param prodFolder `<workspace>/<project>/prod_NN`
 * @returns by participant; empty when nothing was inspected
 */
export async function expectedMeasurements(prodFolder: string): Promise<Map<string, ExpectedBundle>> {
  const expected = new Map<string, ExpectedBundle>();
  const entries = await readdir(prodFolder, { withFileTypes: true }).catch(() => []);
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const archive = join(prodFolder, name, `${name}.tgz`);
    const found = await currentRecord(archive);
    if (!found?.record.archive) continue;
    const { record } = found;
    expected.set(name, {
      bundle: record.bundle,
      bundleSha256: record.archive?.sha256 ?? '',
      ...(record.vm_id === null ? {} : { vmId: record.vm_id }),
      measurement: record.measurement.computed
        ? {
            computed: true,
            plain: record.measurement.plain,
            withDebugSwap: record.measurement.with_debug_swap,
          }
        : record.measurement,
      isSigned: found.signature !== null,
    });
  }
  return expected;
}

/** The record beside an archive while it describes that very file: same size, same time. */
async function currentRecord(archive: string): Promise<HandOver | undefined> {
  const stats = await stat(archive).catch(() => undefined);
  if (!stats?.isFile()) return undefined;
  const found = await readHandOver(handOverPlace(archive)).catch(() => undefined);
  const described = found?.record.archive;
  if (!described) return undefined;
  return described.size === stats.size && described.modified === stats.mtime.toISOString()
    ? found
    : undefined;
}

/**
 * Keeps what an inspection found beside the archive, signed when a signer is given. A signed record of the same archive
 * is not replaced by an unsigned one. Answers where it is.
 */
export async function keepHandOver(
  path: string,
  facts: BundleFacts,
  options: { participant: string; now: number; signer?: RecordSigner },
): Promise<{ file: string; handOver: HandOver }> {
  const { participant, now, signer } = options;
  const file = handOverPlace(path);
  const unsigned = handOverOf(facts, participant, now);
  if (!signer) {
    const before = await currentRecord(path);
    if (before?.signature && before.record.archive?.sha256 === facts.archive?.sha256)
      return { file, handOver: before };
  }
  const handOver = signer ? signHandOver(unsigned, signer) : unsigned;
  await writeHandOver(file, handOver);
  return { file, handOver };
}
