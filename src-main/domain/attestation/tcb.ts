/** AMD's products and the firmware levels of a chip (docs/reference/confidential-computing.md §1.7). */

export const amdProducts = ['Milan', 'Genoa', 'Turin'] as const;
export type AmdProduct = (typeof amdProducts)[number];

/** Security levels of the parts of a platform's trusted computing base. */
export interface Tcb {
  bootLoader: number;
  tee: number;
  snp: number;
  microcode: number;
  /** Turin only. */
  fmc?: number;
}

/** The eight bytes of a TCB field; their order is the product's. */
export function readTcb(bytes: Uint8Array, product: AmdProduct): Tcb {
  const at = (index: number): number => bytes[index] ?? 0;
  if (product === 'Turin') {
    return { fmc: at(0), bootLoader: at(1), tee: at(2), snp: at(3), microcode: at(7) };
  }
  return { bootLoader: at(0), tee: at(1), snp: at(6), microcode: at(7) };
}

const tcbParts = ['bootLoader', 'tee', 'snp', 'microcode', 'fmc'] as const;

/** The parts of `tcb` that are below `least`, as text; none means that it is high enough. */
export function lowerParts(tcb: Tcb, least: Partial<Tcb>): string[] {
  return tcbParts.flatMap((part) => {
    const wanted = least[part];
    const has = tcb[part] ?? 0;
    return wanted !== undefined && has < wanted ? [`${part} ${has} < ${wanted}`] : [];
  });
}

export const sameTcb = (one: Tcb, other: Tcb): boolean =>
  tcbParts.every((part) => (one[part] ?? 0) === (other[part] ?? 0));

const two = (value: number): string => String(value).padStart(2, '0');

/** `bl03_tee00_snp08_ucode115`, the prefix Trustee's offline store uses for file names. */
export function tcbName(tcb: Tcb): string {
  const name = `bl${two(tcb.bootLoader)}_tee${two(tcb.tee)}_snp${two(tcb.snp)}_ucode${two(tcb.microcode)}`;
  return tcb.fmc === undefined ? name : `${name}_fmc${two(tcb.fmc)}`;
}

/** For a person. */
export function tcbText(tcb: Tcb): string {
  const text = `boot loader ${tcb.bootLoader}, tee ${tcb.tee}, snp ${tcb.snp}, microcode ${tcb.microcode}`;
  return tcb.fmc === undefined ? text : `${text}, fmc ${tcb.fmc}`;
}

/** The product of a CPU by its family and model, as reports of version 3 and later carry them. */
export function productOf(family: number, model: number): AmdProduct | undefined {
  if (family === 0x19 && model <= 0x0f) return 'Milan';
  if (family === 0x19 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf)))
    return 'Genoa';
  if (family === 0x1a && model <= 0x1f) return 'Turin';
  return undefined;
}
