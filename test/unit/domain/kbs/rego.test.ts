import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PolicyRequest, evaluatePolicy } from '../../../../src-main/domain/kbs/rego-evaluate.ts';
import { readPolicy } from '../../../../src-main/domain/kbs/rego-syntax.ts';
import recorded from '../../../fixtures/vectors/kbs/regorus.json' with { type: 'json' };

const requests = recorded.requests as unknown as Record<string, PolicyRequest>;
const engines = [
  { name: 'regorus 0.2.8, Trustee v0.14 to v0.16', at: 0, regoV1: false },
  { name: 'regorus 0.5, Trustee v0.17 and later', at: 1, regoV1: true },
];
/** Policies beyond the narrow subset: the answer is unknown wherever it is not certain. */
const beyond = ['function', 'partial-set', 'some-in', 'else'];

describe.each(engines)('$name', ({ at, regoV1 }) => {
  it.each(Object.entries(recorded.policies))('answers %s as the engine did', (name, { text, answers }) => {
    const policy = readPolicy(text);
    const ours = Object.fromEntries(
      Object.keys(answers).map((request) => {
        const asked = requests[request];
        if (!asked) throw new Error(`no request ${request}`);
        return [request, evaluatePolicy(policy, asked, regoV1).answer];
      }),
    );
    const theirs = Object.fromEntries(Object.entries(answers).map(([request, both]) => [request, both[at]]));
    if (beyond.includes(name)) expect(Object.values(ours)).toContain('unknown');
    else expect(ours).toEqual(theirs);
  });
});

it('never claims an answer that the engine did not give', () => {
  for (const { at, regoV1 } of engines) {
    for (const { text, answers } of Object.values(recorded.policies)) {
      for (const [request, both] of Object.entries(answers)) {
        const asked = requests[request];
        if (!asked) throw new Error(`no request ${request}`);
        const { answer } = evaluatePolicy(readPolicy(text), asked, regoV1);
        expect([both[at], 'unknown']).toContain(answer);
      }
    }
  }
});

it('reads any text without an exception', () => {
  const texts = Object.values(recorded.policies).map(({ text }) => text);
  const cut = fc
    .tuple(fc.constantFrom(...texts), fc.nat(400), fc.nat(400), fc.string())
    .map(([text, from, count, put]) => text.slice(0, from) + put + text.slice(from + count));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), cut), (text) => {
      const policy = readPolicy(text);
      for (const request of Object.values(requests)) evaluatePolicy(policy, request, true);
    }),
    { numRuns: 300 },
  );
});
