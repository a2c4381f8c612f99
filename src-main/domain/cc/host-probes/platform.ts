/** Probes 1–9 and 12: CPU, firmware and kernel (docs/reference/confidential-computing.md §5). */
import { atLeast, bad, firstLine, type HostProbe, ok, unknown, type Verdict, warn } from './probe.ts';

const guide = 'AMD SEV-SNP host guide';

function yesNo(output: { code: number | null; stdout: string }): 'yes' | 'no' | undefined {
  if (output.code !== 0) return undefined;
  const value = output.stdout.trim();
  return /^[Y1]$/i.test(value) ? 'yes' : /^[N0]$/i.test(value) ? 'no' : undefined;
}

const noFile = (stderr: string): boolean => /no such file/i.test(stderr);

/** What the kernel says when SEV-SNP does not come up, and what it means. */
const kernelComplaints: readonly (readonly [RegExp, string, string])[] = [
  [
    /RMP table has not been reserved/i,
    'The BIOS did not reserve memory for the RMP table.',
    'Switch "SNP Memory (RMP Table) Coverage" on in the BIOS, with SEV-SNP, and reboot.',
  ],
  [
    /IOMMU disabled or configured in passthrough/i,
    'The IOMMU is off or in passthrough mode, and SEV-SNP needs it.',
    'Switch the IOMMU on in the BIOS and take iommu=pt and amd_iommu=off off the kernel command line, then reboot.',
  ],
  [
    /SEV(-SNP)?: failed to INIT/i,
    'The security processor refused to start SEV-SNP.',
    'Update the BIOS and the SEV firmware; error 0x3 mostly means that the RMP table or the firmware does not fit.',
  ],
];

