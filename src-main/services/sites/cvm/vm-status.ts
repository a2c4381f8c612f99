/** How a confidential VM stands on its host, as the host tells it. */
import { readSerial, redactKeys, type SerialFacts } from '../../../domain/cc/serial.ts';
import { findVms } from '../../../domain/cc/vm-processes.ts';
import { type SiteShell, valuesOf } from '../site-shell.ts';
import type { SiteStatus, SiteTarget, VmStatus } from '../types.ts';
import { readVm } from './scripts.ts';

const tailBytes = 32 * 1024;

export interface RawVmStatus extends SiteStatus {
  delivered: boolean;
  vm: VmStatus;
  /** Of every VM with this vm_id; more than one is a fault. */
  pids: number[];
  /** True where the account sees processes of others. */
  seesAll: boolean;
  /** What was started last from here, when it is another image than the current one and its VM still runs. */
  other?: { image: string; vmId: string; pids: number[] };
}

/**
 * Reads link, process, lock and serial output. `running` needs a process called qemu-system-* with the vm_id of the image.
 * Keys are taken out of what the VM printed. Errors: those of `SiteShell.must`.
 */
export async function vmStatusOf(
  shell: SiteShell,
  target: SiteTarget,
  options: { signal?: AbortSignal; tail?: number } = {},
): Promise<RawVmStatus> {
  const image = target.cvm?.image;
  const { tail = 10, ...context } = options;
  const lines = await shell.must(
    'Reading the status',
    readVm,
    [image?.launch.vmId ?? '', String(tailBytes)],
    context,
  );
  const values = valuesOf(lines);
  const text = (key: string) => values.get(key) || undefined;
  const of = (key: string) =>
    lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const processes = of('ps').join('\n');
  const recordedVm = text('record_vm_id');
  const recordedImage = text('record_image');
  const vmId = image?.launch.vmId ?? recordedVm;
  const vms = vmId === undefined ? [] : findVms(processes, vmId);
  const others =
    recordedVm !== undefined && recordedImage !== undefined && recordedVm !== vmId
      ? findVms(processes, recordedVm)
      : [];
  const seesAll = values.has('sees_all');
  const lock = text('lock') === 'held' ? 'held' : text('lock') === 'free' ? 'free' : 'unknown';
  const output = of('tail').map(redactKeys);
  const serial = serialOf([...of('mark').map(redactKeys), ...output], target);
  const now = Number(text('now'));
  const [vm] = vms;
  const since = vm && Number.isFinite(now) ? new Date((now - vm.seconds) * 1000).toISOString() : undefined;
  const supervisor = text('record_supervisor');
  const unit = text('record_unit');
  const currentImage = text('image');
  const previousImage = text('previous');
  const log = text('log');
  const status: RawVmStatus = {
    // Held drives without a visible process: something runs that this account cannot see.
    process: vm ? 'running' : lock === 'held' ? 'stale' : 'stopped',
    delivered: text('delivered') !== 'no' && currentImage !== undefined,
    folder: text('folder') ?? '',
    pids: vms.map(({ pid }) => pid),
    seesAll,
    vm: {
      ...(vmId === undefined ? {} : { vmId }),
      ...(vmId !== undefined && (vms.length > 0 || (seesAll && lock !== 'held') || lock === 'free')
        ? { count: vms.length }
        : {}),
      lock,
      serial,
      ...(supervisor === undefined ? {} : { supervisor }),
      ...(unit === undefined ? {} : { unit }),
      ...(recordedImage === undefined ? {} : { launchedImage: recordedImage }),
      ...(target.cvm?.image ? { bundle: target.cvm.image.bundle } : {}),
    },
    ...(vm ? { pid: vm.pid, uptimeSeconds: vm.seconds } : {}),
    ...(since === undefined ? {} : { since }),
    ...(vm && recordedImage !== undefined && recordedVm === vmId ? { runningKit: recordedImage } : {}),
    ...(currentImage === undefined ? {} : { currentKit: currentImage }),
    ...(previousImage === undefined ? {} : { previousKit: previousImage }),
    ...(log === undefined ? {} : { log }),
    ...(tail > 0 && output.length > 0 ? { logTail: output.slice(-tail) } : {}),
    ...(others.length > 0
      ? { other: { image: recordedImage ?? '', vmId: recordedVm ?? '', pids: others.map(({ pid }) => pid) } }
      : {}),
  };
  return status;
}

function serialOf(lines: readonly string[], target: SiteTarget): SerialFacts {
  return readSerial(lines.join('\n'), target.cvm?.image?.measurement);
}

const stages: Record<SerialFacts['stage'], string> = {
  silent: 'nothing on its console yet',
  booting: 'boots',
  attesting: 'asks for its key',
  unlocked: 'unlocked its disk',
  failed: 'failed to boot',
};

/** One line about a VM. All of it is what the host says. */
export function describeVm(status: RawVmStatus): string {
  const { vm } = status;
  if (status.pids.length > 1) return `two VMs of one image: pids ${status.pids.join(', ')}`;
  if (status.process === 'running') {
    const measured =
      vm.serial.expected === undefined
        ? ''
        : vm.serial.expected === 'differs'
          ? ', measurement differs from the expected one'
          : ', measurement as expected';
    const other =
      status.runningKit === undefined || status.runningKit === status.currentKit
        ? ''
        : `; the image is ${status.currentKit ?? 'nothing'}: stop and start to use it`;
    return `VM runs, pid ${status.pid ?? '?'}, ${stages[vm.serial.stage]}${measured}${other}`;
  }
  if (status.process === 'stale') return 'no VM is seen, but its drives are held by a program';
  if (status.other) return `the VM of the image before still runs: ${status.other.image}`;
  if (!status.delivered) return 'no image delivered';
  const ended = vm.serial.stage === 'failed' ? `; it ${stages.failed}: ${vm.serial.reason ?? ''}` : '';
  return `stopped, image ${status.currentKit ?? ''}${ended}`;
}

/** What callers see of it. */
export function shownVmStatus(status: RawVmStatus): SiteStatus {
  const shown: Partial<RawVmStatus> & SiteStatus = { ...status };
  delete shown.delivered;
  delete shown.pids;
  delete shown.seesAll;
  delete shown.other;
  return shown;
}
