import { describe, expect, it } from 'vitest';
import { eventsOfProbes, eventsOfStep } from '../../../src-main/core/attestation/host-evidence.ts';
import type { HostCheck } from '../../../src-main/services/hosts/index.ts';
import type { SiteResult, SiteTarget, VmStatus } from '../../../src-main/services/sites/index.ts';

const at = Date.parse('2026-06-01T12:00:00Z');
const target: SiteTarget = {
  name: 'site-1',
  type: 'client',
  ssh: { host: 'hospital-a' },
  directory: '/opt',
  cvm: { image: { bundle: 'cvm_0123456789ab' } as never },
};
const measurement = 'ab'.repeat(48);
const result = (vm: Partial<VmStatus>, uptimeSeconds?: number): SiteResult => ({
  name: 'site-1',
  state: 'running',
  steps: [],
  status: {
    process: 'running',
    folder: '/opt/site-1',
    vm: { lock: 'held', serial: { stage: 'unlocked' }, ...vm },
    ...(uptimeSeconds === undefined ? {} : { uptimeSeconds }),
  },
});
const kinds = (found: readonly { kind: string }[]): string[] => found.map(({ kind }) => kind);

describe('a step on a host', () => {
  it('dates the launch by the console’s clock and says whose word it is', () => {
    expect(
      eventsOfStep(
        'status',
        target,
        result({ count: 1, serial: { stage: 'unlocked', measurement } }, 60),
        at,
      ),
    ).toEqual([
      {
        site: 'site-1',
        at,
        source: 'host hospital-a',
        class: 'S',
        kind: 'process',
        count: 1,
        startedAt: at - 60_000,
        locked: true,
      },
      {
        site: 'site-1',
        at,
        source: 'host hospital-a',
        class: 'S',
        kind: 'serial',
        stage: 'unlocked',
        measurement,
      },
    ]);
  });
  it('tells nothing where the account cannot see processes of others', () => {
    expect(eventsOfStep('status', target, result({ lock: 'unknown' }), at)).toEqual([]);
  });
  it('does not take the output of a VM that ended for one that runs', () => {
    expect(kinds(eventsOfStep('status', target, result({ count: 0, lock: 'free' }), at))).toEqual([
      'process',
    ]);
  });
  it.each([
    ['attesting', 60, 'attesting'],
    ['attesting', 181, 'stuck'],
    ['booting', 60, undefined],
    ['booting', 181, 'stuck'],
    ['failed', 5, 'stuck'],
  ] as const)('%s after %i s is %s', (stage, seconds, expected) => {
    const events = eventsOfStep('status', target, result({ count: 1, serial: { stage } }, seconds), at);
    const serial = events.find(({ kind }) => kind === 'serial');
    expect(serial?.kind === 'serial' ? serial.stage : undefined).toBe(expected);
  });
  it('tells of two VMs of one image', () => {
    expect(eventsOfStep('status', target, result({ count: 2 }, 60), at)).toMatchObject([
      { kind: 'process', count: 2 },
    ]);
  });
  it('tells a delivery, not a failed try', () => {
    expect(
      eventsOfStep('distribute', target, { name: 'site-1', state: 'already_there', steps: [] }, at),
    ).toMatchObject([{ kind: 'delivered', good: true }]);
    expect(eventsOfStep('distribute', target, { name: 'site-1', state: 'failed', steps: [] }, at)).toEqual(
      [],
    );
  });
});

const probe = (number: number, id: string, state: string, more: object = {}) => ({
  number,
  id,
  title: id,
  group: 'vm',
  state,
  summary: 'found',
  source: '',
  command: 'x',
  code: 0,
  output: '',
  at: '',
  seconds: 0,
  ...more,
});
const check = (...probes: object[]): HostCheck => ({ name: 'site-1', state: 'ok', probes: probes as never });
const vm = `4711 61 flare qemu-system-x86 qemu-system-x86_64 -append root=x vm_id=abc -nographic`;

describe('the probes of a host', () => {
  it('make a host ready when all of them are known and none is bad', () => {
    const good = check(
      probe(1, 'snp-kvm', 'ok'),
      probe(20, 'disk', 'warn'),
      probe(3, 'devices', 'not_applicable'),
    );
    expect(eventsOfProbes(target, undefined, good, at)).toMatchObject([{ kind: 'host_ready', good: true }]);
    const unknown = check(probe(1, 'snp-kvm', 'ok'), probe(2, 'cpu-flag', 'unknown'));
    expect(eventsOfProbes(target, undefined, unknown, at)).toEqual([]);
    const bad = check(probe(1, 'snp-kvm', 'bad'), probe(2, 'cpu-flag', 'unknown'));
    expect(eventsOfProbes(target, undefined, bad, at)).toMatchObject([
      { good: false, text: 'snp-kvm: found' },
    ]);
  });
  it('tell process, lock and console output of the VM with this id', () => {
    const found = check(
      probe(15, 'vm-process', 'ok', { output: vm }),
      probe(16, 'image-lock', 'ok'),
      probe(18, 'boot-log', 'ok', { output: `Measurement: ${measurement}\nRetrieved key: abcd ... wxyz` }),
    );
    expect(eventsOfProbes(target, { vmId: 'abc' }, found, at)).toMatchObject([
      { kind: 'process', count: 1, startedAt: at - 61_000, locked: true },
      { kind: 'serial', stage: 'unlocked', measurement },
    ]);
    const skipped = check(probe(15, 'vm-process', 'not_applicable', { command: undefined }));
    expect(eventsOfProbes(target, { vmId: 'abc' }, skipped, at)).toEqual([]);
  });
});
