import { DeskError } from '../../contract/errors.ts';
import type { Identity } from './authority.ts';
import { isRecord } from '../../domain/record.ts';

const rootCertKey = 'root_cert';
const rootPrivateKeyKey = 'root_pri_key';

/** The content of `state/cert.json`: the root and every subject ever issued, in order of issue. */
export interface CertStateContent {
  root: Identity;
  /** Entries as found; each is read when it is asked for. */
  subjects: Map<string, unknown>;
}

/**
 * Reads the text of a `state/cert.json` (docs/reference/provisioning.md §5.8).
 * Throws `invalid_input` that names the file and says what is missing; never shows content.
 */
export function parseCertState(text: string, file: string): CertStateContent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw damaged(file, text.trim() === '' ? 'it is empty' : 'it is no valid JSON (cut short?)');
  }
  if (!isRecord(parsed)) throw damaged(file, 'it is no JSON object');
  const certificatePem = parsed[rootCertKey];
  const privateKeyPem = parsed[rootPrivateKeyKey];
  if (typeof certificatePem !== 'string') throw damaged(file, `${rootCertKey} is missing`);
  if (typeof privateKeyPem !== 'string') throw damaged(file, `${rootPrivateKeyKey} is missing`);
  const subjects = new Map(
    Object.entries(parsed).filter(([name]) => name !== rootCertKey && name !== rootPrivateKeyKey),
  );
  return { root: { certificatePem, privateKeyPem }, subjects };
}

/** The entry of one subject. Throws `invalid_input` when it is not a certificate and a key in text form. */
export function parseSubject(entry: unknown, name: string, file: string): Identity {
  if (!isRecord(entry) || typeof entry.cert !== 'string' || typeof entry.pri_key !== 'string') {
    throw damaged(file, `the entry of ${name} has no cert or no pri_key`);
  }
  return { certificatePem: entry.cert, privateKeyPem: entry.pri_key };
}

/** The entry form of one subject. */
export function subjectEntry(identity: Identity): { cert: string; pri_key: string } {
  return { cert: identity.certificatePem, pri_key: identity.privateKeyPem };
}

/** One object on one line, no final newline, root first: the form FLARE's own tool writes and reads. */
export function renderCertState(content: CertStateContent): string {
  const entries: [string, unknown][] = [
    [rootCertKey, content.root.certificatePem],
    [rootPrivateKeyKey, content.root.privateKeyPem],
    ...content.subjects,
  ];
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}: ${renderValue(value)}`).join(', ')}}`;
}

function renderValue(value: unknown): string {
  if (!isRecord(value)) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${JSON.stringify(item)}`);
  return `{${parts.join(', ')}}`;
}

function damaged(file: string, what: string): DeskError {
  return new DeskError('invalid_input', `${file} cannot be used: ${what}.`, {
    hint: 'It holds the keys of the project. Restore it from a backup; without it, every site needs new kits from an empty workspace.',
  });
}
