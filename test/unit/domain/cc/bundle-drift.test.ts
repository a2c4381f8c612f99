import { describe, expect, test } from 'vitest';
import { driftFindings, type ProjectNow } from '../../../../src-main/domain/cc/bundle-drift.ts';
import type { KitInside } from '../../../../src-main/domain/cc/bundle-facts.ts';
import { kitAttesters } from '../../../../src-main/domain/cc/kit-attesters.ts';

const issuer = (id: string, args: object = {}, path = 'x.SNPAuthorizer') =>
  JSON.stringify({ components: [{ id, path, args }] });
const manager = (changes: object = {}) =>
  JSON.stringify({
    components: [
      {
        id: 'cc_manager',
        path: 'nvflare.app_opt.confidential_computing.cc_manager.CCManager',
        args: {
          cc_issuers_conf: [{ issuer_id: 'snp', token_expiration: 100 }],
          cc_verifier_ids: ['snp'],
          verify_frequency: 120,
          cc_enabled_sites: ['server', 'site-1'],
          ...changes,
        },
      },
    ],
  });
const attesters = kitAttesters([issuer('snp', { a: 1, b: { c: 2, d: 3 } }), manager()]);

const kit: KitInside = {
  name: 'site-1',
  kind: 'client',
  org: 'nvidia',
  flare: '2.8.1',
  rootFingerprint: 'AB:CD',
  fingerprint: 'EE',
  notAfter: '2030-01-01T00:00:00Z',
  server: 'server1',
  host: 'server1',
  port: 8002,
  adminPort: null,
  attesters,
  signature: 'a'.repeat(64),
  checked: 10,
};
const launch = { forwards: [{ host: 9002, guest: 8002 }] };
const project: ProjectNow = {
  line: '2.8.1',
  server: 'server1',
  participant: { name: 'site-1', type: 'client', org: 'nvidia' },
  rootFingerprint: 'abcd',
  newerProd: undefined,
  kit: { prod: 'prod_00', signature: 'a'.repeat(64) },
  reach: { host: 'server1', port: 8002 },
  allowedPorts: [8002],
  attesters,
};
const drift = (changes: Partial<ProjectNow>, inside: Partial<KitInside> = {}, forwards = launch) =>
  driftFindings({ ...kit, ...inside }, forwards, { ...project, ...changes }).map(
    ({ severity, message }) => `${severity}: ${message}`,
  );

test('a bundle that is what the project says has no findings', () => {
  expect(drift({})).toEqual([]);
});

test('what is not known is not compared', () => {
  const nothing = { rootFingerprint: undefined, server: undefined, kit: undefined, reach: undefined };
  expect(drift({ ...nothing, allowedPorts: undefined, attesters: undefined })).toEqual([]);
  const blank = { org: null, flare: null, server: null, host: null, port: null, attesters: null };
  expect(drift({}, { ...blank, signature: null })).toEqual([]);
});

describe('each difference is named with both sides', () => {
  test.each<[string, Partial<ProjectNow>, Partial<KitInside>, RegExp]>([
    [
      'root',
      { rootFingerprint: '12:34' },
      {},
      /^problem: The kit inside is of another root: AB:CD, .* 12:34/,
    ],
    ['participant', { participant: undefined }, {}, /^problem: The project has no participant site-1/],
    [
      'kind',
      { participant: { name: 'site-1', type: 'relay', org: 'nvidia' } },
      {},
      /^problem: The kit inside is one of a client; site-1 is a relay/,
    ],
    ['organization', {}, { org: 'other' }, /^warning: .*organization other; the project says nvidia/],
    ['server', { server: 'server2' }, {}, /^problem: The kit inside connects to server1; .*server2/],
    ['line', { line: '2.7.2' }, {}, /^warning: The kit inside is for FLARE 2.8.1, the project for 2.7.2/],
    ['host', { reach: { host: 'fl.example.org' } }, {}, /^problem: .*host server1; .*fl\.example\.org/],
    ['port', { reach: { port: 9002 } }, {}, /^problem: The kit inside connects to port 8002; .*9002/],
    ['allowed ports', { allowedPorts: [] }, {}, /^warning: The image lets in the ports 8002; .*says none/],
    [
      'signature',
      { kit: { prod: 'prod_00', signature: 'b'.repeat(64) } },
      {},
      /^warning: Superseded: prod_00 has another kit for site-1 \(signed as bbbbbbbbbbbb, the one inside as aaaaaaaaaaaa\)/,
    ],
    [
      'a newer run whose kit cannot be looked at',
      { newerProd: 'prod_01', kit: undefined },
      {},
      /^warning: Superseded: prod_01 has a newer kit for site-1/,
    ],
  ])('%s', (_, changes, inside, words) => {
    const found = drift(changes, inside);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(words);
  });

  test('ports of a server', () => {
    const server = { kind: 'server', port: 8002, adminPort: 8003 };
    const participant = { name: 'site-1', type: 'server', org: 'nvidia' };
    expect(drift({ participant, reach: { port: 8002, adminPort: 8002 } }, server)).toEqual([
      'problem: The kit inside has the admin port 8003; the project says 8002.',
    ]);
    expect(drift({ participant, reach: { port: 9, adminPort: 8003 } }, server)).toEqual([
      'problem: The kit inside listens on port 8002; the project says 9.',
    ]);
  });

  test('a newer run with the very same kit supersedes nothing', () => {
    expect(drift({ newerProd: 'prod_07', kit: { prod: 'prod_07', signature: 'a'.repeat(64) } })).toEqual([]);
  });
});

describe('attesters', () => {
  const with_ = (...texts: string[]) => drift({ attesters: kitAttesters(texts) });

  test('another argument is named, its value is not', () => {
    const [found, ...more] = with_(issuer('snp', { a: 'secret-value', b: { d: 3, c: 2 } }), manager());
    expect(more).toEqual([]);
    expect(found).toBe('warning: Of the kit inside, snp has another a than the project.');
  });

  test('another class, another set, another interval, other sites', () => {
    expect(with_(issuer('snp', { a: 1, b: { c: 2, d: 3 } }, 'x.MockAuthorizer'), manager())).toEqual([
      'warning: Of the kit inside, snp is of the class x.SNPAuthorizer; the project has x.MockAuthorizer.',
    ]);
    const own = [{ issuer_id: 'snp' }, { issuer_id: 'gpu' }];
    const changed = manager({
      cc_issuers_conf: own,
      cc_verifier_ids: ['snp', 'gpu'],
      verify_frequency: 60,
      cc_enabled_sites: ['server', 'site-1', 'site-2'],
    });
    expect(with_(issuer('snp', { a: 1, b: { c: 2, d: 3 } }), issuer('gpu'), changed)).toEqual([
      'warning: Of the kit inside, it can check the attesters snp; the project has gpu, snp.',
      'warning: Of the kit inside, its own attesters are snp; the project has gpu, snp.',
      'warning: Of the kit inside, it checks the others every 120 s; the project says 60 s.',
      'warning: Of the kit inside, the sites that must prove themselves are server, site-1; the project has server, site-1, site-2.',
    ]);
  });

  test('a damaged file or none of a manager says nothing rather than something wrong', () => {
    expect(kitAttesters(['{'])).toBeNull();
    expect(kitAttesters(['{"components": 3}'])).toBeNull();
    expect(kitAttesters([issuer('snp')])).toBeNull();
    expect(kitAttesters([])).toBeNull();
  });
});
