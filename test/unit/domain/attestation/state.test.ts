import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  badges,
  emptyFederation,
  emptySite,
  type FederationEvent,
  remember,
  rememberFederation,
  type SiteEvent,
  statusOf,
  type Verdict,
  windowsOf,
} from '../../../../src-main/domain/attestation/index.ts';

const timing = { verifyFrequency: 600, sites: 4 };
const windows = windowsOf(timing);
const start = Date.parse('2026-06-01T00:00:00Z');
const verdict = (outcome: Verdict['outcome'], more: Partial<Verdict> = {}): Verdict => ({
  outcome,
  message: outcome,
  simulated: false,
  checks: [],
  reportId: 'one',
  measurement: 'aa',
  ...more,
});
type Loose = Record<string, unknown>;
const event = (at: number, content: Loose): SiteEvent =>
  ({ site: 'site-1', source: 'test', at: start + at, ...content }) as unknown as SiteEvent;
const federationEvent = (at: number, content: Loose): FederationEvent =>
  ({ source: 'test', at: start + at, ...content }) as unknown as FederationEvent;

function at(now: number, events: SiteEvent[], federation: FederationEvent[] = []) {
  return statusOf(
    events.reduce(remember, emptySite('site-1')),
    federation.reduce(rememberFederation, emptyFederation),
    timing,
    start + now,
  );
}

const evidence = (when: number, outcome: Verdict['outcome'] = 'verified', more?: Partial<Verdict>) =>
  event(when, { class: 'H', kind: 'evidence', verdict: verdict(outcome, more) });
const heartbeat = (when: number, last = when) =>
  event(when, { class: 'L', kind: 'connected', lastHeartbeatAt: start + last });

describe('badges', () => {
  const minute = 60_000;
  test.each<[string, number, SiteEvent[], FederationEvent[]?]>([
    ['unknown', 0, []],
    ['not_configured', 0, [event(0, { class: 'P', kind: 'configured', how: 'none' })]],
    ['mock', 1, [event(0, { class: 'P', kind: 'configured', how: 'mock' }), evidence(1)]],
    ['mock', 1, [evidence(1, 'mock')]],
    ['connected', 1000, [heartbeat(0)]],
    ['lost', 70_000, [heartbeat(70_000, 0)]],
    ['lost', 10, [heartbeat(0), event(10, { class: 'L', kind: 'missing' })]],
    ['attested', minute, [evidence(0), heartbeat(minute)]],
    ['attested_ending', 17 * minute, [evidence(0)]],
    ['stale', 21 * minute, [evidence(0)]],
    ['failing', minute, [evidence(0), evidence(minute, 'refused')]],
    ['attested', minute, [evidence(0, 'refused'), evidence(minute)]],
    ['genuine', 1, [evidence(0, 'genuine')]],
    ['unchecked', 1, [evidence(0, 'unchecked')]],
    ['simulated_attested', 1, [evidence(0, 'verified', { simulated: true })]],
    ['simulated_failing', 1, [evidence(0, 'refused', { simulated: true })]],
    ['no_answer', minute, [evidence(0), event(minute, { class: 'H', kind: 'no_answer', waitedMs: 12_000 })]],
    [
      'attested',
      2 * minute,
      [event(minute, { class: 'H', kind: 'no_answer', waitedMs: 12_000 }), evidence(2 * minute)],
    ],
    ['attested_at_boot', 10, [event(0, { class: 'K', kind: 'released', count: 1 }), heartbeat(5)]],
    ['peer_checked', 10, [event(0, { class: 'F', kind: 'passed', line: 'passed' }), heartbeat(5)]],
    ['peers_failed', 10, [event(0, { class: 'F', kind: 'failed', line: 'no' })]],
    ['host_reported', 10, [event(0, { class: 'S', kind: 'process', count: 1 })]],
    ['contradiction', 10, [evidence(0), heartbeat(5), event(6, { class: 'S', kind: 'process', count: 0 })]],
    ['contradiction', 10, [evidence(0), event(6, { class: 'S', kind: 'process', count: 2 })]],
    ['contradiction', 30, [evidence(0), evidence(10, 'verified', { reportId: 'two' })]],
    [
      'attested',
      30,
      [
        evidence(0),
        evidence(10, 'verified', { reportId: 'two' }),
        evidence(20, 'verified', { reportId: 'two' }),
      ],
    ],
    ['contradiction', 30, [evidence(0), evidence(10, 'verified', { reportId: 'two' }), evidence(20)]],
    [
      'contradiction',
      10,
      [evidence(0), event(5, { class: 'S', kind: 'serial', stage: 'unlocked', measurement: 'bb' })],
    ],
    ['contradiction', 10, [evidence(60_000)]],
    ['stale', 10, [evidence(0)], [federationEvent(5, { class: 'L', kind: 'session_lost' })]],
    ['stale', 10, [evidence(0), heartbeat(0)], [federationEvent(5, { class: 'L', kind: 'slept' })]],
    ['attested', 10, [evidence(0), evidence(6)], [federationEvent(5, { class: 'L', kind: 'slept' })]],
    [
      'stale',
      10,
      [evidence(0)],
      [
        federationEvent(0, { class: 'L', kind: 'server_up', startedAt: 'a' }),
        federationEvent(5, { class: 'L', kind: 'server_up', startedAt: 'b' }),
      ],
    ],
    [
      'federation_stopped',
      10,
      [evidence(0)],
      [
        federationEvent(0, { class: 'L', kind: 'server_up' }),
        federationEvent(5, { class: 'L', kind: 'server_down', reason: 'x' }),
      ],
    ],
  ])('%s', (badge, now, events, federation) => {
    expect(at(now, events, federation).badge).toBe(badge);
  });

  test('every badge says what it does not prove, and ids are unique', () => {
    expect(new Set(badges.map(({ id }) => id)).size).toBe(badges.length);
    for (const { condition, proof, limit } of badges) {
      for (const text of [condition, proof, limit]) expect(text.length).toBeGreaterThan(4);
    }
    expect(badges.filter(({ colour }) => colour === 'green').map(({ id }) => id)).toEqual(['attested']);
    expect(
      badges.filter(({ id }) => id.startsWith('simulated')).every(({ colour }) => colour === 'striped'),
    ).toBe(true);
  });
});

