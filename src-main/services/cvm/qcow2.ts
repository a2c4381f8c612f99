/** The head of a qcow2 image: read before any tool is let at an image from elsewhere. */

export interface Qcow2Head {
  version: number;
  /** Bytes the VM sees. */
  virtualSize: number;
  /** Reads from another file: tools would open whatever it names. */
  hasBackingFile: boolean;
  hasExternalData: boolean;
  isMarkedDamaged: boolean;
  isEncrypted: boolean;
}

export const qcow2HeadBytes = 112;

/** Undefined when the bytes are no qcow2 image. */
export function readQcow2Head(head: Buffer): Qcow2Head | undefined {
  if (head.length < 72 || head.readUInt32BE(0) !== 0x514649fb) return undefined;
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) return undefined;
  if (version === 3 && head.length < qcow2HeadBytes - 8) return undefined;
  const incompatible = version === 3 ? head.readUInt32BE(76) : 0;
  const size = head.readBigUInt64BE(24);
  if (size > 2n ** 53n) return undefined;
  return {
    version,
    virtualSize: Number(size),
    hasBackingFile: head.readBigUInt64BE(8) !== 0n,
    hasExternalData: (incompatible & 4) !== 0,
    isMarkedDamaged: (incompatible & 2) !== 0,
    isEncrypted: head.readUInt32BE(32) !== 0,
  };
}

/** Why tools must not open the image; undefined when they may. */
export function unsafeImage(head: Qcow2Head | undefined): string | undefined {
  if (!head) return 'it is no qcow2 image';
  if (head.hasBackingFile) return 'it reads from another file (a backing file)';
  if (head.hasExternalData) return 'it keeps its data in another file';
  return undefined;
}