export const platformProbes: readonly HostProbe[] = [
  {
    number: 1,
    id: 'snp-kvm',
    title: 'SEV-SNP on in KVM',
    group: 'platform',
    command: 'cat /sys/module/kvm_amd/parameters/sev_snp',
    needsRoot: false,
    judge(output) {
      const answer = yesNo(output);
      if (answer === 'yes') return ok('on');
      if (answer === 'no') return bad('off');
      if (noFile(output.stderr))
        return bad('the parameter is missing', 'kvm_amd is not loaded, or the kernel does not know SEV-SNP.');
      return unknown('an answer nobody understands');
    },
    meaning: 'KVM cannot start confidential VMs.',
    fix: {
      text: 'Switch SEV-SNP on in the BIOS and boot a kernel 6.11 or newer; probes 2, 6 and 7 tell what is missing.',
    },
    source: 'kernel parameter; virtee/snphost',
  },
  {
    number: 2,
    id: 'cpu-flag',
    title: 'CPU has SEV-SNP',
    group: 'platform',
    command: 'grep -ow -m1 sev_snp /proc/cpuinfo',
    needsRoot: false,
    judge(output) {
      if (output.code === 0 && output.stdout.trim() === 'sev_snp') return ok('sev_snp');
      if (output.code === 1 && output.stdout.trim() === '') return bad('no sev_snp flag');
      return unknown('/proc/cpuinfo could not be read');
    },
    meaning: 'SEV-SNP is off in the BIOS, or this is not an AMD EPYC 7003 or newer.',
    fix: { text: 'Switch SEV-SNP on in the BIOS (SMEE, SEV, SEV-SNP), or use another machine.' },
    source: 'kernel',
  },
  {
    number: 3,
    id: 'devices',
    title: 'Devices sev and kvm',
    group: 'platform',
    command: 'ls -l /dev/sev /dev/kvm',
    needsRoot: false,
    judge(output) {
      const there = (name: string) => new RegExp(`^c.*${name}$`, 'm').test(output.stdout);
      const missing = ['/dev/sev', '/dev/kvm'].filter((name) => !there(name));
      if (missing.length === 0) return ok('both there');
      if (missing.some((name) => output.stdout.includes(name)))
        return bad(`${missing.join(' and ')} is not a device`);
      if (!noFile(output.stderr)) return unknown('the devices could not be listed');
      return bad(`${missing.join(' and ')} missing`);
    },
    meaning: 'Without /dev/sev the security processor is not initialised; without /dev/kvm there is no KVM.',
    fix: { text: 'Load the modules ccp and kvm_amd; the kernel log (probe 6) tells why they refuse.' },
    source: 'kernel',
  },
  {
    number: 4,
    id: 'bare-metal',
    title: 'Bare metal',
    group: 'platform',
    command: 'systemd-detect-virt',
    needsRoot: false,
    judge(output) {
      const name = firstLine(output.stdout);
      if (name === 'none') return ok('none');
      if (!/^[a-z][a-z0-9-]*$/.test(name)) return unknown('an answer nobody understands');
      return bad(name, 'This host is itself a VM or a container: there is no nested SEV-SNP.');
    },
    meaning: 'This host is itself a VM or a container.',
    fix: { text: 'Use a physical machine.' },
    source: 'systemd',
  },
  {
    number: 5,
    id: 'snphost',
    title: 'snphost ok',
    group: 'platform',
    command: 'sudo -n snphost ok',
    needsRoot: true,
    judge(output) {
      const tests = [...output.stdout.matchAll(/\[\s*(PASS|FAIL|SKIP)\s*\]\s*-?\s*(.+)/g)];
      const failed = tests.filter(([, result]) => result === 'FAIL').map(([, , name]) => (name ?? '').trim());
      if (failed.length > 0)
        return bad(
          `${failed.length} of ${tests.length} failed: ${failed.slice(0, 3).join('; ')}`,
          'The host tool found SEV-SNP not ready. It has reported falsely before: compare with probes 1, 3 and 6.',
        );
      if (output.code === 0 && tests.length > 0) return ok(`${tests.length} passed`);
      return unknown('an answer nobody understands');
    },
    meaning: 'The host tool found SEV-SNP not ready.',
    fix: { text: 'Each failed line names what to change in BIOS, firmware or kernel.' },
    source: 'virtee/snphost; false reports #108 #125 #127',
  },
  {
    number: 6,
    id: 'kernel-log',
    title: 'Kernel log about SEV-SNP',
    group: 'platform',
    command:
      '{ dmesg 2>/dev/null || sudo -n dmesg || sudo -n journalctl -k -b --no-pager; } | ' +
      "grep -iE 'sev|snp|rmp table|ccp' | tail -n 200",
    needsRoot: true,
    judge(output): Verdict {
      for (const [pattern, meaning, text] of kernelComplaints) {
        const line = output.stdout.split('\n').find((one) => pattern.test(one));
        if (line !== undefined) return bad(line.trim().slice(0, 160), meaning, { text });
      }
      const enabled = /SEV-SNP enabled \(ASIDs [^)]*\)/.exec(output.stdout)?.[0];
      if (enabled !== undefined) return ok(enabled);
      const api = /SEV-SNP API:\S+( build:\S+)?/.exec(output.stdout)?.[0];
      if (api !== undefined) return ok(api);
      return unknown(
        'no line about SEV-SNP',
        'The log of this boot may have been overwritten, or SEV-SNP was never tried.',
      );
    },
    meaning: 'The kernel could not bring SEV-SNP up.',
    fix: { text: 'Follow the line the kernel wrote.' },
    source: 'AMDESE/AMDSEV#68 #197 #113 #271',
  },
  {
    number: 7,
    id: 'boot-options',
    title: 'Kernel command line',
    group: 'platform',
    command: 'cat /proc/cmdline',
    needsRoot: false,
    judge(output) {
      if (output.code !== 0 || output.stdout.trim() === '') return unknown('/proc/cmdline could not be read');
      const found = output.stdout
        .trim()
        .split(/\s+/)
        .filter((word) => /^(iommu=pt|amd_iommu=off|iommu\.passthrough=1|iommu=off)$/.test(word));
      if (found.length === 0) return ok('nothing against SEV-SNP');
      return bad(found.join(' '), undefined, {
        text: `Take ${found.join(' and ')} off GRUB_CMDLINE_LINUX in /etc/default/grub, then update the boot loader and reboot.`,
      });
    },
    meaning: 'The IOMMU is off or passed through, and SEV-SNP refuses to start with that.',
    fix: { text: 'Take the option off the kernel command line and reboot.' },
    source: 'AMDESE/AMDSEV#113',
  },
  {
    number: 8,
    id: 'debug-swap',
    title: 'Debug swap',
    group: 'platform',
    command: 'cat /sys/module/kvm_amd/parameters/debug_swap',
    needsRoot: false,
    judge(output) {
      const answer = yesNo(output);
      if (answer === 'no') return ok('off');
      if (answer === 'yes') return warn('on');
      if (noFile(output.stderr)) return ok('this kernel does not have it');
      return unknown('an answer nobody understands');
    },
    meaning:
      'SEV features are 0x21 instead of 0x1: the measurement of every VM here is the second of the two expected ones.',
    fix: {
      text: 'Load kvm_amd with debug_swap=0, or put the measurement with debug swap into the policy.',
      commands: ["echo 'options kvm_amd debug_swap=0' | sudo tee /etc/modprobe.d/kvm-amd-debug-swap.conf"],
    },
    source: 'sev-snp-measure#32 #37, AMDESE/AMDSEV#195',
  },
  {
    number: 9,
    id: 'kernel',
    title: 'Kernel version',
    group: 'platform',
    command: 'uname -r',
    needsRoot: false,
    judge(output) {
      const version = /^(\d+\.\d+)(?:[.\-+]|$)/.exec(output.stdout.trim())?.[1];
      if (version === undefined) return unknown('an answer nobody understands');
      const shown = firstLine(output.stdout);
      return atLeast(version, [6, 11]) ? ok(shown) : warn(shown);
    },
    meaning: 'SEV-SNP hosting came into the kernel with 6.11; an older one needs the vendor’s backport.',
    fix: { text: 'Boot a kernel 6.11 or newer, or one whose vendor says that it hosts SEV-SNP.' },
    source: 'AMDESE/AMDSEV',
  },
  {
    number: 12,
    id: 'c-bit',
    title: 'C-bit position',
    group: 'platform',
    command:
      "grep -m1 vendor_id /proc/cpuinfo; grep -m1 'cpu family' /proc/cpuinfo; grep -m1 -w 'model' /proc/cpuinfo; " +
      'sudo -n dd if=/dev/cpu/0/cpuid bs=16 count=1 iflag=skip_bytes skip=2147483679 2>/dev/null | od -An -t u4',
    needsRoot: false,
    skip: ({ image }) =>
      image?.cBitPosition === undefined ? 'no image with a known C-bit position' : undefined,
    judge(output, { image }) {
      const wanted = image?.cBitPosition;
      const position = cBitOf(output.stdout);
      if (position === undefined)
        return unknown(
          'the position of this CPU could not be read',
          'It stands in CPUID 0x8000001F, which needs root and the cpuid module.',
        );
      return position === wanted
        ? ok(`${position}`)
        : bad(`CPU ${position}, launch_vm.sh ${wanted}`, undefined, {
            text: `Have the image built for this kind of CPU (cbitpos=${position}).`,
          });
    },
    meaning: 'The VM dies at its start when cbitpos of launch_vm.sh is not the one of the CPU.',
    fix: { text: 'Have the image built for this kind of CPU.' },
    source: `AMD manuals; ${guide}; NVFlare#3510`,
  },
];

/**
 * From CPUID 0x8000001F EBX bits 5:0 where it could be read, else from the CPU: Genoa and Turin have 51. Sources differ
 * about Milan, so its family alone is no answer.
 */
function cBitOf(text: string): number | undefined {
  if (!/vendor_id\s*:\s*AuthenticAMD/.test(text)) return undefined;
  const numbers = /^\s*\d+\s+(\d+)\s+\d+\s+\d+\s*$/m.exec(text);
  const position = numbers ? Number(numbers[1]) & 0x3f : 0;
  // Below 32 there is memory: a hypervisor or another leaf answered.
  if (position >= 32) return position;
  const family = Number(/cpu family\s*:\s*(\d+)/.exec(text)?.[1]);
  const model = Number(/^model\s*:\s*(\d+)/m.exec(text)?.[1]);
  if (family === 26) return 51;
  if (family === 25 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf))) return 51;
  return undefined;
}
