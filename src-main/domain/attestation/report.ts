/** The attestation report of an SEV-SNP guest, versions 2 to 5 (docs/reference/confidential-computing.md §1.7). */
import { hexOf, isZero } from './bytes.ts';
import { type AmdProduct, productOf, readTcb, type Tcb } from './tcb.ts';

export const reportLength = 1184;
/** The bytes the signature is over: everything before it. */
export const signedLength = 0x2a0;
const newestReportVersion = 5;

export type SigningKey = 'VCEK' | 'VLEK' | 'none' | 'unknown';

/** What the guest's owner allowed the host at launch. */
export interface GuestPolicy {
  raw: bigint;
  smt: boolean;
  migrationAgent: boolean;
  debug: boolean;
  singleSocket: boolean;
}

export interface SnpReport {
  version: number;
  guestSvn: number;
  policy: GuestPolicy;
  vmpl: number;
  /** 1 = ECDSA P-384 with SHA-384. */
  signatureAlgorithm: number;
  platformInfo: bigint;
  signingKey: SigningKey;
  /** Lower-case hex. */
  reportData: string;
  measurement: string;
  hostData: string;
  idKeyDigest: string;
  authorKeyDigest: string;
  reportId: string;
  chipId: string;
  chipMasked: boolean;
  /** From version 3 on. */
  cpu?: { family: number; model: number; stepping: number };
  /** Known from version 3 on; version 2 does not say it. */
  product?: AmdProduct;
  /** Raw bytes: their order is known with the product only (`tcbOf`). */
  reportedTcb: Uint8Array;
  currentTcb: Uint8Array;
  committedTcb: Uint8Array;
  launchTcb: Uint8Array;
  /** R and S, big-endian, 96 bytes together. */
  signature: Uint8Array;
  bytes: Uint8Array;
}

export type ReportFault = 'cut' | 'padded' | 'not_a_report' | 'unknown_version' | 'form';

export type ParsedReport =
  | { ok: true; report: SnpReport }
  | { ok: false; fault: ReportFault; message: string };

const refused = (fault: ReportFault, message: string): ParsedReport => ({ ok: false, fault, message });

const signingKeys: Record<number, SigningKey> = { 0: 'VCEK', 1: 'VLEK', 7: 'none' };

/** Reads the bytes of a report; says nothing about whether they are genuine. */
export function parseReport(bytes: Uint8Array): ParsedReport {
  const looks = bytes.length >= 4 && versionOf(bytes) >= 1 && versionOf(bytes) <= 16;
  if (bytes.length < reportLength) {
    return looks
      ? refused('cut', `The report is cut short: ${bytes.length} of ${reportLength} bytes.`)
      : refused('not_a_report', `These ${bytes.length} bytes are not an SEV-SNP report.`);
  }
  if (!looks) return refused('not_a_report', `These ${bytes.length} bytes are not an SEV-SNP report.`);
  if (bytes.length > reportLength) {
    return refused('padded', `The report has ${bytes.length - reportLength} bytes too many.`);
  }
  const version = versionOf(bytes);
  if (version < 2 || version > newestReportVersion) {
    return refused(
      'unknown_version',
      `The report is of version ${version}; versions 2 to ${newestReportVersion} are known.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const part = (at: number, size: number): Uint8Array => bytes.subarray(at, at + size);
  // What no signature covers must be empty, or a report could be changed without notice.
  if (![part(0x2d0, 24), part(0x318, 24), part(0x330, reportLength - 0x330)].every(isZero)) {
    return refused('form', 'Bytes of the report that no signature covers are not empty: it was changed.');
  }
  if (view.getUint32(0x034, true) !== 1) {
    return refused('form', 'The report names a signature algorithm other than ECDSA P-384.');
  }
  const policy = view.getBigUint64(0x008, true);
  if (!bit(policy, 17)) return refused('form', 'Bit 17 of the guest policy must be set and is not.');
  const cpu =
    version < 3
      ? undefined
      : { family: bytes[0x188] ?? 0, model: bytes[0x189] ?? 0, stepping: bytes[0x18a] ?? 0 };
  const product = cpu && productOf(cpu.family, cpu.model);
  const signature = new Uint8Array(96);
  signature.set(reversed(part(0x2a0, 48)), 0);
  signature.set(reversed(part(0x2e8, 48)), 48);
  return {
    ok: true,
    report: {
      version,
      guestSvn: view.getUint32(0x004, true),
      policy: {
        raw: policy,
        smt: bit(policy, 16),
        migrationAgent: bit(policy, 18),
        debug: bit(policy, 19),
        singleSocket: bit(policy, 20),
      },
      vmpl: view.getUint32(0x030, true),
      signatureAlgorithm: 1,
      platformInfo: view.getBigUint64(0x040, true),
      signingKey: signingKeys[(view.getUint32(0x048, true) >> 2) & 7] ?? 'unknown',
      reportData: hexOf(part(0x050, 64)),
      measurement: hexOf(part(0x090, 48)),
      hostData: hexOf(part(0x0c0, 32)),
      idKeyDigest: hexOf(part(0x0e0, 48)),
      authorKeyDigest: hexOf(part(0x110, 48)),
      reportId: hexOf(part(0x140, 32)),
      chipId: hexOf(part(0x1a0, 64)),
      chipMasked: isZero(part(0x1a0, 64)),
      ...(cpu === undefined ? {} : { cpu }),
      ...(product === undefined ? {} : { product }),
      reportedTcb: part(0x180, 8),
      currentTcb: part(0x038, 8),
      committedTcb: part(0x1e0, 8),
      launchTcb: part(0x1f0, 8),
      signature,
      bytes,
    },
  };
}

/** A copy: `slice` of a Buffer would share the bytes, and the report be changed by being read. */
const reversed = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes).reverse();

function versionOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
}

const bit = (value: bigint, index: number): boolean => ((value >> BigInt(index)) & 1n) === 1n;

/** The chip as its certificate names it: on Turin only the first eight bytes count. */
export const hardwareIdOf = (report: SnpReport, product: AmdProduct): string =>
  product === 'Turin' ? report.chipId.slice(0, 16) : report.chipId;

export const reportedTcbOf = (report: SnpReport, product: AmdProduct): Tcb =>
  readTcb(report.reportedTcb, product);
