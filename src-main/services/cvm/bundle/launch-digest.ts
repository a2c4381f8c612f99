/** The launch measurement of an SEV-SNP guest under QEMU (docs/reference/confidential-computing.md §7). */
import { createHash } from 'node:crypto';
import { DeskError } from '../../../contract/errors.ts';
import { guidBytes, pageSize, readOvmf, type OvmfMetadata } from './ovmf.ts';
import { vmsaPage } from './vmsa.ts';

export interface LaunchInput {
  /** The bytes of `OVMF.amdsev.fd`. */
  firmware: Buffer;
  /** What is measured of the kernel; missing when the firmware boots from a disk. */
  kernel?: {
    /** SHA-256 of `vmlinuz`. */
    kernel: Buffer;
    /** SHA-256 of `initrd.img`; missing = no initrd. */
    initrd?: Buffer;
    /** Kernel command line, without the NUL. */
    append: string;
  };
  /** Number of vCPUs. */
  cores: number;
  /** CPUID signature: `cpuSignature('EPYC-v4')`. */
  cpuSignature: number;
  /** SEV features: 0x1, with debug swap 0x21. */
  features: number;
}

const pageType = { normal: 1, vmsa: 2, zero: 3, secrets: 5, cpuid: 6 } as const;
const vmsaAddress = 0xfffffffff000n;
const bootAddress = 0xfffffff0;
const zeros = Buffer.alloc(48);
const maxCores = 4096;

const sha384 = (bytes: Buffer): Buffer => createHash('sha384').update(bytes).digest();

/** The digest as it grows page by page (step 1). */
class Digest {
  /** LD, contents, then the fields of the record. */
  readonly #record = Buffer.alloc(0x70);

  constructor(start: Buffer = zeros) {
    start.copy(this.#record, 0);
    this.#record.writeUInt16LE(0x70, 96);
  }

  add(type: number, contents: Buffer, address: bigint): void {
    contents.copy(this.#record, 48);
    this.#record.writeUInt8(type, 98);
    this.#record.writeBigUInt64LE(address, 104);
    sha384(this.#record).copy(this.#record, 0);
  }

  value(): Buffer {
    return Buffer.from(this.#record.subarray(0, 48));
  }
}

/** The digest of the firmware alone: the part that all guests with this firmware share. 48 bytes. */
export function firmwareDigest(firmware: Buffer): Buffer {
  const digest = new Digest();
  let address = 0x1_0000_0000n - BigInt(firmware.length);
  for (let offset = 0; offset < firmware.length; offset += pageSize) {
    digest.add(pageType.normal, sha384(firmware.subarray(offset, offset + pageSize)), address);
    address += BigInt(pageSize);
  }
  return digest.value();
}

/** The page with the hashes of command line, initrd and kernel (step 4). */
function kernelHashPage(kernel: NonNullable<LaunchInput['kernel']>, hashTable: number): Buffer {
  const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
  const entry = (guid: string, hash: Buffer): Buffer =>
    Buffer.concat([guidBytes(guid), Buffer.from([50, 0]), hash]);
  const table = Buffer.concat([
    guidBytes('9438d606-4f22-4cc9-b479-a793d411fd21'),
    Buffer.from([168, 0]),
    entry('97d02dd8-bd20-4c94-aa78-e7714d36ab2a', sha256(Buffer.from(`${kernel.append}\0`, 'utf8'))),
    entry('44baf731-3a2f-4bd7-9af1-41e29169781d', kernel.initrd ?? sha256(Buffer.alloc(0))),
    entry('4de79437-abd2-427f-b835-d5b172d2045b', kernel.kernel),
  ]);
  const offset = hashTable % pageSize;
  if (offset + table.length > pageSize) {
    throw new DeskError('invalid_input', 'OVMF.amdsev.fd places its kernel hash table across two pages.');
  }
  const page = Buffer.alloc(pageSize);
  table.copy(page, offset);
  return page;
}

function addSections(digest: Digest, metadata: OvmfMetadata, kernel: LaunchInput['kernel']): void {
  for (const { type, address, size } of metadata.sections) {
    if (type === 0x10 && kernel) {
      digest.add(pageType.normal, sha384(kernelHashPage(kernel, metadata.hashTable)), BigInt(address));
      continue;
    }
    if (type === 2) digest.add(pageType.secrets, zeros, BigInt(address));
    else if (type === 3) digest.add(pageType.cpuid, zeros, BigInt(address));
    else {
      for (let offset = 0; offset < size; offset += pageSize) {
        digest.add(pageType.zero, zeros, BigInt(address + offset));
      }
    }
  }
}

/**
 * Computes the measurement that the hardware will report for a guest started with this input.
 *
 * @returns 96 hex digits
 * @throws DeskError `invalid_input` for firmware without SEV metadata, or without room for kernel hashes when a kernel
 *   is given
 */
export function launchDigest(input: LaunchInput): string {
  const { firmware, kernel, cores, cpuSignature, features } = input;
  const metadata = readOvmf(firmware);
  if (kernel && !metadata.kernelHashes) {
    throw new DeskError(
      'invalid_input',
      'OVMF.amdsev.fd cannot check a kernel: it has no kernel hash table.',
      {
        hint: 'Use the OVMF.amdsev.fd of the builder, not OVMF for guests that boot from a disk.',
      },
    );
  }
  if (!Number.isInteger(cores) || cores < 1 || cores > maxCores) {
    throw new DeskError('invalid_input', `A guest has 1 to ${maxCores} vCPUs, not ${cores}.`);
  }
  const digest = new Digest(firmwareDigest(firmware));
  addSections(digest, metadata, kernel);
  digest.add(pageType.vmsa, sha384(vmsaPage(bootAddress, cpuSignature, features)), vmsaAddress);
  if (cores > 1) {
    const other = sha384(vmsaPage(metadata.resetAddress, cpuSignature, features));
    for (let core = 1; core < cores; core += 1) digest.add(pageType.vmsa, other, vmsaAddress);
  }
  return digest.value().toString('hex');
}