const when = fc.integer({ min: -3_000_000, max: 3_000_000 });
const outcomes = ['verified', 'genuine', 'unchecked', 'refused', 'mock'] as const;
const anyVerdict = fc.record({
  outcome: fc.constantFrom(...outcomes),
  simulated: fc.boolean(),
  reportId: fc.constantFrom('one', 'two'),
});
const anyEvent: fc.Arbitrary<SiteEvent> = fc
  .tuple(
    when,
    fc.oneof(
      fc
        .record({ class: fc.constant('H'), kind: fc.constant('evidence'), verdict: anyVerdict })
        .map((one) => ({
          ...one,
          verdict: verdict(one.verdict.outcome, one.verdict),
        })),
      fc.constant({ class: 'H', kind: 'no_answer', waitedMs: 1 }),
      fc.constant({ class: 'K', kind: 'released', count: 1 }),
      fc.record({ class: fc.constant('K'), kind: fc.constant('rule'), present: fc.boolean() }),
      fc.record({
        class: fc.constant('F'),
        kind: fc.constantFrom('passed', 'failed'),
        line: fc.constant('line'),
      }),
      fc.record({
        class: fc.constant('L'),
        kind: fc.constant('connected'),
        lastHeartbeatAt: when.map((one) => start + one),
      }),
      fc.constant({ class: 'L', kind: 'missing' }),
      fc.record({ class: fc.constant('L'), kind: fc.constant('takes_part'), yes: fc.boolean() }),
      fc.record({
        class: fc.constant('S'),
        kind: fc.constant('process'),
        count: fc.integer({ min: 0, max: 2 }),
      }),
      fc.record({
        class: fc.constant('S'),
        kind: fc.constant('serial'),
        stage: fc.constantFrom('attesting', 'unlocked', 'stuck'),
      }),
      fc.record({
        class: fc.constant('P'),
        kind: fc.constant('configured'),
        how: fc.constantFrom('real', 'mock', 'none'),
      }),
      fc.record({
        class: fc.constant('P'),
        kind: fc.constant('built'),
        good: fc.boolean(),
        text: fc.constant('x'),
      }),
    ),
  )
  .map(([moment, content]) => event(moment, content));
const anyFederation = fc
  .tuple(
    when,
    fc.constantFrom<Loose>(
      { class: 'L', kind: 'server_up', startedAt: 'a' },
      { class: 'L', kind: 'server_up', startedAt: 'b' },
      { class: 'L', kind: 'server_down', reason: 'gone' },
      { class: 'L', kind: 'session_lost' },
    ),
  )
  .map(([moment, content]) => federationEvent(moment, content));

const isFresh = (one: SiteEvent, now: number, federation: FederationEvent[]): boolean => {
  if (one.kind !== 'evidence' || one.verdict.outcome !== 'verified' || one.verdict.simulated) return false;
  const { since } = federation.reduce(rememberFederation, emptyFederation);
  return one.at <= start + now + 2000 && start + now - one.at <= windows.hardware && one.at >= since;
};

describe('properties', () => {
  test('nothing is attested without fresh verified hardware evidence', () => {
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 30 }),
        fc.array(anyFederation, { maxLength: 6 }),
        when,
        (events, federation, now) => {
          const status = at(now, events, federation);
          const green = status.colour === 'green' || status.badge.startsWith('attested');
          if (green && status.badge !== 'attested_at_boot') {
            expect(events.some((one) => isFresh(one, now, federation))).toBe(true);
            expect(status.contradictions).toEqual([]);
            expect(status.class).toBe('H');
          }
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test('without evidence of class H nothing claims it', () => {
    fc.assert(
      fc.property(
        fc.array(
          anyEvent.filter(({ kind }) => kind !== 'evidence'),
          { maxLength: 30 },
        ),
        when,
        (events, now) => {
          const { badge } = at(now, events);
          expect(['attested', 'attested_ending', 'genuine', 'failing', 'unchecked']).not.toContain(badge);
          expect(badge.startsWith('simulated')).toBe(false);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('a restart forgets everything but words', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000, max: 0 }), (last) => {
        const status = statusOf(emptySite('site-1', start + last), emptyFederation, timing, start);
        expect(status.badge).toBe('stale');
        expect(status.lastVerifiedAt).toBe(start + last);
      }),
    );
  });
});
