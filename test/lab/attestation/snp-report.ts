/** Reports of the real form, with chosen content, signed by a test chip. */
import { randomBytes, sign } from 'node:crypto';
import type { AmdProduct } from '../../../src-main/domain/attestation/index.ts';
import type { TestChip } from './snp-chain.ts';

export interface ReportContent {
  version?: number;
  product?: AmdProduct;
  policy?: bigint;
  vmpl?: number;
  /** Hex. */
  measurement?: string;
  reportData?: string;
  reportId?: string;
  chipId?: string;
  signingKey?: number;
  algorithm?: number;
}

export const debugPolicy = 0xb0000n;
const flarePolicy = 0x30000n;
const cpus = { Milan: [0x19, 0x01], Genoa: [0x19, 0x11], Turin: [0x1a, 0x02] } as const;

/** The part that is signed. */
export function reportBody(chip: TestChip, content: ReportContent = {}): Buffer {
  const { version = 3, product = 'Milan', policy = flarePolicy, vmpl = 0, signingKey = 0 } = content;
  const body = Buffer.alloc(0x2a0);
  body.writeUInt32LE(version, 0);
  body.writeBigUInt64LE(policy, 8);
  body.writeUInt32LE(vmpl, 0x30);
  body.writeUInt32LE(content.algorithm ?? 1, 0x34);
  body.writeBigUInt64LE(1n, 0x40);
  body.writeUInt32LE(signingKey << 2, 0x48);
  const put = (at: number, hex: string): void => void Buffer.from(hex, 'hex').copy(body, at);
  put(0x50, content.reportData ?? randomBytes(64).toString('hex'));
  put(0x90, content.measurement ?? 'ab'.repeat(48));
  put(0x140, content.reportId ?? '1d'.repeat(32));
  put(0x1a0, content.chipId ?? chip.chipId);
  if (version >= 3) {
    const [family, model] = cpus[product];
    body[0x188] = family;
    body[0x189] = model;
  }
  const { bootLoader, tee, snp, microcode, fmc = 0 } = chip.tcb;
  const tcb =
    product === 'Turin'
      ? [fmc, bootLoader, tee, snp, 0, 0, 0, microcode]
      : [bootLoader, tee, 0, 0, 0, 0, snp, microcode];
  for (const at of [0x38, 0x180, 0x1e0, 0x1f0]) Buffer.from(tcb).copy(body, at);
  return body;
}

export function signedReport(chip: TestChip, content: ReportContent = {}): Buffer {
  const body = reportBody(chip, content);
  const signature = sign('sha384', body, { key: chip.key, dsaEncoding: 'ieee-p1363' });
  const report = Buffer.alloc(1184);
  body.copy(report);
  Buffer.from(signature.subarray(0, 48)).reverse().copy(report, 0x2a0);
  Buffer.from(signature.subarray(48)).reverse().copy(report, 0x2e8);
  return report;
}
