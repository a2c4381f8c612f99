import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Expectations,
  parseReport,
  readReportFile,
  reportFields,
  type SeenBefore,
} from '../../../../src-main/domain/attestation/index.ts';
import {
  createAnchors,
  judgeEvidence,
  openVcekStore,
  readChipCertificate,
  verifyReport,
} from '../../../../src-main/services/attestation/index.ts';
import { type TestChain, testChain, testChip } from '../../../lab/attestation/snp-chain.ts';
import { debugPolicy, type ReportContent, signedReport } from '../../../lab/attestation/snp-report.ts';

const vectors = new URL('../../../fixtures/vectors/snp/', import.meta.url);
const vector = (name: string): Promise<Buffer> => readFile(new URL(name, vectors));
const now = Date.parse('2026-06-01T00:00:00Z');
const amd = createAnchors();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attestation-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const genuine = async () => ({
  bytes: Buffer.from((await vector('report_milan.hex')).toString('latin1').trim(), 'hex'),
  certificate: readChipCertificate(await vector('vcek_milan.der'), 'vcek_milan.der'),
});

describe('the genuine report', () => {
  test('verifies to the root of AMD', async () => {
    const { bytes, certificate } = await genuine();
    const before = Buffer.from(bytes);
    const parsed = parseReport(bytes);
    if (!parsed.ok) throw new Error(parsed.message);
    expect(bytes.equals(before)).toBe(true);
    expect(verifyReport(parsed.report, certificate, amd, now)).toEqual({
      state: 'good',
      product: 'Milan',
      key: 'VCEK',
      anchor: 'amd',
      chipCompared: true,
    });
    const fields = reportFields(parsed.report, 'Milan');
    expect(fields.find(({ name }) => name === 'reported TCB')?.meaning).toBe(
      'boot loader 3, tee 0, snp 8, microcode 115',
    );
  });

  test('is refused with any of its 9,472 bits flipped', async () => {
    const { bytes, certificate } = await genuine();
    const parts = { anchors: amd, store: openVcekStore(folder, amd, { now: () => now }), now, certificate };
    const accepted: number[] = [];
    for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const { verdict } = await judgeEvidence({ kind: 'snp', bytes: changed }, {}, {}, parts);
      if (verdict.outcome !== 'refused') accepted.push(bit);
    }
    expect(8 * bytes.length).toBe(9472);
    expect(accepted).toEqual([]);
  }, 60_000);

  test('is read from bytes, hex and base64', async () => {
    const { bytes } = await genuine();
    for (const content of [
      bytes,
      Buffer.from(bytes.toString('hex')),
      Buffer.from(bytes.toString('base64')),
    ]) {
      const evidence = readReportFile(content);
      expect(evidence.kind === 'snp' && Buffer.from(evidence.bytes).equals(bytes)).toBe(true);
    }
  });

  test('the certificate of a Turin chip is read and chained', async () => {
    const certificate = readChipCertificate(await vector('vcek_turin.der'), 'vcek_turin.der');
    expect(certificate).toMatchObject({ product: 'Turin', kind: 'VCEK' });
    expect(certificate.chipId).toHaveLength(16);
    expect(amd.check(certificate, now)).toEqual({ state: 'good', anchor: 'amd' });
    expect(amd.check(certificate, Date.parse('2060-01-01'))).toMatchObject({ state: 'bad', cause: 'dates' });
  });
});

