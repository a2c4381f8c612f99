import { describe, expect, it } from 'vitest';
import {
  denyAllPolicy,
  generatePolicy,
  type KnownCvm,
  lintPolicy,
  measurementHex,
  measurementText,
  simulatePolicy,
  trusteeProfile,
  trusteeReleases,
} from '../../../../src-main/domain/kbs/index.ts';

const cvm = (participant: string, byte: string): KnownCvm => ({
  participant,
  vmId: `cvm_${byte}`,
  measurement: byte.repeat(48),
});
const fleet = [cvm('server1', '1a'), cvm('site-1', '2b'), cvm('site-2', '3c')];
const codes = (text: string, release: (typeof trusteeReleases)[number], cvms = fleet): string[] =>
  lintPolicy(text, trusteeProfile(release), cvms).map((finding) => finding.code);
const body = (measurement: string, more = ''): string =>
  `\tinput["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["snp"]["measurement"] == "${measurement}"\n${more}`;

describe.each(trusteeReleases)('a policy generated for %s', (release) => {
  const profile = trusteeProfile(release);
  const text = generatePolicy(fleet, profile);

  it('has nothing to be told', () => {
    expect(lintPolicy(text, profile, fleet)).toEqual([]);
  });

  it('does not hang on the order of the inventory', () => {
    expect(generatePolicy([...fleet].reverse(), profile)).toBe(text);
  });

  it('names exactly who loses and gains when a CVM is replaced', () => {
    const next = [fleet[0], fleet[2], cvm('site-1', '4d')].filter((one) => one !== undefined);
    const rows = simulatePolicy(
      text,
      generatePolicy(next, profile),
      [...fleet, cvm('site-1', '4d')],
      profile,
    );
    expect(rows.map((row) => [row.vmId, row.change])).toEqual([
      ['cvm_1a', 'same'],
      ['cvm_2b', 'loses'],
      ['cvm_3c', 'same'],
      ['cvm_4d', 'gains'],
    ]);
  });

  it('is emptied by the emergency text', () => {
    const rows = simulatePolicy(text, denyAllPolicy, fleet, profile);
    expect(new Set(rows.map((row) => row.change))).toEqual(new Set(['loses']));
  });
});

describe('findings', () => {
  const measured = measurementText('1a'.repeat(48), trusteeProfile('v0.14'));

  it('tells that the published rule shape gives a debuggable guest its key, and each CVM every key', () => {
    const vendor = `package policy\n\nimport rego.v1\n\ndefault allow = false\n\n${fleet
      .map((one) => `allow if {\n${body(measurementText(one.measurement ?? '', trusteeProfile('v0.14')))}}\n`)
      .join('\n')}`;
    expect(codes(vendor, 'v0.14')).toEqual(['kbs_policy_debug', 'kbs_policy_other_key']);
  });

  it('tells that if without its import lets everybody in before v0.17, and not after', () => {
    const text = `package policy\n\ndefault allow = false\n\nallow if {\n${body(measured)}}\n`;
    expect(codes(text, 'v0.14')).toContain('kbs_policy_if_without_import');
    expect(codes(text, 'v0.14')).toContain('kbs_policy_any_measurement');
    expect(codes(text, 'v0.17')).not.toContain('kbs_policy_if_without_import');
  });

  it.each([
    ['kbs_policy_package', 'default allow = false\n', 'v0.14'],
    ['kbs_policy_package', 'package kbs\n\ndefault allow = false\n', 'v0.14'],
    ['kbs_policy_default', 'package policy\n', 'v0.14'],
    ['kbs_policy_default', 'package policy\n\ndefault allow := true\n', 'v0.14'],
    ['kbs_policy_any_measurement', 'package policy\n\ndefault allow := true\n', 'v0.14'],
    [
      'kbs_policy_old_syntax',
      `package policy\n\ndefault allow = false\n\nallow {\n${body(measured)}}\n`,
      'v0.17',
    ],
    [
      'kbs_policy_unused_rule',
      'package policy\nimport rego.v1\ndefault allow = false\nalow if { true }\n',
      'v0.14',
    ],
    [
      'kbs_policy_cpu_name',
      'package policy\ndefault allow = false\nallow { input.submods["cpu"].x == "1" }\n',
      'v0.14',
    ],
    [
      'kbs_policy_measurement_form',
      `package policy\ndefault allow = false\n# "\nallow {\n${body('1a'.repeat(48))}}\n`,
      'v0.14',
    ],
    [
      'kbs_policy_measurement_form',
      `package policy\ndefault allow = false\nallow if {\n${body(measured)}}\n`,
      'v0.18',
    ],
    [
      'kbs_policy_measurement_form',
      `package policy\ndefault allow = false\nallow if {\n${body('1A'.repeat(48))}}\n`,
      'v0.18',
    ],
    [
      'kbs_policy_unknown_measurement',
      `package policy\ndefault allow = false\nallow {\n${body('A'.repeat(64))}}\n`,
      'v0.14',
    ],
    [
      'kbs_policy_duplicate',
      `package policy\ndefault allow = false\nallow {\n${body(measured)}}\nallow {\n${body(measured)}}\n`,
      'v0.14',
    ],
    ['kbs_policy_locked_out', 'package policy\ndefault allow = false\n', 'v0.14'],
    [
      'kbs_policy_not_understood',
      'package policy\nimport rego.v1\ndefault allow = false\nours(m) if m == "x"\n',
      'v0.14',
    ],
  ] as const)('finds %s', (code, text, release) => {
    expect(codes(text, release)).toContain(code);
  });

  it('names the line', () => {
    const text = `package policy\n\ndefault allow = false\n\nallow {\n${body('A'.repeat(64))}}\n`;
    const found = lintPolicy(text, trusteeProfile('v0.14'), fleet).find(
      (one) => one.code === 'kbs_policy_unknown_measurement',
    );
    expect(found?.line).toBe(6);
  });
});

it('says that nothing can be said of an image without a measurement', () => {
  const rows = simulatePolicy(
    denyAllPolicy,
    denyAllPolicy,
    [{ participant: 'a', vmId: 'b' }],
    trusteeProfile('v0.14'),
  );
  expect(rows[0]?.change).toBe('unknown');
});

it('reads a measurement back from both forms', () => {
  const hex =
    '6d287813eb5222d770f75005c664e34c204f385ce832cc2ce7d0d6f354454362f390ef83a92046c042e706363b4b08fa';
  const base64 = 'bSh4E+tSItdw91AFxmTjTCBPOFzoMsws59DW81RFQ2LzkO+DqSBGwELnBjY7Swj6';
  expect(measurementText(hex, { measurementForm: 'base64' })).toBe(base64);
  expect(measurementHex(base64)).toBe(hex);
  expect(measurementHex(hex.toUpperCase())).toBe(hex);
  expect(measurementHex('x')).toBeUndefined();
});
