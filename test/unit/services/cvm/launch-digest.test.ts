import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuSignature } from '../../../../src-main/domain/cc/cpu-signature.ts';
import { firmwareDigest, launchDigest } from '../../../../src-main/services/cvm/bundle/launch-digest.ts';
import { readOvmf } from '../../../../src-main/services/cvm/bundle/ovmf.ts';

const vectors = join(import.meta.dirname, '../../../fixtures/vectors/snp');
const amdSev = readFileSync(join(vectors, 'ovmf_AmdSev_suffix.bin'));
const ovmfX64 = readFileSync(join(vectors, 'ovmf_OvmfX64_suffix.bin'));
const empty = createHash('sha256').digest();

/** docs/reference/confidential-computing.md §7.2: firmware, command line (null = no kernel), vCPU, features, digest. */
const published: [
  firmware: Buffer,
  append: string | null,
  cores: number,
  features: number,
  digest: string,
][] = [
  [
    amdSev,
    '',
    1,
    0x21,
    '329c8ce0972ae52343b64d34a434a86f245dfd74f5ed7aae15d22efc78fb9683632b9b50e4e1d7fa41179ef98a7ef198',
  ],
  [
    amdSev,
    '',
    1,
    0x1,
    'ddc5224521617a536ee7ce9dd6224d1b58a8d4fda1c741f3ac99fc4bfa04ba6e9fc98646d4a07a9079397fa3852819b5',
  ],
  [
    amdSev,
    'console=ttyS0 loglevel=7',
    1,
    0x21,
    '803f691094946e42068aaa3a8f9e26a5c89f36f7b73ecfb28c653360fe4b3aba7e534442e7e1e17895dfe778d0228977',
  ],
  [
    amdSev,
    'console=ttyS0 loglevel=7',
    1,
    0x1,
    '6d287813eb5222d770f75005c664e34c204f385ce832cc2ce7d0d6f354454362f390ef83a92046c042e706363b4b08fa',
  ],
  [
    amdSev,
    null,
    1,
    0x21,
    'e1e1ca029dd7973ab9513295be68198472dcd4fc834bd9af9b63f6e8a1674dbf281a9278a4a2ebe0eed9f22adbcd0e2b',
  ],
  [
    amdSev,
    null,
    1,
    0x1,
    '19358ba9a7615534a9a1e2f0dfc29384dcd4dcb7062ff9c6013b26869a5fc6ecabe033c48dd6f6db5d6d76e7c5df632d',
  ],
  [
    amdSev,
    '',
    4,
    0x21,
    '4953b1fb416fa874980e8442b3706d345926d5f38879134e00813c5d7abcbe78eafe7b422907be0b4698e2414a631942',
  ],
  [
    amdSev,
    '',
    4,
    0x1,
    '5061fffb019493a903613d56d54b94912a1a2f9e4502385f5c194616753720a92441310ba6c4933de877c36e23046ad5',
  ],
  [
    ovmfX64,
    null,
    1,
    0x21,
    '28797ae0afaba4005a81e629acebfb59e6687949d6be44007cd5506823b0dd66f146aaae26ff291eed7b493d8a64c385',
  ],
  [
    ovmfX64,
    null,
    1,
    0x1,
    'da0296de8193586a5512078dcd719eccecbd87e2b825ad4148c44f665dc87df21e5b49e21523a9ad993afdb6a30b4005',
  ],
];

describe('the launch measurement', () => {
  it.each(published.map((row, index) => [index + 1, row] as const))(
    'equals public vector %i',
    (_, [firmware, append, cores, features, digest]) => {
      const kernel = append === null ? undefined : { kernel: empty, initrd: empty, append };
      const answer = launchDigest({
        firmware,
        ...(kernel ? { kernel } : {}),
        cores,
        cpuSignature: cpuSignature('EPYC-v4') ?? 0,
        features,
      });
      expect(answer).toBe(digest);
    },
  );

  it('equals the public base64 form, and a missing initrd is an empty one', () => {
    const digest = launchDigest({
      firmware: amdSev,
      kernel: { kernel: empty, append: 'console=ttyS0 loglevel=7' },
      cores: 1,
      cpuSignature: 0x800f12,
      features: 1,
    });
    expect(Buffer.from(digest, 'hex').toString('base64')).toBe(
      'bSh4E+tSItdw91AFxmTjTCBPOFzoMsws59DW81RFQ2LzkO+DqSBGwELnBjY7Swj6',
    );
  });

  it('equals the public digest of the firmware alone', () => {
    expect(firmwareDigest(amdSev).toString('hex')).toBe(
      '086e2e9149ebf45abdc3445fba5b2da8270bdbb04094d7a2c37faaa4b24af3aa16aff8c374c2a55c467a50da6d466b74',
    );
  });

  it('is refused for a kernel on firmware that cannot check one', () => {
    expect(() =>
      launchDigest({
        firmware: ovmfX64,
        kernel: { kernel: empty, append: '' },
        cores: 1,
        cpuSignature: 0x800f12,
        features: 1,
      }),
    ).toThrow(/no kernel hash table/);
  });

  it.each([0, -1, 1.5, 5000, Number.NaN])('is refused for %s vCPUs', (cores) => {
    expect(() => launchDigest({ firmware: amdSev, cores, cpuSignature: 1, features: 1 })).toThrow(/vCPUs/);
  });

  it('knows the signatures of the CPU models', () => {
    const models = [
      'EPYC',
      'EPYC-v4',
      'EPYC-Rome-v2',
      'EPYC-Milan',
      'EPYC-Milan-v2',
      'EPYC-Genoa',
      'EPYC-Turin',
    ];
    expect(models.map((model) => cpuSignature(model)?.toString(16))).toEqual([
      '800f12',
      '800f12',
      '830f10',
      'a00f11',
      'a00f11',
      'a10f10',
      'b00f00',
    ]);
    expect(['host', 'max', 'EPYC-v', 'EPYC-Milan-vx', 'constructor'].map(cpuSignature)).toEqual(
      Array(5).fill(undefined),
    );
  });
});

describe('firmware', () => {
  it('tells whether it checks kernels', () => {
    expect(readOvmf(amdSev).kernelHashes).toBe(true);
    expect(readOvmf(ovmfX64).kernelHashes).toBe(false);
  });

  it('that is none is refused in words, wherever it is damaged', () => {
    expect(() => readOvmf(Buffer.alloc(4096))).toThrow(/footer table is missing/);
    expect(() => readOvmf(Buffer.alloc(100))).toThrow(/pages/);
    for (let at = 0; at < amdSev.length; at += 1) {
      const copy = Buffer.from(amdSev);
      copy[at] = (copy[at] ?? 0) ^ 0xff;
      try {
        readOvmf(copy);
      } catch (error) {
        expect((error as Error).message).toMatch(/^OVMF\.amdsev\.fd is no firmware for SEV-SNP: /);
      }
    }
  });
});
