import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alarmsOf, emptyFederation, endingLevel } from '../../../../src-main/domain/attestation/index.ts';

const now = Date.parse('2026-06-01T12:00:00Z');
const day = 86_400_000;
const endsIn = (days: number, name = `site-${days}`, kind: 'certificate' | 'vcek' = 'certificate') => ({
  kind,
  name,
  notAfter: now + days * day + 3_600_000,
});
const alarms = (...ends: ReturnType<typeof endsIn>[]) => alarmsOf([], emptyFederation, { ends }, now);

describe('certificates that end', () => {
  it.each([
    [90, undefined],
    [89, 'warn'],
    [30, 'warn'],
    [29, 'warn'],
    [7, 'warn'],
    [6, 'bad'],
    [0, 'bad'],
    [-3, 'bad'],
  ])('%i days: %s', (days, severity) => {
    expect(alarms(endsIn(days))[0]?.severity).toBe(severity);
  });

  it('are told anew at 90, 30 and 7 days and at the end: the key changes', () => {
    const keys = [89, 60, 29, 10, 6, 1, -1].map((days) => alarms(endsIn(days))[0]?.key);
    expect(keys).toEqual([
      'ends certificate within_90_days',
      'ends certificate within_90_days',
      'ends certificate within_30_days',
      'ends certificate within_30_days',
      'ends certificate within_7_days',
      'ends certificate within_7_days',
      'ends certificate ended',
    ]);
  });

  it('that end together are one alarm which names the first; chips are an alarm of their own', () => {
    const kits = Array.from({ length: 500 }, (_, index) => endsIn(20 + (index % 5), `site-${index}`));
    const found = alarms(...kits, endsIn(3, 'Milan c1c1', 'vcek'));
    expect(found.map(({ kind, severity, message }) => [kind, severity, message])).toEqual([
      ['certificate_ends', 'warn', 'site-0 ends in 20 days, 499 more within 30 days.'],
      ['vcek_ends', 'bad', 'Milan c1c1 ends in 3 days.'],
    ]);
  });

  it('are never missed: whatever ends within 90 days is in an alarm', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -400, max: 400 }), { minLength: 1, maxLength: 40 }), (days) => {
        const due = days.filter((one) => endingLevel(endsIn(one).notAfter, now) !== 'later');
        const told = alarms(...days.map((one) => endsIn(one))).reduce(
          (sum, { message }) => sum + 1 + Number(/, (\d+) more/.exec(message)?.[1] ?? 0),
          0,
        );
        expect(told).toBe(due.length);
      }),
    );
  });
});
