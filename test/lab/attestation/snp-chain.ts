/** A chain like AMD's, made at test time: test ARK → test ASK → test VCEK, with AMD's extensions. It proves nothing but form. */
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { bitString, der, integer, octets, oid, sequence, time, utf8 } from './der.ts';
import type { AmdProduct, Tcb } from '../../../src-main/domain/attestation/index.ts';

export interface TestChain {
  product: AmdProduct;
  ark: Buffer;
  ask: Buffer;
  /** Signs VLEKs; the same key as the ASK here. */
  asvk: Buffer;
  askKey: KeyObject;
  arkKey: KeyObject;
}

export interface TestChip {
  chipId: string;
  tcb: Tcb;
  vcek: Buffer;
  key: KeyObject;
  keyPem: string;
}

// RSASSA-PSS with SHA-384, MGF1 of it, salt of 48 bytes: what AMD uses.
const sha384 = sequence(oid('2.16.840.1.101.3.4.2.2'));
const pss = sequence(
  oid('1.2.840.113549.1.1.10'),
  sequence(
    der(0xa0, sha384),
    der(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sha384)),
    der(0xa2, integer(48)),
  ),
);
const name = (common: string): Buffer => sequence(der(0x31, sequence(oid('2.5.4.3'), utf8(common))));
let serial = 1;

interface CertificateOptions {
  subject: string;
  issuer: string;
  publicKey: KeyObject;
  signer: KeyObject;
  extensions?: Buffer[];
  notBefore?: Date;
  notAfter?: Date;
}

function certificate(options: CertificateOptions): Buffer {
  const { subject, issuer, publicKey, signer, extensions = [] } = options;
  const body = sequence(
    der(0xa0, integer(2)),
    integer((serial += 1)),
    pss,
    name(issuer),
    sequence(
      time(options.notBefore ?? new Date('2023-01-01T00:00:00Z')),
      time(options.notAfter ?? new Date('2048-01-01T00:00:00Z')),
    ),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const signature = sign('sha384', body, {
    key: signer,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 48,
  });
  return sequence(body, pss, bitString(signature));
}

const authority = sequence(
  oid('2.5.29.19'),
  der(0x01, Buffer.from([0xff])),
  octets(sequence(der(0x01, Buffer.from([0xff])))),
);

export function testChain(product: AmdProduct = 'Milan'): TestChain {
  const ark = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ask = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const root = `ARK-${product}`;
  return {
    product,
    ark: certificate({
      subject: root,
      issuer: root,
      publicKey: ark.publicKey,
      signer: ark.privateKey,
      extensions: [authority],
    }),
    ask: certificate({
      subject: `SEV-${product}`,
      issuer: root,
      publicKey: ask.publicKey,
      signer: ark.privateKey,
      extensions: [authority],
    }),
    asvk: certificate({
      subject: `SEV-VLEK-${product}`,
      issuer: root,
      publicKey: ask.publicKey,
      signer: ark.privateKey,
      extensions: [authority],
    }),
    askKey: ask.privateKey,
    arkKey: ark.privateKey,
  };
}

/** A chip with its certificate. `hardwareId` false leaves the id out, as in a VLEK. */
export function testChip(
  chain: TestChain,
  options: { chipId?: string; tcb?: Tcb; notAfter?: Date; notBefore?: Date; vlek?: boolean } = {},
): TestChip {
  const {
    chipId = 'c1'.repeat(64),
    tcb = { bootLoader: 3, tee: 0, snp: 8, microcode: 115 },
    vlek = false,
  } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const extension = (id: string, value: Buffer): Buffer =>
    sequence(oid(`1.3.6.1.4.1.3704.1.${id}`), octets(value));
  const id = Buffer.from(chipId, 'hex').subarray(0, chain.product === 'Turin' ? 8 : 64);
  const vcek = certificate({
    subject: vlek ? 'SEV-VLEK' : 'SEV-VCEK',
    issuer: `SEV-${vlek ? 'VLEK-' : ''}${chain.product}`,
    publicKey,
    signer: chain.askKey,
    ...(options.notAfter === undefined ? {} : { notAfter: options.notAfter }),
    ...(options.notBefore === undefined ? {} : { notBefore: options.notBefore }),
    extensions: [
      extension('1', integer(0)),
      extension('2', der(0x16, Buffer.from(`${chain.product}-B0`))),
      extension('3.1', integer(tcb.bootLoader)),
      extension('3.2', integer(tcb.tee)),
      extension('3.3', integer(tcb.snp)),
      extension('3.8', integer(tcb.microcode)),
      ...(tcb.fmc === undefined ? [] : [extension('3.9', integer(tcb.fmc))]),
      ...(vlek ? [] : [extension('4', id)]),
    ],
  });
  return {
    chipId,
    tcb,
    vcek,
    key: privateKey,
    keyPem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

export const pemOf = (certificateDer: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${(
    Buffer.from(certificateDer)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n-----END CERTIFICATE-----\n`;
