/** Evidence: the genuine report verified, and the verdicts of 500 sites made anew from what is stored. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readReportFile } from '../src-main/domain/attestation/index.ts';
import {
  createAnchors,
  judgeEvidence,
  judgeStored,
  openVcekStore,
  readChipCertificate,
} from '../src-main/services/attestation/index.ts';
import { openStore } from '../src-main/services/store/index.ts';
import { testChain, testChip } from '../test/lab/attestation/snp-chain.ts';
import { signedReport } from '../test/lab/attestation/snp-report.ts';
import { median } from './measure.ts';
import type { Row } from './table.ts';

const vectors = join(import.meta.dirname, '../test/fixtures/vectors/snp');
const now = Date.parse('2026-06-01T00:00:00Z');

async function timed(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return median(times);
}

/**
 * 500 sites on 500 chips, kept by a program that ended: reports read from its timeline, certificates from its folder, every chain and
 * signature verified, nothing in memory.
 */
async function firstPass(folder: string): Promise<number> {
  const chain = testChain();
  const root = { product: 'Milan', ark: chain.ark, ask: chain.ask } as const;
  const clock = { now: () => now };
  const vceks = join(folder, 'vcek');
  const before = openStore(folder);
  const filled = openVcekStore(vceks, createAnchors(root), clock);
  for (let site = 0; site < 500; site += 1) {
    const chip = testChip(chain, { chipId: site.toString(16).padStart(4, '0').repeat(32) });
    await filled.add(chip.vcek, 'test chip');
    await before.attestation.add({
      project: 'study',
      site: `site-${site}`,
      at: now,
      class: 'H',
      kind: 'evidence',
      source: 'bench',
      actor: 'bench',
      message: '',
      evidence: signedReport(chip),
    });
  }
  before.close();
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const store = openStore(folder);
    const began = performance.now();
    const anchors = createAnchors(root);
    const parts = {
      anchors,
      store: openVcekStore(vceks, anchors, clock),
      now,
      memory: new Map<string, boolean>(),
    };
    const latest = await store.attestation.latestEvidence('study');
    const verdicts = await judgeStored(
      latest.map(({ evidence = new Uint8Array() }) => ({ bytes: evidence, expected: {}, seen: {} })),
      parts,
    );
    times.push(performance.now() - began);
    store.close();
    if (verdicts.length !== 500 || verdicts.some(({ outcome }) => outcome !== 'genuine'))
      throw new Error('A verdict is wrong.');
  }
  return median(times);
}

export async function benchAttestation(folder: string): Promise<Row[]> {
  const amd = createAnchors();
  const certificate = readChipCertificate(await readFile(join(vectors, 'vcek_milan.der')), 'vcek_milan.der');
  const evidence = readReportFile(await readFile(join(vectors, 'report_milan.hex')));
  const store = openVcekStore(join(folder, 'no-vcek'), amd, { now: () => now });
  const once = async (): Promise<void> => {
    const { verdict } = await judgeEvidence(evidence, {}, {}, { anchors: amd, store, now, certificate });
    if (verdict.outcome !== 'genuine') throw new Error(verdict.message);
  };
  const verifying = await timed(300, once);

  const chain = testChain();
  const chip = testChip(chain);
  const anchors = createAnchors({ product: 'Milan', ark: chain.ark, ask: chain.ask });
  const own = openVcekStore(join(folder, 'test-vcek'), anchors, { now: () => now });
  await own.add(chip.vcek, 'test chip');
  const reports = Array.from({ length: 500 }, () => ({ kind: 'snp' as const, bytes: signedReport(chip) }));
  const memory = new Map<string, boolean>();
  const refresh = async (): Promise<void> => {
    for (const report of reports) {
      const { verdict } = await judgeEvidence(report, {}, {}, { anchors, store: own, now, memory });
      if (verdict.outcome !== 'genuine') throw new Error(verdict.message);
    }
  };
  await refresh();
  const refreshing = await timed(5, refresh);
  const first = await firstPass(join(folder, 'restart'));
  return [
    { what: 'verify a genuine SNP report', ours: verifying, unit: 'ms', maxOurs: 2 },
    { what: 'verdicts of 500 sites from stored evidence', ours: refreshing, unit: 'ms', maxOurs: 200 },
    { what: 'the same, the first time after a restart', ours: first, unit: 'ms' },
  ];
}
