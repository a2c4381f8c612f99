import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import {
  type AuthorityMaterial,
  type CertificateAuthority,
  createAuthority,
  lookOnlyAuthority,
  type Identity,
  openAuthority,
  renewAuthority,
} from './authority.ts';
import {
  type CertStateContent,
  parseCertState,
  parseSubject,
  renderCertState,
  subjectEntry,
} from './cert-state-file.ts';
import { type CertificateSummary, parseCertificate, summarizeCertificate } from './certificate-summary.ts';
import { pemOf, type UnlockedKey } from './key-custody.ts';
import { readRsaPrivateKey } from './private-key.ts';
import { replaceFile } from './replace-file.ts';
import { isWrapped } from './wrapped-key.ts';

/** A subject of the state with its certificate read and checked against its key and the root. */
export interface KnownIdentity extends Identity {
  summary: CertificateSummary;
}

export interface CertStateOptions {
  /** The name a new root gets, and an existing root must have. */
  projectName: string;
  line: FlareLine;
  now: Date;
  /** Opens a wrapped CA key; without it such a state gives `locked`. */
  unlockedKey?: UnlockedKey;
  signal?: AbortSignal;
}

/**
 * `state/cert.json` in memory: the project's authority and the subjects it has issued. Shared with FLARE's own tool in
 * both directions. Changes reach the disk with `save`, whole or not at all.
 */
export class CertState {
  readonly file: string;
  #root: AuthorityMaterial;
  readonly #subjects: Map<string, unknown>;
  readonly #before: string | undefined;
  /** The CA key as it stands in the file, when it is wrapped there: it goes back as it was. */
  readonly #wrapped: string | undefined;
  readonly #options: CertStateOptions;

  private constructor(
    file: string,
    root: AuthorityMaterial,
    subjects: Map<string, unknown>,
    before: string | undefined,
    options: CertStateOptions,
    wrapped?: string,
  ) {
    this.file = file;
    this.#root = root;
    this.#subjects = subjects;
    this.#before = before;
    this.#wrapped = wrapped;
    this.#options = options;
  }

  /**
   * Opens `<folder>/cert.json`, or begins a new state with a new root when there is none.
   * Throws `invalid_input` (damaged), `conflict` (another project's), `denied` (unreadable), `locked` (wrapped key),
   * `cancelled`.
   */
  static async open(folder: string, options: CertStateOptions): Promise<CertState> {
    const file = join(folder, 'cert.json');
    const text = await readIfThere(file);
    if (text === undefined) {
      const root = await createAuthority(options.projectName, options, options);
      return new CertState(file, root, new Map(), undefined, options);
    }
    const content = parseCertState(text, file);
    const { certificatePem, privateKeyPem: written } = content.root;
    const wrapped = isWrapped(written) ? written : undefined;
    const privateKeyPem = wrapped === undefined ? written : pemOf(options.unlockedKey, certificatePem);
    const root = openAuthority({ certificatePem, privateKeyPem }, options, file);
    checkRoot(root, options.projectName, file);
    return new CertState(file, root, content.subjects, text, options, wrapped);
  }

  /** The same for reading only: undefined when there is no state yet; nothing is created. */
  static async peek(folder: string, options: CertStateOptions): Promise<CertState | undefined> {
    const there = await readIfThere(join(folder, 'cert.json'));
    if (there === undefined) return undefined;
    const file = join(folder, 'cert.json');
    const content = parseCertState(there, file);
    if (!isWrapped(content.root.privateKeyPem)) return CertState.open(folder, options);
    const root = lookOnlyAuthority(content.root, file);
    checkName(root, options.projectName, file);
    return new CertState(file, root, content.subjects, there, options, content.root.privateKeyPem);
  }

  get authority(): CertificateAuthority {
    return this.#root.authority;
  }

  /** True when the root was made by this run. */
  get isNew(): boolean {
    return this.#before === undefined;
  }

  /** Names of all subjects, in order of issue. */
  get names(): string[] {
    return [...this.#subjects.keys()];
  }

  /**
   * The identity of a subject, or undefined when it has none yet.
   * Throws `invalid_input` when the entry is damaged or its parts do not belong together.
   */
  find(name: string): KnownIdentity | undefined {
    if (!this.#subjects.has(name)) return undefined;
    const identity = parseSubject(this.#subjects.get(name), name, this.file);
    const where = `${this.file}: ${name}`;
    const certificate = parseCertificate(identity.certificatePem, where);
    const wrong = !certificate.checkPrivateKey(readRsaPrivateKey(identity.privateKeyPem, where))
      ? 'key and certificate do not belong together'
      : !this.authority.issued(certificate)
        ? 'the certificate was issued by another root'
        : undefined;
    if (wrong !== undefined) {
      throw new DeskError('integrity', `${where}: ${wrong}.`, {
        hint: `Restore the file from a backup, or issue this identity anew with --reissue ${name}.`,
      });
    }
    return { ...identity, summary: summarizeCertificate(certificate) };
  }

  /** Remembers a new identity; a known subject keeps its place. */
  put(name: string, identity: Identity): void {
    this.#subjects.set(name, subjectEntry(identity));
  }

  /** Gives the root a new certificate over its old key. */
  renewRoot(): void {
    this.#root = renewAuthority(this.#root, this.#options, this.file);
  }

  /** Writes the state: temporary name, mode 600, fsync, rename. Throws the file system's error. */
  async save(): Promise<void> {
    const { certificatePem, privateKeyPem } = this.#root;
    const root = { certificatePem, privateKeyPem: this.#wrapped ?? privateKeyPem };
    const content: CertStateContent = { root, subjects: this.#subjects };
    await replaceFile(this.file, renderCertState(content));
  }

  /** Puts back what was on disk before `save`. */
  async restore(): Promise<void> {
    if (this.#before === undefined) await rm(this.file, { force: true });
    else await replaceFile(this.file, this.#before);
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DeskError(
      'denied',
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'}).`,
      {
        hint: 'Give this user read access to the file, and run again.',
        cause: error,
      },
    );
  }
}

function checkRoot(root: AuthorityMaterial, projectName: string, file: string): void {
  const certificate = parseCertificate(root.certificatePem, file);
  if (!certificate.checkPrivateKey(readRsaPrivateKey(root.privateKeyPem, file))) {
    throw new DeskError('integrity', `${file}: root_cert and root_pri_key do not belong together.`, {
      hint: 'Restore the file from a backup.',
    });
  }
  checkName(root, projectName, file);
}

function checkName(root: AuthorityMaterial, projectName: string, file: string): void {
  const { commonName } = root.authority.summary;
  if (commonName !== projectName) {
    throw new DeskError(
      'conflict',
      `${file} belongs to the project "${commonName}", not to "${projectName}".`,
      { hint: 'Choose another workspace folder, or give the project its old name.' },
    );
  }
}
