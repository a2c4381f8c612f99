/** A certificate of a chip's signing key: VCEK, or VLEK of a cloud provider (docs/reference/confidential-computing.md §1.7). */
import { X509Certificate } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import { type AmdProduct, amdProducts, hexOf, type Tcb } from '../../domain/attestation/index.ts';
import { readElements, readExtensions, readInteger } from './der-reader.ts';

export interface ChipCertificate {
  der: Buffer;
  x509: X509Certificate;
  kind: 'VCEK' | 'VLEK';
  product: AmdProduct;
  /** Hex: 64 bytes, on Turin 8. A VLEK has none. */
  chipId?: string;
  tcb: Tcb;
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  /** SHA-256 of the DER, hex. */
  fingerprint: string;
}

const amd = '1.3.6.1.4.1.3704.1';

/**
 * Reads a certificate in DER or PEM. Says nothing about who signed it: the store and the verifier do.
 * @param where names the file or address in the error
 * @throws DeskError `invalid_input`
 */
export function readChipCertificate(content: Uint8Array, where: string): ChipCertificate {
  const refuse = (reason: string): DeskError =>
    new DeskError('invalid_input', `${where} is not a chip certificate: ${reason}.`, {
      hint: 'A VCEK comes from AMD’s key service, or from the host: snphost fetch vcek der FOLDER.',
    });
  let x509: X509Certificate;
  let extensions: Map<string, Uint8Array>;
  try {
    x509 = new X509Certificate(content);
    extensions = readExtensions(x509.raw);
  } catch {
    throw refuse('it is no X.509 certificate');
  }
  const level = (id: string): number | undefined => {
    const value = extensions.get(`${amd}.${id}`);
    return value === undefined ? undefined : readInteger(value);
  };
  const common = /^CN=(.*)$/m.exec(x509.subject)?.[1] ?? '';
  const kind = common === 'SEV-VCEK' ? 'VCEK' : common === 'SEV-VLEK' ? 'VLEK' : undefined;
  if (kind === undefined) throw refuse(`its subject is "${common}", not SEV-VCEK or SEV-VLEK`);
  const issuer = /^CN=SEV-(?:VLEK-)?(.*)$/m.exec(x509.issuer)?.[1];
  const product = amdProducts.find((name) => name === issuer);
  if (product === undefined)
    throw refuse(`its issuer is of a product this program does not know (${issuer ?? 'none'})`);
  const [bootLoader, tee, snp, microcode, fmc] = ['3.1', '3.2', '3.3', '3.8', '3.9'].map(level);
  if (bootLoader === undefined || tee === undefined || snp === undefined || microcode === undefined) {
    throw refuse('it does not say for which firmware level it is');
  }
  const chip = extensions.get(`${amd}.4`);
  if (kind === 'VCEK' && chip === undefined) throw refuse('it does not say for which chip it is');
  const { der } = { der: Buffer.from(x509.raw) };
  return {
    der,
    x509,
    kind,
    product,
    ...(chip === undefined ? {} : { chipId: hexOf(chipBytes(chip, product)) }),
    tcb: { bootLoader, tee, snp, microcode, ...(product === 'Turin' ? { fmc: fmc ?? 0 } : {}) },
    notBefore: Date.parse(x509.validFrom),
    notAfter: Date.parse(x509.validTo),
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/** AMD writes the id bare; some tools wrap it into one more octet string. */
function chipBytes(value: Uint8Array, product: AmdProduct): Uint8Array {
  const size = product === 'Turin' ? 8 : 64;
  if (value.length === size) return value;
  const inner = value[0] === 0x04 ? readElements(value)[0]?.content : undefined;
  return inner ?? value;
}
