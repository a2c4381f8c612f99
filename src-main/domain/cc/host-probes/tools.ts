/** Probes 10, 11, 13, 14 and 32: programs, firmware and rights (docs/reference/confidential-computing.md §5). */
import { atLeast, bad, type HostProbe, ok, unknown, warn } from './probe.ts';

export const toolProbes: readonly HostProbe[] = [
  {
    number: 10,
    id: 'qemu',
    title: 'QEMU',
    group: 'tools',
    command: 'qemu-system-x86_64 --version && qemu-system-x86_64 -object help',
    needsRoot: false,
    seesMissing: true,
    judge(output, { gpu }) {
      if (output.code === 127) return bad('not installed', 'launch_vm.sh starts qemu-system-x86_64.');
      const version = /QEMU emulator version (\d+\.\d+(?:\.\d+)?)/.exec(output.stdout)?.[1];
      if (version === undefined) return unknown('an answer nobody understands');
      const least = gpu ? [9, 2] : [9, 1];
      if (!atLeast(version, least)) return bad(`${version}, older than ${least.join('.')}`);
      if (!/^\s*sev-snp-guest\b/m.test(output.stdout))
        return bad(`${version} without sev-snp-guest`, 'This build of QEMU leaves SEV-SNP out.');
      return ok(version);
    },
    meaning: 'SEV-SNP guests came with QEMU 9.1; handing over a GPU needs 9.2.',
    fix: {
      text: 'Install QEMU 9.2 or newer, from a newer release of the distribution or built from source.',
    },
    source: 'kubevirt/kubevirt#16407',
  },
  {
    number: 11,
    id: 'ovmf',
    title: 'Firmware of the image',
    group: 'tools',
    command: 'sha256sum < "$1"',
    values: ({ image }) => [`${image?.folder ?? ''}/OVMF.amdsev.fd`],
    needsRoot: false,
    skip: ({ image }) =>
      image?.folder === undefined
        ? 'no image is delivered'
        : image.ovmfSha256 === undefined
          ? 'the hash of the image’s firmware is not known'
          : undefined,
    judge(output, { image }) {
      const sum = /^([0-9a-f]{64})\b/.exec(output.stdout.trim())?.[1];
      if (sum === undefined)
        return /no such file/i.test(output.stderr)
          ? bad('the file is missing')
          : unknown('the file could not be read');
      return sum === image?.ovmfSha256
        ? ok(`as in the bundle, ${sum.slice(0, 12)}…`)
        : bad(`${sum.slice(0, 12)}…, not the bundle’s`);
    },
    meaning: 'Another firmware gives another measurement, and the key broker refuses the key.',
    fix: { text: 'Deliver the image again.' },
    source: 'AMDESE/AMDSEV#223',
  },
  {
    number: 13,
    id: 'nbd',
    title: 'nbd devices',
    group: 'tools',
    command:
      'ls -d /sys/module/nbd; ls /dev/nbd0; cat /sys/module/nbd/parameters/max_part; ' +
      'for device in /sys/block/nbd*; do [ -e "$device" ] && [ ! -e "$device/pid" ] && echo "free ${device##*/}"; done; true',
    needsRoot: false,
    judge(output) {
      const lines = output.stdout.split('\n').map((line) => line.trim());
      if (!lines.includes('/sys/module/nbd')) return warn('not loaded');
      const parts = Number(lines.find((line) => /^\d+$/.test(line)));
      const free = lines.filter((line) => line.startsWith('free ')).length;
      if (free === 0) return warn('every device is in use');
      if (!(parts >= 1)) return warn('max_part is 0', 'Partitions of an attached drive do not appear.');
      return ok(`${free} free`);
    },
    meaning:
      'Only the image builder and the guide’s way of filling the user data drive need it; this program does without.',
    fix: { text: 'Load it on a builder host.', commands: ['sudo modprobe nbd max_part=8'] },
    source: 'deployment guide',
  },
  {
    number: 14,
    id: 'kvm-access',
    title: 'Rights to start a VM',
    group: 'tools',
    command:
      'test -r /dev/kvm -a -w /dev/kvm; echo "kvm $?"; command -v sudo >/dev/null; echo "tool $?"; ' +
      'if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || ' +
      "sudo -n -l 2>/dev/null | grep -q 'NOPASSWD:.*qemu-system-x86_64'; then echo 'sudo 0'; else echo 'sudo 1'; fi",
    needsRoot: false,
    judge(output) {
      const value = (name: string) => new RegExp(`^${name} (\\d+)$`, 'm').exec(output.stdout)?.[1];
      if (value('sudo') === undefined || value('tool') === undefined)
        return unknown('an answer nobody understands');
      if (value('tool') !== '0')
        return bad('sudo is missing', 'launch_vm.sh calls sudo.', { text: 'Install sudo.' });
      if (value('sudo') !== '0') return bad('sudo asks for a password');
      return value('kvm') === '0'
        ? ok('sudo without a password, /dev/kvm')
        : warn(
            'sudo only',
            'The account itself may not use /dev/kvm; launch_vm.sh uses sudo, so this does no harm.',
          );
    },
    meaning: 'launch_vm.sh starts QEMU with sudo, and nobody is there to type a password.',
    fix: {
      text: 'Allow the account to start QEMU without a password (a line for visudo), and put it into the group kvm.',
      commands: [
        'echo "$USER ALL=(root) NOPASSWD: $(command -v qemu-system-x86_64)" | sudo tee /etc/sudoers.d/nvflare-cvm',
        'sudo usermod -aG kvm "$USER"',
      ],
    },
    source: 'NVFlare#3510',
  },
  {
    number: 32,
    id: 'hygiene',
    title: 'File systems and swap',
    group: 'resources',
    command:
      'for file in /sys/fs/ext4/*/errors_count; do [ -r "$file" ] && echo "errors $(cat "$file") $file"; done; ' +
      "grep -E '^/dev/.* (ext4|xfs|btrfs) ro[ ,]' /proc/mounts | sed 's/^/readonly /'; tail -n +2 /proc/swaps | sed 's/^/swap /'; echo end",
    needsRoot: false,
    judge(output) {
      if (!/^end$/m.test(output.stdout)) return unknown('an answer nobody understands');
      const errors = [...output.stdout.matchAll(/^errors ([1-9]\d*) \/sys\/fs\/ext4\/([^/\s]+)/gm)];
      if (errors.length > 0)
        return bad(`${errors[0]?.[1]} errors on ${errors[0]?.[2]}`, 'A file system of this host is damaged.');
      const readOnly = [...output.stdout.matchAll(/^readonly \S+ (\S+)/gm)].map((match) => match[1] ?? '');
      if (readOnly.length > 0)
        return warn(
          `read-only: ${readOnly.slice(0, 3).join(', ')}`,
          'The kernel mounts a file system read-only after errors.',
        );
      if (/^swap \S/m.test(output.stdout))
        return warn(
          'swap is in use',
          'The memory of a confidential VM stays encrypted, but the host gets slow.',
        );
      return ok('no errors, writable, no swap');
    },
    meaning: 'A damaged or read-only file system stops the VM’s drives.',
    fix: { text: 'Check the file system (fsck) while it is not mounted.' },
    source: 'NVFlare#5032',
  },
];
