/**
 * Chip certificates on this machine: one file per chip and firmware level, kept for ever, because AMD's key service answers few
 * requests (docs/reference/confidential-computing.md §1.7, §8 no. 7). Only what AMD signed is taken in.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { DeskError } from '../../contract/errors.ts';
import type { Clock, ReportProgress } from '../../ports.ts';
import {
  type AmdProduct,
  hardwareIdOf,
  reportedTcbOf,
  sameTcb,
  type SnpReport,
  type Tcb,
  tcbName,
} from '../../domain/attestation/index.ts';
import type { Anchors } from './anchors.ts';
import { type ChipCertificate, readChipCertificate } from './chip-certificate.ts';

/** A certificate is about 1.4 KiB, a chain file about 5. */
const longestFile = 64 * 1024;
const mostFiles = 20_000;
const filesAtOnce = 200;

export interface ImportedFile {
  file: string;
  state: 'added' | 'known' | 'intermediate' | 'refused';
  message?: string;
}

export interface VcekStore {
  list(): Promise<ChipCertificate[]>;
  /** The certificate for a report; undefined when it is not here. */
  find(report: SnpReport): Promise<ChipCertificate | undefined>;
  /**
   * Takes in one certificate. Gives false when it was here already.
   * @throws DeskError `cert_untrusted` (AMD did not sign it), `cert_expired`, `invalid_input`
   */
  add(content: Uint8Array, where: string): Promise<boolean>;
  /** Takes in a file or every file below a folder; what is no certificate of AMD is refused, file by file. Throws `not_found`. */
  importFrom(
    path: string,
    options?: { signal?: AbortSignal; report?: ReportProgress },
  ): Promise<ImportedFile[]>;
  /**
   * Writes the VCEKs the way Trustee's offline store wants them, below `folder`: `vcek/<chip>/<TCB>_vcek.der`, and
   * `vcek/<chip>/vcek.der` for versions that know one certificate per chip (the highest level).
   */
  exportTo(
    folder: string,
    options?: { signal?: AbortSignal },
  ): Promise<{ folder: string; chips: number; certificates: number }>;
}

