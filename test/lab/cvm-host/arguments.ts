/** Reads a QEMU command line as the original does: what it would refuse is refused, in its words. */
import { existsSync, readFileSync, statSync } from 'node:fs';

/** Exit status 1 with this text after the program's name. */
export class Refusal extends Error {}

const refuse = (text: string): never => {
  throw new Refusal(text);
};

export interface Machine {
  bios: string;
  kernel: string;
  initrd: string;
  append: string;
  cores: number;
  cpu: string;
  drives: string[];
  forwards: { host: number; guest: number; rule: string }[];
  snp: { cbitpos: number; kernelHashes: boolean };
  serial: string;
}

const flags = new Set([
  '-enable-kvm',
  '-nographic',
  '-no-reboot',
  '-nodefaults',
  '-no-user-config',
  '-S',
  '-daemonize',
]);
const withValue = new Set([
  '-cpu',
  '-smp',
  '-m',
  '-machine',
  '-M',
  '-object',
  '-bios',
  '-kernel',
  '-initrd',
  '-append',
  '-drive',
  '-device',
  '-netdev',
  '-qmp',
  '-serial',
  '-monitor',
  '-name',
  '-display',
  '-vga',
  '-accel',
  '-chardev',
  '-global',
  '-fw_cfg',
]);

const objectKeys: Record<string, readonly string[]> = {
  'memory-backend-memfd': ['size', 'share', 'prealloc', 'merge', 'dump', 'hugetlb'],
  'memory-backend-ram': ['size', 'share', 'prealloc', 'merge', 'dump'],
  'sev-snp-guest': [
    'cbitpos',
    'reduced-phys-bits',
    'policy',
    'kernel-hashes',
    'sev-device',
    'guest-visible-workarounds',
    'id-block',
    'id-auth',
    'author-key-enabled',
    'host-data',
    'vcek-disabled',
  ],
};
const devices = new Set([
  'virtio-blk-pci',
  'virtio-net-pci',
  'vfio-pci',
  'pcie-root-port',
  'virtio-rng-pci',
  'vhost-vsock-pci',
]);

/** The table of kernel hashes in the firmware: GUID 7255371f-3a3b-4b04-927b-1da6efa8d454, as it lies in memory. */
const hashesGuid = Buffer.from('1f3755723b3a044b927b1da6efa8d454', 'hex');

interface Properties {
  kind: string;
  values: Map<string, string>;
}

/** `kind,a=b,c=d`; a doubled comma is one comma. A word without `=` is a switch that is on. */
function properties(text: string): Properties {
  const parts = text.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(',,', ','));
  const kind = parts[0]?.includes('=') ? '' : (parts.shift() ?? '');
  const values = new Map<string, string>();
  for (const part of parts) {
    const at = part.indexOf('=');
    if (at < 0) values.set(part, 'on');
    else values.set(part.slice(0, at), part.slice(at + 1));
  }
  return { kind, values };
}

function sizeOf(text: string): number {
  const found = /^(\d+)([KMGT]?)$/.exec(text) ?? refuse(`Parameter 'size' expects a size`);
  return Number(found[1]) * 1024 ** ('KMGT'.indexOf(found[2] || 'M') + 1);
}

const isOn = (text: string | undefined, otherwise = false): boolean =>
  text === undefined ? otherwise : text === 'on' || text === 'true' || text === 'yes';

const readable = (file: string, sentence: string): string => {
  if (!existsSync(file) || !statSync(file).isFile()) refuse(sentence);
  return file;
};