describe('bad evidence gets its own verdict', () => {
  let chain: TestChain;
  const measurement = 'ab'.repeat(48);
  const expected: Expectations = {
    measurement: {
      bundle: 'cvm_1',
      value: { computed: true, plain: measurement, withDebugSwap: 'cd'.repeat(48) },
    },
    chips: ['c1'.repeat(64)],
    minimumTcb: { Milan: { microcode: 115 } },
  };
  beforeAll(() => {
    chain = testChain();
  });

  const judge = async (
    options: {
      content?: ReportContent;
      chip?: Parameters<typeof testChip>[1];
      signer?: Parameters<typeof testChip>[1];
      change?: (bytes: Buffer) => Buffer;
      seen?: SeenBefore;
      foreign?: boolean;
      store?: boolean;
      expected?: Expectations;
    } = {},
  ) => {
    const chip = testChip(chain, options.chip);
    const signer = options.signer === undefined ? chip : testChip(chain, options.signer);
    const anchors =
      options.foreign === true ? amd : createAnchors({ product: 'Milan', ark: chain.ark, ask: chain.ask });
    if (options.foreign !== true) expect(anchors.addIntermediate(new X509Certificate(chain.asvk))).toBe(true);
    const report = signedReport(signer, options.content);
    const { verdict } = await judgeEvidence(
      { kind: 'snp', bytes: options.change?.(report) ?? report },
      options.expected ?? expected,
      options.seen ?? {},
      {
        anchors,
        store: openVcekStore(join(folder, 'empty'), anchors, { now: () => now }),
        now,
        ...(options.store === true ? {} : { certificate: readChipCertificate(chip.vcek, 'test') }),
      },
    );
    return verdict;
  };

  test('a good one is verified and simulated', async () => {
    expect(await judge()).toMatchObject({ outcome: 'verified', simulated: true });
  });

  test.each([
    ['cut', { change: (bytes: Buffer) => bytes.subarray(0, 1100) }],
    ['padded', { change: (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)]) }],
    ['not_a_report', { change: () => Buffer.from('not a report at all') }],
    ['unknown_version', { content: { version: 6 } }],
    ['form', { content: { algorithm: 2 } }],
    ['form', { change: (bytes: Buffer) => (bytes.fill(1, 0x400, 0x401), bytes) }],
    ['signature', { change: (bytes: Buffer) => (bytes.fill(7, 0xc0, 0xc8), bytes) }],
    ['signature', { signer: {} }],
    ['wrong_root', { foreign: true }],
    ['dates', { chip: { notAfter: new Date('2025-01-01') } }],
    ['dates', { chip: { notBefore: new Date('2027-01-01') } }],
    ['other_chip', { content: { chipId: 'c2'.repeat(64) } }],
    ['other_tcb', { signer: { tcb: { bootLoader: 3, tee: 0, snp: 8, microcode: 116 } } }],
    ['debug_on', { content: { policy: debugPolicy } }],
    ['migration_on', { content: { policy: 0x70000n } }],
    ['vmpl', { content: { vmpl: 1 } }],
    ['other_measurement', { content: { measurement: 'ef'.repeat(48) } }],
    ['debug_swap_measurement', { content: { measurement: 'cd'.repeat(48) } }],
    ['not_in_policy', { expected: { ...expected, policyMeasurements: ['00'.repeat(48)] } }],
    ['old_tcb', { expected: { ...expected, minimumTcb: { Milan: { microcode: 200 } } } }],
    ['unknown_chip', { expected: { ...expected, chips: ['ee'.repeat(64)] } }],
    ['replay', { seen: { reportData: { site: 'site-2', at: now } } }],
    [
      'old_tcb',
      {
        seen: {
          last: {
            reportId: '',
            chipId: 'c1'.repeat(64),
            tcb: 'boot loader 4, tee 0, snp 8, microcode 115',
            at: now,
          },
        },
      },
    ],
  ] as const)('%s', async (cause, options) => {
    const verdict = await judge(options);
    expect(verdict).toMatchObject({ outcome: 'refused', cause });
    expect(verdict.message.length).toBeGreaterThan(20);
  });

  test.each([
    ['genuine', 'no_expectation', { expected: {} }],
    [
      'genuine',
      'masked_chip',
      { content: { chipId: '00'.repeat(64) }, expected: { measurement: expected.measurement } },
    ],
    [
      'genuine',
      'vlek_signer',
      { chip: { vlek: true }, content: { signingKey: 1 }, expected: { measurement: expected.measurement } },
    ],
    ['unchecked', 'no_certificate', { store: true }],
    ['unchecked', 'vlek_signer', { store: true, content: { signingKey: 1 } }],
    ['unchecked', 'masked_chip', { store: true, content: { chipId: '00'.repeat(64) }, expected: {} }],
  ] as const)('%s: %s', async (outcome, cause, options) => {
    expect(await judge(options as Parameters<typeof judge>[0])).toMatchObject({ outcome, cause });
  });

  test.each([2, 3, 4, 5])('version %i is read', async (version) => {
    expect(await judge({ content: { version } })).toMatchObject({ outcome: 'verified' });
  });

  test('Turin orders its firmware levels otherwise', () => {
    const turin = testChain('Turin');
    const tcb = { bootLoader: 1, tee: 2, snp: 3, microcode: 72, fmc: 4 };
    const chip = testChip(turin, { tcb, chipId: 'a5'.repeat(8) + '00'.repeat(56) });
    const anchors = createAnchors({ product: 'Turin', ark: turin.ark, ask: turin.ask });
    const parsed = parseReport(signedReport(chip, { product: 'Turin', version: 5 }));
    if (!parsed.ok) throw new Error(parsed.message);
    const certificate = readChipCertificate(chip.vcek, 'test');
    expect(certificate.tcb).toEqual(tcb);
    expect(verifyReport(parsed.report, certificate, anchors, now)).toMatchObject({
      state: 'good',
      chipCompared: true,
    });
  });
});
