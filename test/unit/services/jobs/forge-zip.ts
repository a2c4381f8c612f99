import { crc32, deflateRawSync } from 'node:zlib';

/** One entry of an archive that no honest tool would write. */
export interface ForgedEntry {
  name: string | Buffer;
  data?: Uint8Array;
  /** Unix mode with the file type, e.g. 0o120777 for a link; 0 = none given. */
  mode?: number;
  store?: boolean;
  /** Lies: what the directory declares instead of the truth. */
  declaredSize?: number;
  declaredCrc?: number;
  method?: number;
  flags?: number;
  /** Points at the bytes of an earlier entry. */
  sharesBytesOf?: number;
}

/** Writes a ZIP byte by byte, lies included. */
export function forgeZip(entries: ForgedEntry[]): Buffer {
  const parts: Buffer[] = [];
  const headers: Buffer[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name as string);
    const data = entry.data ?? Buffer.alloc(0);
    const packed = entry.store ? Buffer.from(data) : deflateRawSync(data);
    const offset = entry.sharesBytesOf === undefined ? at : (offsets[entry.sharesBytesOf] ?? 0);
    offsets.push(offset);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(entry.flags ?? 0x800, 2);
    common.writeUInt16LE(entry.method ?? (entry.store ? 0 : 8), 4);
    common.writeUInt32LE(entry.declaredCrc ?? crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(entry.declaredSize ?? data.length, 18);
    common.writeUInt16LE(name.length, 22);
    if (entry.sharesBytesOf === undefined) {
      const local = Buffer.concat([Buffer.from('504b0304', 'hex'), common, name, packed]);
      parts.push(local);
      at += local.length;
    }
    const central = Buffer.alloc(46);
    central.write('504b0102', 0, 'hex');
    central.writeUInt16LE((3 << 8) | 20, 4);
    common.copy(central, 6);
    central.writeUInt32LE(((entry.mode ?? 0) << 16) >>> 0, 38);
    central.writeUInt32LE(offset, 42);
    headers.push(Buffer.concat([central, name]));
  }
  const directory = Buffer.concat(headers);
  const end = Buffer.alloc(22);
  end.write('504b0506', 0, 'hex');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end]);
}
