/** The initial register state of a vCPU as QEMU sets it up (docs/reference/confidential-computing.md §7.1 step 5). */
import { pageSize } from './ovmf.ts';

interface Segment {
  selector?: number;
  attributes?: number;
  limit?: number;
  base?: number;
}

function segment(
  page: Buffer,
  offset: number,
  { selector = 0, attributes = 0, limit = 0xffff, base = 0 }: Segment,
) {
  page.writeUInt16LE(selector, offset);
  page.writeUInt16LE(attributes, offset + 2);
  page.writeUInt32LE(limit, offset + 4);
  page.writeBigUInt64LE(BigInt(base), offset + 8);
}

const data: Segment = { attributes: 0x93 };

/**
 * @param address where the vCPU begins to run
 * @param signature CPUID leaf 1, EAX
 * @param features SEV features
 */
export function vmsaPage(address: number, signature: number, features: number): Buffer {
  const page = Buffer.alloc(pageSize);
  segment(page, 0x00, data); // ES
  segment(page, 0x10, { selector: 0xf000, attributes: 0x9b, base: (address & 0xffff0000) >>> 0 }); // CS
  segment(page, 0x20, data); // SS
  segment(page, 0x30, data); // DS
  segment(page, 0x40, data); // FS
  segment(page, 0x50, data); // GS
  segment(page, 0x60, {}); // GDTR
  segment(page, 0x70, { attributes: 0x82 }); // LDTR
  segment(page, 0x80, {}); // IDTR
  segment(page, 0x90, { attributes: 0x8b }); // TR
  const registers: [offset: number, value: bigint][] = [
    [0xd0, 0x1000n], // EFER
    [0x148, 0x40n], // CR4
    [0x158, 0x10n], // CR0
    [0x160, 0x400n], // DR7
    [0x168, 0xffff0ff0n], // DR6
    [0x170, 2n], // RFLAGS
    [0x178, BigInt(address & 0xffff)], // RIP
    [0x268, 0x0007040600070406n], // PAT
    [0x310, BigInt(signature)], // RDX
    [0x3b0, BigInt(features)], // SEV features
    [0x3e8, 1n], // XCR0
  ];
  for (const [offset, value] of registers) page.writeBigUInt64LE(value, offset);
  page.writeUInt32LE(0x1f80, 0x408); // MXCSR
  page.writeUInt16LE(0x37f, 0x410); // FCW
  return page;
}
