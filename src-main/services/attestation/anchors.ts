/** Whose signatures count: AMD's roots, built in and pinned; a test root only when the host of this program says so. */
import { X509Certificate } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import { type AmdProduct, amdProducts } from '../../domain/attestation/index.ts';
import { amdRoots } from './amd-roots.ts';
import type { ChipCertificate } from './chip-certificate.ts';

interface Anchor {
  kind: 'amd' | 'test';
  product: AmdProduct;
  ark: X509Certificate;
  /** Sign VCEKs and VLEKs. */
  intermediates: X509Certificate[];
}

export interface TestRoot {
  product: AmdProduct;
  /** DER or PEM. */
  ark: Uint8Array;
  ask: Uint8Array;
}

export type ChainCheck =
  | { state: 'good'; anchor: 'amd' | 'test' }
  | { state: 'bad'; cause: 'wrong_root' | 'dates'; message: string; hint?: string };

export interface Anchors {
  /** True when a test root counts: everything must be shown as simulated. */
  readonly simulated: boolean;
  /** Whether the certificate chains to a root that counts, and is valid at `now` (milliseconds). Remembered per certificate. */
  check(certificate: ChipCertificate, now: number): ChainCheck;
  /** Takes in an intermediate that signs VLEKs (ASVK); false when no known root signed it. */
  addIntermediate(certificate: X509Certificate): boolean;
  /** Whether it is one of the roots themselves, by its fingerprint. */
  isRoot(certificate: X509Certificate): boolean;
}

/**
 * Makes the anchors: AMD's three roots, checked against their pins and their own signatures each time.
 * @param test a root made by a test; paints everything as simulated
 * @throws DeskError `integrity` when a built-in certificate is not what the pin says
 */
export function createAnchors(test?: TestRoot): Anchors {
  const anchors: Anchor[] = amdProducts.map((product) => {
    const { ark, ask, fingerprint } = amdRoots[product];
    const root = new X509Certificate(Buffer.from(ark, 'base64'));
    const intermediate = new X509Certificate(Buffer.from(ask, 'base64'));
    if (
      root.fingerprint256 !== fingerprint ||
      !root.verify(root.publicKey) ||
      !intermediate.verify(root.publicKey)
    ) {
      throw new DeskError(
        'integrity',
        `The built-in root of AMD for ${product} is not what its fingerprint says.`,
        {
          hint: 'Install the program anew.',
        },
      );
    }
    return { kind: 'amd', product, ark: root, intermediates: [intermediate] };
  });
  if (test !== undefined) {
    anchors.push({
      kind: 'test',
      product: test.product,
      ark: new X509Certificate(test.ark),
      intermediates: [new X509Certificate(test.ask)],
    });
  }
  const issued = new Map<string, 'amd' | 'test' | undefined>();
  const issuerOf = (certificate: ChipCertificate): 'amd' | 'test' | undefined =>
    anchors.find(
      ({ product, intermediates }) =>
        product === certificate.product &&
        intermediates.some(
          (one) => one.subject === certificate.x509.issuer && certificate.x509.verify(one.publicKey),
        ),
    )?.kind;
  return {
    simulated: test !== undefined,
    check(certificate, now) {
      if (!issued.has(certificate.fingerprint)) issued.set(certificate.fingerprint, issuerOf(certificate));
      const anchor = issued.get(certificate.fingerprint);
      if (anchor === undefined) {
        return {
          state: 'bad',
          cause: 'wrong_root',
          message: `The chip certificate was not issued by AMD for ${certificate.product}: its chain ends elsewhere.`,
          hint: 'Fetch the certificate from AMD’s key service.',
        };
      }
      if (now >= certificate.notBefore && now <= certificate.notAfter) return { state: 'good', anchor };
      const date = (at: number): string => new Date(at).toISOString().slice(0, 10);
      return {
        state: 'bad',
        cause: 'dates',
        message: `The chip certificate is valid from ${date(certificate.notBefore)} to ${date(certificate.notAfter)}; the clock of this machine says ${date(now)}.`,
        hint: 'If the clock is right, fetch the certificate anew.',
      };
    },
    isRoot: (certificate) => anchors.some(({ ark }) => ark.fingerprint256 === certificate.fingerprint256),
    addIntermediate(certificate) {
      const anchor = anchors.find(
        ({ ark }) =>
          certificate.issuer === ark.subject && certificate.ca && certificate.verify(ark.publicKey),
      );
      if (anchor === undefined) return false;
      if (!anchor.intermediates.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256)) {
        anchor.intermediates.push(certificate);
        issued.clear();
      }
      return true;
    },
  };
}
