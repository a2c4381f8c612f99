/** Probes 26–30: GPUs handed to the VM (docs/reference/confidential-computing.md §5). Nothing here changes a GPU. */
import { bad, type HostProbe, ok, type ProbeContext, type ProbeFix, unknown, warn } from './probe.ts';

const noGpu = ({ gpu }: ProbeContext): string | undefined => (gpu ? undefined : 'the site has no GPU');

/** One bind per distinct device id: the kernel refuses several ids in one write. */
function bindToVfio(devices: readonly { address: string; id: string; driver: string }[]): ProbeFix {
  const ids = [...new Set(devices.map(({ id }) => id))];
  return {
    text: 'Bind each device to vfio-pci, after the host’s NVIDIA driver was unloaded. One write per device id.',
    commands: [
      'sudo modprobe vfio-pci',
      ...devices
        .filter(({ driver }) => driver !== 'none')
        .map(({ address }) => `echo ${address} | sudo tee /sys/bus/pci/devices/${address}/driver/unbind`),
      ...ids.map((id) => `echo ${id.replace(':', ' ')} | sudo tee /sys/bus/pci/drivers/vfio-pci/new_id`),
    ],
  };
}

export const gpuProbes: readonly HostProbe[] = [
  {
    number: 26,
    id: 'gpu',
    title: 'GPU present',
    group: 'gpu',
    command: 'lspci -Dnn -d 10de:',
    needsRoot: false,
    skip: noGpu,
    judge(output) {
      if (output.code !== 0) return unknown('an answer nobody understands');
      const gpus = output.stdout.split('\n').filter((line) => /\[030[02]\]/.test(line));
      return gpus.length > 0 ? ok(`${gpus.length} found`) : bad('none');
    },
    meaning: 'The site is to hand a GPU to its VM, and there is none.',
    fix: { text: 'Seat the GPU, or take the GPU out of the site’s configuration and build again.' },
    source: 'guide',
  },
  {
    number: 27,
    id: 'gpu-driver',
    title: 'GPU bound to vfio-pci',
    group: 'gpu',
    command:
      'for device in /sys/bus/pci/devices/*; do [ "$(cat "$device/vendor" 2>/dev/null)" = 0x10de ] || continue; ' +
      'driver=$(readlink "$device/driver") || driver=none; id=$(cat "$device/device"); group=$(readlink "$device/iommu_group") || group=none; ' +
      'echo "device ${device##*/} 10de:${id#0x} ${driver##*/} group ${group##*/}"; done; echo end',
    needsRoot: false,
    skip: noGpu,
    judge(output) {
      if (!/^end$/m.test(output.stdout)) return unknown('an answer nobody understands');
      const devices = [
        ...output.stdout.matchAll(/^device ([0-9a-f:.]+) (10de:[0-9a-f]{4}) (\S+) group (\S+)$/gm),
      ].map(([, address = '', id = '', driver = '']) => ({ address, id, driver }));
      if (devices.length === 0) return bad('no NVIDIA device');
      const wrong = devices.filter(({ driver }) => driver !== 'vfio-pci');
      if (wrong.length === 0) return ok(`${devices.length} bound`);
      return bad(
        wrong.map(({ address, driver }) => `${address}: ${driver}`).join(', '),
        undefined,
        bindToVfio(wrong),
      );
    },
    meaning:
      'QEMU can only hand over a device that vfio-pci holds, together with all functions of its IOMMU group.',
    fix: { text: 'Bind the device to vfio-pci.' },
    source: 'guide; nvtrust',
  },
  {
    number: 28,
    id: 'gpu-modules',
    title: 'No NVIDIA driver on the host',
    group: 'gpu',
    command: "lsmod | grep -oE '^(nvidia|nouveau)[a-z_]*'; echo end",
    needsRoot: false,
    skip: noGpu,
    judge(output) {
      if (!/^end$/m.test(output.stdout) || /not found/i.test(output.stderr))
        return unknown('an answer nobody understands');
      const loaded = output.stdout.split('\n').filter((line) => /^(nvidia|nouveau)/.test(line));
      return loaded.length === 0 ? ok('none loaded') : bad(loaded.join(', '));
    },
    meaning: 'The host’s driver holds the GPU.',
    fix: {
      text: 'Keep the driver from loading, then reboot.',
      commands: [
        "printf 'blacklist nvidia\\nblacklist nouveau\\n' | sudo tee /etc/modprobe.d/no-nvidia.conf",
      ],
    },
    source: 'guide',
  },
  {
    number: 29,
    id: 'gpu-cc-mode',
    title: 'GPU confidential mode',
    group: 'gpu',
    command: 'sudo -n nvidia_gpu_tools.py --devices gpus --query-cc-mode',
    needsRoot: true,
    skip: noGpu,
    judge(output) {
      const text = `${output.stdout}\n${output.stderr}`;
      const modes = [...text.matchAll(/CC mode is (on|off|devtools)/g)].map((match) => match[1]);
      if (modes.length === 0) return unknown('an answer nobody understands');
      if (modes.includes('off')) return bad('off');
      if (modes.includes('devtools')) return warn('devtools', 'A GPU in devtools mode cannot be attested.');
      return ok('on');
    },
    meaning: 'The GPU does not protect what is on it.',
    fix: {
      text: 'Switch the mode on while no VM uses the GPU. It resets the GPU: nothing here does that by itself.',
      commands: ['sudo nvidia_gpu_tools.py --devices gpus --set-cc-mode=on --reset-after-cc-mode-switch'],
    },
    source: 'nvtrust#35',
  },
  {
    number: 30,
    id: 'gpu-guest',
    title: 'GPU inside the VM',
    group: 'gpu',
    command: 'nvidia-smi conf-compute -f',
    needsRoot: false,
    skip: (context) =>
      noGpu(context) ?? 'the VM has no login: only its attestation evidence tells of the GPU inside',
    judge: () => unknown('not reachable'),
    meaning: 'The GPU inside the VM is seen through its evidence only.',
    fix: { text: 'Look at the attestation board.' },
    source: 'NVIDIA documentation',
  },
];