/** Throws `Refusal`. `hostCBit`: position of the C-bit on this host. */
export function readArguments(args: readonly string[], hostCBit: number): Machine {
  const options = new Map<string, string[]>();
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    const name = word.replace(/^--/, '-');
    if (flags.has(name)) options.set(name, ['']);
    else if (withValue.has(name)) {
      const value = args[++at] ?? refuse(`${word}: requires an argument`);
      options.set(name, [...(options.get(name) ?? []), value]);
    } else if (word.startsWith('-')) refuse(`${word}: invalid option`);
    else refuse(`${word}: Could not open '${word}': drive images are given with -drive here`);
  }
  const all = (name: string) => options.get(name) ?? [];
  const one = (name: string, why: string) => {
    const values = all(name);
    if (values.length > 1) refuse(`${name} is given more than once`);
    return values[0] ?? refuse(why);
  };
  if (!options.has('-enable-kvm')) refuse('sev_common_kvm_init: SEV-SNP needs KVM');

  const objects = new Map<string, Properties>();
  for (const text of all('-object')) {
    const object = properties(text);
    const known = objectKeys[object.kind] ?? refuse(`-object ${text}: invalid object type: ${object.kind}`);
    const id = object.values.get('id') ?? refuse(`-object ${text}: Parameter 'id' is missing`);
    if (objects.has(id))
      refuse(`-object ${text}: attempt to add duplicate property '${id}' to object (type 'container')`);
    for (const key of object.values.keys())
      if (key !== 'id' && !known.includes(key))
        refuse(`-object ${text}: Property '${object.kind}.${key}' not found`);
    objects.set(id, object);
  }

  const memory = sizeOf(
    properties(`x,${one('-m', 'no memory size').replace(/^size=/, 'size=')}`).values.get('size') ??
      one('-m', ''),
  );
  const machine = properties([...all('-machine'), ...all('-M')][0] ?? refuse('no machine type'));
  if (!/^(pc-)?q35/.test(machine.kind)) refuse(`unsupported machine type: "${machine.kind}"`);
  const guestId =
    machine.values.get('confidential-guest-support') ??
    refuse('no confidential-guest-support: not a confidential VM');
  const guest = objects.get(guestId) ?? refuse(`No such object "${guestId}" for confidential-guest-support`);
  if (guest.kind !== 'sev-snp-guest') refuse(`Object "${guestId}" is not a sev-snp-guest`);
  const backendId = machine.values.get('memory-backend');
  if (backendId !== undefined) {
    const backend = objects.get(backendId) ?? refuse(`Memory backend '${backendId}' not found`);
    if (sizeOf(backend.values.get('size') ?? '') !== memory)
      refuse('Machine memory size does not match the size of the memory backend');
  }

  const cbitpos = Number(guest.values.get('cbitpos'));
  if (cbitpos !== hostCBit)
    refuse(
      `sev_snp_kvm_init: cbitpos check failed, host '${hostCBit}' requested '${guest.values.get('cbitpos') ?? '0'}'`,
    );
  const reduced = Number(guest.values.get('reduced-phys-bits') ?? 0);
  if (!(reduced >= 1 && reduced <= 63))
    refuse(
      `sev_snp_kvm_init: reduced_phys_bits check failed, it should be in the range of 1 to 63, requested '${reduced}'`,
    );
  const policy = Number(guest.values.get('policy') ?? 0x30000);
  if (!Number.isSafeInteger(policy) || (policy & 0x20000) === 0)
    refuse(`sev_snp_launch_start: SNP_LAUNCH_START ret=-22 fw_error=7`);

  const cpu = one('-cpu', 'no CPU model').split(',')[0] ?? '';
  if (!/^(EPYC(-(v\d+|Milan|Milan-v\d+|Genoa|Genoa-v\d+|Rome|Turin))?|host)$/.test(cpu))
    refuse(`unable to find CPU model '${cpu}'`);
  const smp = properties(one('-smp', 'no number of CPUs'));
  const cores = Number(smp.kind || smp.values.get('cpus'));
  if (!Number.isInteger(cores) || cores < 1 || cores > 255)
    refuse(`Invalid CPU topology: ${one('-smp', '')}`);

  const bios = readable(one('-bios', 'no firmware'), `qemu: could not load PC BIOS '${all('-bios')[0]}'`);
  const kernel = readable(
    one('-kernel', 'no kernel'),
    `qemu: could not open kernel file '${all('-kernel')[0]}': No such file or directory`,
  );
  const initrd = readable(one('-initrd', 'no initrd'), `qemu: could not load initrd '${all('-initrd')[0]}'`);
  const kernelHashes = isOn(guest.values.get('kernel-hashes'));
  if (kernelHashes && !readFileSync(bios).includes(hashesGuid))
    refuse('SEV: kernel specified but guest firmware has no hashes table GUID');
  if (readFileSync(kernel).subarray(0x202, 0x206).toString('latin1') !== 'HdrS')
    refuse(`qemu: unsupported kernel '${kernel}'`);

  const drives = new Map<string, string>();
  for (const text of all('-drive')) {
    const { values } = properties(text);
    const id = values.get('id') ?? refuse(`-drive ${text}: id is missing`);
    const file = values.get('file') ?? refuse(`-drive ${text}: Device needs media, but drive is empty`);
    for (const key of values.keys())
      if (!['file', 'if', 'id', 'format', 'readonly', 'cache', 'aio', 'discard'].includes(key))
        refuse(`-drive ${text}: Block format 'qcow2' does not support the option '${key}'`);
    if (values.get('if') !== 'none') refuse(`-drive ${text}: this stand-in knows if=none only`);
    if (drives.has(id)) refuse(`-drive ${text}: Duplicate ID '${id}' for drive`);
    if (!existsSync(file)) refuse(`-drive ${text}: Could not open '${file}': No such file or directory`);
    if (readFileSync(file).subarray(0, 4).toString('latin1') !== 'QFI\xfb')
      refuse(`-drive ${text}: Image is not in qcow2 format`);
    drives.set(id, file);
  }

  const netdevs = new Map<string, Machine['forwards']>();
  for (const text of all('-netdev')) {
    const { kind, values } = properties(text.replace(/,hostfwd=/g, ',hostfwd$='));
    if (kind !== 'user') refuse(`-netdev ${text}: this stand-in knows user networking only`);
    const id = values.get('id') ?? refuse(`-netdev ${text}: Parameter 'id' is missing`);
    const forwards = [...text.matchAll(/,hostfwd=([^,]+)/g)].map(([, rule = '']) => {
      const found =
        /^tcp:(?:[\d.]*):(\d+)-(?:[\d.]*):(\d+)$/.exec(rule) ??
        refuse(`-netdev ${text}: Invalid host forwarding rule '${rule}'`);
      return { host: Number(found[1]), guest: Number(found[2]), rule };
    });
    netdevs.set(id, forwards);
  }

  const used = new Set<string>();
  for (const text of all('-device')) {
    const { kind, values } = properties(text);
    if (!devices.has(kind)) refuse(`-device ${text}: '${kind}' is not a valid device model name`);
    const drive = values.get('drive');
    if (kind === 'virtio-blk-pci') {
      if (drive === undefined) refuse(`-device ${text}: drive property not set`);
      if (!drives.has(drive ?? ''))
        refuse(`-device ${text}: Property 'virtio-blk-device.drive' can't find value '${drive}'`);
      if (used.has(drive ?? ''))
        refuse(`-device ${text}: Drive '${drive}' is already in use by another block backend`);
      used.add(drive ?? '');
    }
    const netdev = values.get('netdev');
    if (kind === 'virtio-net-pci' && !netdevs.has(netdev ?? ''))
      refuse(`-device ${text}: Property 'virtio-net-device.netdev' can't find value '${netdev}'`);
  }
  const unused = [...drives.keys()].filter((id) => !used.has(id));
  if (unused.length > 0) refuse(`drive ${unused.join(', ')} belongs to no device`);
  if (!options.has('-nographic') && !all('-serial').length) refuse('gtk initialization failed');
  return {
    bios,
    kernel,
    initrd,
    append: one('-append', 'no kernel command line'),
    cores,
    cpu,
    drives: [...drives.values()],
    forwards: [...netdevs.values()].flat(),
    snp: { cbitpos, kernelHashes },
    serial: all('-serial')[0] ?? 'stdio',
  };
}
