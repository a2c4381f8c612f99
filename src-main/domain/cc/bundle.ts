/** A CVM bundle as the console knows it (docs/reference/confidential-computing.md §3.1). */

/** The files of a bundle folder `cvm_<12 hex digits>`; a folder that holds `launch_vm.sh` is a bundle. */
export const bundleFiles = [
  'OVMF.amdsev.fd',
  'README.txt',
  'applog.qcow2',
  'crypt_root.qcow2',
  'initrd.img',
  'launch_vm.sh',
  'user_config.qcow2',
  'user_data.qcow2',
  'vmlinuz',
] as const;
export type BundleFile = (typeof bundleFiles)[number];

/** Drives that the running VM or its owner writes to: their hash says nothing after the first start. */
export const writableDrives: readonly BundleFile[] = ['applog.qcow2', 'user_data.qcow2'];

/** What `launch_vm.sh` starts, as far as its narrow parser understood it; a missing field was not understood. */
export interface LaunchFacts {
  vmId?: string;
  /** vCPUs of `-smp`. */
  cores?: number;
  /** QEMU CPU model: `EPYC-v4`. */
  cpu?: string;
  /** Memory as written: `64G`. */
  memory?: string;
  /** Kernel command line of `-append`, variables resolved. */
  append?: string;
  cBitPosition?: number;
  /** Guest policy: 0x30000 allows SMT only. */
  policy?: number;
  kernelHashes?: boolean;
  /** Host ports forwarded into the VM. */
  forwards: { host: number; guest: number }[];
  /** Names of the disk images, in order. */
  drives: string[];
  /** Unix socket on which QEMU takes commands (`-qmp unix:…`), as written. */
  qmpSocket?: string;
  /** Host PCI addresses handed over to the VM. */
  gpus: string[];
}

/** A launch measurement: both SEV feature values, 96 hex digits each, or the reason why it cannot be computed. */
export type ExpectedMeasurement =
  | { computed: true; plain: string; withDebugSwap: string }
  | { computed: false; reason: string };
