/** The SEV metadata of an OVMF firmware image (docs/reference/confidential-computing.md §7.1 step 3). */
import { DeskError } from '../../../contract/errors.ts';

export interface OvmfSection {
  /** Guest physical address. */
  address: number;
  /** Bytes. */
  size: number;
  /** 1 and 4 zeroed, 2 secrets, 3 CPUID, 0x10 kernel hashes. */
  type: number;
}

export interface OvmfMetadata {
  /** In the order of the file, which is the order they are measured in. */
  sections: OvmfSection[];
  /** Guest physical address of the kernel hash table; 0 when the firmware has none. */
  hashTable: number;
  /** Reset address of all vCPUs but the first. */
  resetAddress: number;
  /** Whether a kernel given to QEMU is checked against measured hashes. */
  kernelHashes: boolean;
}

export const pageSize = 4096;
/** The measured pages of a larger image would take longer than anybody waits; real ones have 2 to 16 MiB. */
const maxFirmwareBytes = 64 * 1024 ** 2;
const maxSections = 64;
const footer = '96b582de-1fb2-45f7-baea-a366c55a082d';
const sevMetadata = 'dc886566-984a-4798-a75e-5585a7bf67cc';
const hashTableEntry = '7255371f-3a3b-4b04-927b-1da6efa8d454';
const resetEntry = '00f771de-1a7e-4fcb-890e-68c77e2fb44e';

const damaged = (why: string): DeskError =>
  new DeskError('invalid_input', `OVMF.amdsev.fd is no firmware for SEV-SNP: ${why}.`, {
    hint: 'Use the OVMF.amdsev.fd of the builder. Plain OVMF of a distribution has no SEV metadata.',
  });

/** The 16 bytes of a GUID as firmware stores it: the first three groups little-endian. */
export function guidBytes(text: string): Buffer {
  const [a = '', b = '', c = '', ...rest] = text.split('-');
  const swapped = [a, b, c].map((group) => Buffer.from(group, 'hex').reverse());
  return Buffer.concat([...swapped, Buffer.from(rest.join(''), 'hex')]);
}

/** The footer table: GUID → data. It ends 32 bytes before the end of the file and is read backwards. */
function readTable(firmware: Buffer): Map<string, Buffer> {
  const entryHead = 18;
  const end = firmware.length - 32;
  const start = end - entryHead;
  if (start < 0 || !firmware.subarray(start + 2, end).equals(guidBytes(footer))) {
    throw damaged('its footer table is missing');
  }
  const tableSize = firmware.readUInt16LE(start);
  const table = firmware.subarray(Math.max(0, end - tableSize), start);
  if (tableSize < entryHead || tableSize > end) throw damaged('its footer table is damaged');
  const entries = new Map<string, Buffer>();
  let position = table.length;
  while (position >= entryHead) {
    const size = table.readUInt16LE(position - entryHead);
    if (size < entryHead || size > position) throw damaged('its footer table is damaged');
    const guid = table.subarray(position - 16, position).toString('hex');
    if (!entries.has(guid)) entries.set(guid, table.subarray(position - size, position - entryHead));
    position -= size;
  }
  return entries;
}

function readSections(firmware: Buffer, offsetFromEnd: number): OvmfSection[] {
  const start = firmware.length - offsetFromEnd;
  if (start < 0 || start + 16 > firmware.length) throw damaged('its SEV metadata lies outside of the file');
  if (firmware.toString('latin1', start, start + 4) !== 'ASEV')
    throw damaged('its SEV metadata has no signature');
  const version = firmware.readUInt32LE(start + 8);
  const count = firmware.readUInt32LE(start + 12);
  if (version !== 1) throw damaged(`its SEV metadata has version ${version}, known is 1`);
  if (count > maxSections || start + 16 + count * 12 > firmware.length)
    throw damaged('its SEV metadata is cut short');
  return Array.from({ length: count }, (_, index) => {
    const at = start + 16 + index * 12;
    return {
      address: firmware.readUInt32LE(at),
      size: firmware.readUInt32LE(at + 4),
      type: firmware.readUInt32LE(at + 8),
    };
  });
}

/**
 * Reads what the measurement needs from a firmware image.
 * @throws DeskError `invalid_input` when it has no SEV metadata, or damaged one
 */
export function readOvmf(firmware: Buffer): OvmfMetadata {
  if (firmware.length === 0 || firmware.length % pageSize !== 0 || firmware.length > maxFirmwareBytes) {
    throw damaged(`${firmware.length} bytes are no whole number of pages, or too many`);
  }
  const table = readTable(firmware);
  const uint32 = (guid: string): number | undefined => {
    const data = table.get(guidBytes(guid).toString('hex'));
    return data === undefined || data.length < 4 ? undefined : data.readUInt32LE(0);
  };
  const metadata = uint32(sevMetadata);
  if (metadata === undefined) throw damaged('it has no SEV metadata');
  const resetAddress = uint32(resetEntry);
  if (resetAddress === undefined) throw damaged('it has no reset address for further vCPUs');
  const sections = readSections(firmware, metadata);
  for (const { size, type, address } of sections) {
    if (![1, 2, 3, 4, 0x10].includes(type))
      throw damaged(`its metadata has a section of unknown type ${type}`);
    if (size === 0 || size % pageSize !== 0 || size > maxFirmwareBytes || address % pageSize !== 0) {
      throw damaged('a section of its metadata is no whole number of pages');
    }
  }
  const hashTable = uint32(hashTableEntry) ?? 0;
  return {
    sections,
    hashTable,
    resetAddress,
    kernelHashes: hashTable !== 0 && sections.some(({ type }) => type === 0x10),
  };
}
