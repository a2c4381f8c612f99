/** What a host said of a confidential site while something was done there, as evidence of class S. Pure. */
import type { SiteEvent } from '../../domain/attestation/index.ts';
import type { ExpectedMeasurement } from '../../domain/cc/bundle.ts';
import { readSerial, type SerialFacts } from '../../domain/cc/serial.ts';
import { findVms } from '../../domain/cc/vm-processes.ts';
import type { HostCheck, ProbeResult } from '../../services/hosts/index.ts';
import type { SiteResult, SiteStep, SiteTarget } from '../../services/sites/index.ts';

/** A boot that takes longer does not get on (docs/reference/confidential-computing.md §6.2). */
const bootMs = 180_000;
/** What makes a host ready: rows 1–12 and 20–22 of docs/reference/confidential-computing.md §5. */
const isOfReadiness = (number: number): boolean => number <= 12 || (number >= 20 && number <= 22);

type Told = { site: string; at: number; source: string };
const toldBy = ({ name, ssh }: SiteTarget, at: number): Told => ({
  site: name,
  at,
  source: `host ${ssh.host}`,
});

function serialEvent(told: Told, serial: SerialFacts, runningMs: number | undefined): SiteEvent[] {
  const { measurement } = serial;
  const isLate = runningMs !== undefined && runningMs > bootMs;
  const stage =
    serial.stage === 'unlocked'
      ? ('unlocked' as const)
      : serial.stage === 'failed' || isLate
        ? ('stuck' as const)
        : serial.stage === 'attesting'
          ? ('attesting' as const)
          : undefined;
  if (stage === undefined) return [];
  return [
    { ...told, class: 'S', kind: 'serial', stage, ...(measurement === undefined ? {} : { measurement }) },
  ];
}

/** From a step on a host. What the account cannot see is not told. */
export function eventsOfStep(
  step: SiteStep,
  target: SiteTarget,
  result: SiteResult,
  at: number,
): SiteEvent[] {
  const told = toldBy(target, at);
  if (step === 'distribute') {
    const arrived = result.state === 'delivered' || result.state === 'already_there';
    if (!arrived || !target.cvm?.image) return [];
    const text = `all files of ${target.cvm.image.bundle} are on the host, byte by byte`;
    return [{ ...told, class: 'S', kind: 'delivered', good: true, text }];
  }
  const { status } = result;
  if (!status?.vm) return [];
  const { count, lock, serial } = status.vm;
  const runningMs = status.uptimeSeconds === undefined ? undefined : status.uptimeSeconds * 1000;
  const process: SiteEvent[] =
    count === undefined
      ? []
      : [
          {
            ...told,
            class: 'S',
            kind: 'process',
            count,
            ...(runningMs === undefined ? {} : { startedAt: at - runningMs }),
            ...(lock === 'unknown' ? {} : { locked: lock === 'held' }),
          },
        ];
  // What a VM printed that does not run any more says nothing of now.
  return [...process, ...(count === 1 ? serialEvent(told, serial, runningMs) : [])];
}

const ran = (check: HostCheck, id: string): ProbeResult | undefined =>
  check.probes.find((probe) => probe.id === id && probe.command !== undefined && probe.state !== 'unknown');

/** From the probes of a host: readiness, the VM's process and drives, its serial output. */
export function eventsOfProbes(
  target: SiteTarget,
  image: { vmId?: string; measurement?: ExpectedMeasurement } | undefined,
  check: HostCheck,
  at: number,
): SiteEvent[] {
  const told = toldBy(target, at);
  const events: SiteEvent[] = [];
  const readiness = check.probes.filter(({ number }) => isOfReadiness(number));
  const bad = readiness.find(({ state }) => state === 'bad');
  if (bad !== undefined) {
    events.push({
      ...told,
      class: 'S',
      kind: 'host_ready',
      good: false,
      text: `${bad.title}: ${bad.summary}`,
    });
  } else if (
    check.error === undefined &&
    readiness.length > 1 &&
    !readiness.some(({ state }) => state === 'unknown')
  ) {
    events.push({ ...told, class: 'S', kind: 'host_ready', good: true, text: 'its host can run the VM' });
  }
  const seen = ran(check, 'vm-process');
  if (seen === undefined || image?.vmId === undefined) return events;
  const vms = findVms(seen.output ?? '', image.vmId);
  const lock = ran(check, 'image-lock');
  const [vm] = vms;
  events.push({
    ...told,
    class: 'S',
    kind: 'process',
    count: vms.length,
    ...(vm === undefined ? {} : { startedAt: at - vm.seconds * 1000 }),
    ...(lock === undefined ? {} : { locked: lock.state === 'ok' }),
  });
  const log = ran(check, 'boot-log');
  if (vms.length === 1 && vm !== undefined && log?.code === 0) {
    const serial = readSerial(log.output ?? '', image.measurement);
    events.push(...serialEvent(told, serial, vm.seconds * 1000));
  }
  return events;
}
