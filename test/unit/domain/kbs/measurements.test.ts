import { describe, expect, it } from 'vitest';
import {
  allowedMeasurements,
  compareMeasurements,
  generatePolicy,
  type KnownCvm,
  trusteeProfile,
  trusteeReleases,
} from '../../../../src-main/domain/kbs/index.ts';

const cvm = (participant: string, byte: string): KnownCvm => ({
  participant,
  vmId: `vm-${participant}`,
  measurement: byte.repeat(48),
});
const fleet = [cvm('server1', '1a'), cvm('site-1', '2b')];

describe.each(trusteeReleases)('measurements of a policy and of images, Trustee %s', (release) => {
  const profile = trusteeProfile(release);

  it('fit where the rules were written from the images', () => {
    const { images, stale } = compareMeasurements(generatePolicy(fleet, profile), profile, fleet);
    expect(images.map(({ answer, lines }) => [answer, lines.length])).toEqual([
      ['allow', 1],
      ['allow', 1],
    ]);
    expect(stale).toEqual([]);
  });

  it('name the rebuilt image that gets no key, and the old one that still does', () => {
    const rebuilt = [cvm('server1', '1a'), cvm('site-1', '3c'), { participant: 'site-2', vmId: 'vm-site-2' }];
    const { images, stale } = compareMeasurements(generatePolicy(fleet, profile), profile, rebuilt);
    expect(images.map(({ participant, answer }) => [participant, answer])).toEqual([
      ['server1', 'allow'],
      ['site-1', 'deny'],
      ['site-2', 'unknown'],
    ]);
    expect(stale).toMatchObject([{ measurement: '2b'.repeat(48), opens: ['site-1'] }]);
    expect(stale[0]?.lines).toHaveLength(1);
  });

  it('count a measurement of another form as no rule, and say where it stands', () => {
    const other = trusteeProfile(profile.measurementForm === 'hex' ? 'v0.17' : 'v0.21');
    const text = generatePolicy(fleet, { ...profile, measurementForm: other.measurementForm });
    const { images, stale } = compareMeasurements(text, profile, fleet);
    expect(images.map(({ answer, lines }) => [answer, lines.length])).toEqual([
      ['deny', 1],
      ['deny', 1],
    ]);
    expect(stale).toEqual([]);
  });

  it('leave out what is commented, and do not guess at a text that is not understood', () => {
    const text = generatePolicy(fleet, profile).replace(/^(.*"measurement".*)$/gm, '# $1');
    expect(compareMeasurements(text, profile, fleet).stale).toEqual([]);
    const odd = 'package policy\n\ndefault allow = false\n\nallow if some_function(input)\n';
    const literal = `# or "${'ab'.repeat(48)}"\nallow if { every x in ["${'cd'.repeat(48)}"] { x } }\n`;
    const { images, stale } = compareMeasurements(`${odd}${literal}`, profile, fleet);
    // Before Rego v1 `if` is no word of the language.
    expect(images[0]?.answer).toBe(profile.regoV1 ? 'unknown' : 'error');
    expect(stale.map(({ measurement }) => measurement)).toEqual(['cd'.repeat(48)]);
    expect(stale[0]?.opens).toEqual(profile.regoV1 ? undefined : []);
  });

  it('list what gets each key, and nothing where the text does not look at measurements', () => {
    const written = generatePolicy(fleet, profile);
    expect(Object.fromEntries(allowedMeasurements(written, profile, fleet))).toEqual({
      server1: ['1a'.repeat(48)],
      'site-1': ['2b'.repeat(48)],
    });
    const rebuilt = [cvm('site-1', '3c')];
    expect(allowedMeasurements(written, profile, rebuilt).get('site-1')).toEqual(['2b'.repeat(48)]);
    const anybody = 'package policy\n\ndefault allow = true\n';
    expect(allowedMeasurements(anybody, profile, fleet).size).toBe(0);
    const denied = 'package policy\n\ndefault allow = false\n';
    expect(allowedMeasurements(denied, profile, fleet).get('server1')).toEqual([]);
  });
});
