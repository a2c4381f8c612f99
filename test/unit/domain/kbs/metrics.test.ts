import { describe, expect, it } from 'vitest';
import { newReads, readMetrics, releaseFrom } from '../../../../src-main/domain/kbs/index.ts';

const text = (prefix: string, reads: number): string => `# HELP ${prefix}resource_reads_total reads
# TYPE ${prefix}resource_reads_total counter
${prefix}resource_reads_total{resource_path="keys/root/cvm1"} ${reads}
${prefix}resource_writes_total{resource_path="keys/root/\\"odd\\""} 1
kbs_policy_approvals_total 4
kbs_policy_violations_total 2
${prefix}attestation_successes_total{tee_type="Snp"} 3
`;

describe.each([
  ['before v0.15', ''],
  ['from v0.15', 'kbs_'],
])('counters %s', (_, prefix) => {
  it('are read', () => {
    expect(readMetrics(text(prefix, 5))).toMatchObject({
      prefixed: prefix !== '',
      reads: { 'keys/root/cvm1': 5 },
      writes: { 'keys/root/"odd"': 1 },
      policyApprovals: 4,
      policyViolations: 2,
      attestationSuccesses: 3,
    });
  });

  it('grow, and count from zero after a restart', () => {
    const [five, seven, two] = [5, 7, 2].map((count) => readMetrics(text(prefix, count)));
    if (!five || !seven || !two) throw new Error('not read');
    expect(newReads(five, seven)).toEqual({ 'keys/root/cvm1': 2 });
    expect(newReads(seven, two)).toEqual({ 'keys/root/cvm1': 2 });
    expect(newReads(seven, seven)).toEqual({});
  });
});

it('takes no other page for counters', () => {
  expect(readMetrics('<html>')).toBeUndefined();
  expect(readMetrics('go_threads 7\n')).toBeUndefined();
});

it.each([
  [{ buildVersion: '0.18.0' }, 'v0.18', true],
  [{ buildVersion: 'v0.30.1' }, 'v0.21', false],
  [{ healthz: true, prefixedMetrics: true }, 'v0.21', false],
  [{ policyAnswer: 'json-map' as const, prefixedMetrics: true }, 'v0.19', false],
  [{ prefixedMetrics: true }, 'v0.15', false],
  [{ prefixedMetrics: false }, 'v0.14', true],
])('knows the release behind %j', (clues, release, sure) => {
  expect(releaseFrom(clues)).toEqual({ release, sure });
});

it('knows no release when nothing answered', () => {
  expect(releaseFrom({})).toBeUndefined();
});