/** Opens the store in `folder` (made when something is added). */
export function openVcekStore(folder: string, anchors: Anchors, clock: Clock): VcekStore {
  let loaded: Promise<ChipCertificate[]> | undefined;
  const load = async (): Promise<ChipCertificate[]> => {
    const found: ChipCertificate[] = [];
    const files = await filesBelow(folder);
    const isAuthority = (file: string): boolean => file.endsWith('.ca.der');
    for (const file of files.filter(isAuthority)) {
      anchors.addIntermediate(new X509Certificate(await readFile(file)));
    }
    const names = files.filter((file) => !isAuthority(file));
    const contents: Buffer[] = [];
    // A few hundred at a time: each is a file that is open.
    for (let from = 0; from < names.length; from += filesAtOnce) {
      const part = names.slice(from, from + filesAtOnce);
      contents.push(...(await Promise.all(part.map((file) => readFile(file)))));
    }
    for (const [index, content] of contents.entries()) {
      const file = names[index] ?? '';
      const certificate = readChipCertificate(content, file);
      // The folder is not trusted more than any other: what AMD did not sign is not used.
      if (anchors.check(certificate, certificate.notBefore).state === 'good') found.push(certificate);
    }
    return found;
  };
  const byChip = new Map<string, ChipCertificate>();
  const chipKey = (product: AmdProduct, chipId: string, tcb: Tcb): string =>
    `${product} ${chipId} ${tcbName(tcb)}`;
  const enter = (certificate: ChipCertificate): void => {
    const { kind, product, chipId, tcb } = certificate;
    if (kind === 'VCEK' && chipId !== undefined) byChip.set(chipKey(product, chipId, tcb), certificate);
  };
  const list = (): Promise<ChipCertificate[]> =>
    (loaded ??= load().then((found) => {
      for (const certificate of found) enter(certificate);
      return found;
    }));

  const add = async (content: Uint8Array, where: string): Promise<boolean> => {
    const certificate = readChipCertificate(content, where);
    const chain = anchors.check(certificate, clock.now());
    if (chain.state === 'bad') {
      throw new DeskError(
        chain.cause === 'dates' ? 'cert_expired' : 'cert_untrusted',
        `${where}: ${chain.message}`,
        {
          ...(chain.hint === undefined ? {} : { hint: chain.hint }),
        },
      );
    }
    const known = await list();
    if (known.some(({ fingerprint }) => fingerprint === certificate.fingerprint)) return false;
    const place = join(
      folder,
      certificate.product,
      certificate.chipId ?? `vlek-${certificate.fingerprint.slice(0, 16)}`,
    );
    await mkdir(place, { recursive: true, mode: 0o700 });
    await writeFileAtomic(join(place, `${tcbName(certificate.tcb)}.der`), certificate.der, { mode: 0o600 });
    known.push(certificate);
    enter(certificate);
    return true;
  };

  const importFile = async (file: string): Promise<ImportedFile[]> => {
    const content = await readFile(file);
    const blocks = content
      .toString('latin1')
      .match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
    const certificates = blocks?.map((block) => Buffer.from(block)) ?? [content];
    const results: ImportedFile[] = [];
    for (const one of certificates) {
      try {
        const authority = await addAuthority(one);
        if (authority !== undefined) results.push({ file, state: authority });
        else results.push({ file, state: (await add(one, file)) ? 'added' : 'known' });
      } catch (error) {
        if (!(error instanceof DeskError)) throw error;
        results.push({ file, state: 'refused', message: error.message });
      }
    }
    return results;
  };

  /** AMD's own roots and intermediates lie in chain files; an ASVK is kept, the built-in ones are known. */
  const addAuthority = async (content: Buffer): Promise<'known' | 'intermediate' | undefined> => {
    let x509: X509Certificate;
    try {
      x509 = new X509Certificate(content);
    } catch {
      return undefined;
    }
    const common = /^CN=(.*)$/m.exec(x509.subject)?.[1] ?? '';
    if (!/^(ARK|SEV)-/.test(common) || common === 'SEV-VCEK' || common === 'SEV-VLEK') return undefined;
    if (anchors.isRoot(x509)) return 'known';
    if (!anchors.addIntermediate(x509)) {
      throw new DeskError(
        'cert_untrusted',
        `"${common}" was not issued by a root of AMD this program knows.`,
      );
    }
    const place = join(folder, 'intermediates');
    await mkdir(place, { recursive: true, mode: 0o700 });
    await writeFileAtomic(join(place, `${common}.ca.der`), Buffer.from(x509.raw), { mode: 0o600 });
    return 'intermediate';
  };

  return {
    list,
    add,
    async find(report) {
      const certificates = await list();
      const product: AmdProduct | undefined = report.product;
      if (product !== undefined && report.signingKey === 'VCEK' && !report.chipMasked) {
        return byChip.get(chipKey(product, hardwareIdOf(report, product), reportedTcbOf(report, product)));
      }
      return certificates.find(
        (one) =>
          one.kind === report.signingKey &&
          (product === undefined || one.product === product) &&
          sameTcb(one.tcb, reportedTcbOf(report, one.product)) &&
          (one.kind === 'VLEK' || report.chipMasked || one.chipId === hardwareIdOf(report, one.product)),
      );
    },
    async importFrom(path, { signal, report } = {}) {
      const info = await stat(path).catch(() => undefined);
      if (info === undefined) throw new DeskError('not_found', `${path} is not there.`);
      const files = info.isDirectory() ? await filesBelow(path) : [path];
      const results: ImportedFile[] = [];
      for (const [index, file] of files.entries()) {
        if (signal?.aborted) throw new DeskError('cancelled', 'The import was cancelled.');
        report?.({ step: 'import', done: index, total: files.length, unit: 'files' });
        const { size } = await stat(file);
        if (size > longestFile)
          results.push({ file, state: 'refused', message: `${file} is too large for a certificate.` });
        else results.push(...(await importFile(file)));
      }
      return results;
    },
    async exportTo(target, { signal } = {}) {
      const certificates = (await list()).filter(({ kind }) => kind === 'VCEK');
      const chips = new Map<string, ChipCertificate>();
      for (const certificate of certificates) {
        if (signal?.aborted) throw new DeskError('cancelled', 'The export was cancelled.');
        const chip = certificate.chipId ?? '';
        const place = join(target, 'vcek', chip);
        await mkdir(place, { recursive: true });
        await writeFileAtomic(join(place, `${tcbName(certificate.tcb)}_vcek.der`), certificate.der);
        const best = chips.get(chip);
        if (best === undefined || tcbName(best.tcb) < tcbName(certificate.tcb)) chips.set(chip, certificate);
      }
      for (const [chip, { der }] of chips) await writeFileAtomic(join(target, 'vcek', chip, 'vcek.der'), der);
      return { folder: join(target, 'vcek'), chips: chips.size, certificates: certificates.length };
    },
  };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name));
  if (files.length > mostFiles)
    throw new DeskError('too_large', `${folder} holds more than ${mostFiles} files.`);
  return files.sort();
}
