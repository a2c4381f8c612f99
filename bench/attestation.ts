/** Evidence: the genuine report verified, and the verdicts of 500 sites made anew from what is stored. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readReportFile } from '../src-main/domain/attestation/index.ts';
import {
  createAnchors,
  judgeEvidence,
  openVcekStore,
  readChipCertificate,
} from '../src-main/services/attestation/index.ts';
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
  return [
    { what: 'verify a genuine SNP report', ours: verifying, unit: 'ms', maxOurs: 2 },
    { what: 'verdicts of 500 sites from stored evidence', ours: refreshing, unit: 'ms', maxOurs: 200 },
  ];
}
