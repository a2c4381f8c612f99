/** Every row of the probe table against what a healthy and an unhealthy host said, and against no answer at all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contradictions,
  type HostProbe,
  hostProbes,
  judgeProbe,
  type ProbeContext,
  type ProbeOutput,
  type ProbeState,
  shownCommand,
} from '../../../../src-main/domain/cc/host-probes/index.ts';

const said = (stdout: string, more: Partial<ProbeOutput> = {}): ProbeOutput => ({
  code: 0,
  stdout,
  stderr: '',
  timedOut: false,
  sentAt: 1_700_000_000_000,
  receivedAt: 1_700_000_000_200,
  ...more,
});
const failed = (code: number, stderr: string, stdout = ''): ProbeOutput => said(stdout, { code, stderr });

const measurement = 'ab'.repeat(48);
const context: ProbeContext = {
  directory: '/opt/flare',
  image: {
    folder: '/opt/flare/site-1/images/one',
    serialLog: '/opt/flare/site-1/run/serial.log',
    bytes: 10 * 1024 ** 3,
    vmId: '885fa6b56c76',
    ovmfSha256: 'aa'.repeat(32),
    cBitPosition: 51,
    memory: '64G',
    forwards: [8002],
    qmpSocket: '/run/qmp.sock',
    measurement: { computed: true, plain: measurement, withDebugSwap: 'cd'.repeat(48) },
  },
  gpu: true,
  kbs: 'https://kbs:8999',
  vault: 'https://vault:8200',
  nfsServer: 'nfs1',
  names: ['server1', 'relay1'],
};

const vm = (pid: number, id = '885fa6b56c76') =>
  `${pid} 3600 root qemu-system-x86 qemu-system-x86_64 -bios OVMF.amdsev.fd -append root=/dev/mapper/crypt_root rw vm_id=${id} -nographic\n`;
const serial = (value: string) =>
  `VM_ID: 885fa6b56c76 Measurement: ${btoa(
    value
      .match(/../g)!
      .map((pair) => String.fromCharCode(parseInt(pair, 16)))
      .join(''),
  )}\n`;

type Case = [ProbeState, ProbeOutput, RegExp?];
const recorded: Record<string, Case[]> = {
  'snp-kvm': [
    ['ok', said('Y\n')],
    ['ok', said('1\n')],
    ['bad', said('N\n')],
    ['bad', said('0\n')],
    ['bad', failed(1, 'cat: /sys/module/kvm_amd/parameters/sev_snp: No such file or directory\n'), /missing/],
    ['unknown', failed(1, 'cat: /sys/module/kvm_amd/parameters/sev_snp: Permission denied\n')],
    ['unknown', said('perhaps\n')],
  ],
  'cpu-flag': [
    ['ok', said('sev_snp\n')],
    ['bad', failed(1, '')],
    ['unknown', failed(2, 'grep: /proc/cpuinfo: Permission denied\n')],
  ],
  devices: [
    [
      'ok',
      said(
        'crw-rw---- 1 root kvm 10, 232 Jan 1 00:00 /dev/kvm\ncrw------- 1 root root 10, 124 Jan 1 00:00 /dev/sev\n',
      ),
    ],
    [
      'bad',
      failed(
        2,
        "ls: cannot access '/dev/sev': No such file or directory\n",
        'crw-rw---- 1 root kvm 10, 232 Jan 1 00:00 /dev/kvm\n',
      ),
      /^\/dev\/sev missing$/,
    ],
    [
      'bad',
      said(
        '-rw-r--r-- 1 root root 0 Jan 1 00:00 /dev/kvm\ncrw------- 1 root root 10, 124 Jan 1 00:00 /dev/sev\n',
      ),
      /not a device/,
    ],
  ],
  'bare-metal': [
    ['ok', failed(1, '', 'none\n')],
    ['bad', said('kvm\n'), /kvm/],
    ['unknown', said('Système inconnu\n')],
  ],
  snphost: [
    ['ok', said('[ PASS ] - AMD CPU\n[ PASS ] - SEV-SNP: ENABLED\n')],
    [
      'bad',
      failed(
        1,
        'ERROR: One or more tests in snphost ok reported a failure\n',
        '[ PASS ] - AMD CPU\n[ FAIL ] - RMP table addresses: Failed to read\n',
      ),
      /1 of 2 failed: RMP table addresses/,
    ],
    ['unknown', failed(1, 'sudo: a password is required\n'), /root/],
    ['unknown', failed(127, 'sh: 1: snphost: not found\n'), /not installed/],
  ],
  'kernel-log': [
    [
      'ok',
      said(
        '[ 1.0] SEV-SNP: RMP table physical range [0x00 - 0x10]\n[ 5.1] ccp 0000:22:00.1: SEV-SNP API:1.55 build:30\n[ 9.2] kvm_amd: SEV-SNP enabled (ASIDs 1 - 99)\n',
      ),
      /ASIDs 1 - 99/,
    ],
    ['bad', said('[ 0.0] SEV-SNP: Memory for the RMP table has not been reserved by BIOS\n'), /RMP table/],
    [
      'bad',
      said('AMD-Vi: SNP: IOMMU disabled or configured in passthrough mode, SNP cannot be supported.\n'),
      /passthrough/,
    ],
    [
      'bad',
      said(
        '[ 0.1] SEV-SNP enabled (ASIDs 1 - 99)\n[ 5.0] ccp 0000:22:00.1: SEV-SNP: failed to INIT error 0x3\n',
      ),
      /0x3/,
    ],
    ['unknown', failed(1, 'sudo: a password is required\nsudo: a password is required\n'), /root/],
    ['unknown', failed(1, ''), /no line/],
  ],
  'boot-options': [
    ['ok', said('BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet\n')],
    ['bad', said('BOOT_IMAGE=/vmlinuz iommu=pt quiet\n'), /iommu=pt/],
    ['bad', said('amd_iommu=off\n'), /amd_iommu=off/],
    ['unknown', failed(1, 'cat: Permission denied\n')],
  ],
  'debug-swap': [
    ['ok', said('N\n')],
    ['ok', failed(1, 'cat: /sys/…: No such file or directory\n')],
    ['warn', said('Y\n')],
    ['unknown', failed(1, 'cat: Permission denied\n')],
  ],
  kernel: [
    ['ok', said('6.11.0-26-generic\n')],
    ['ok', said('7.0.1\n')],
    ['warn', said('6.8.0-60-generic\n'), /6\.8\.0/],
    ['unknown', said('FreeBSD\n')],
  ],
  qemu: [
    [
      'ok',
      said(
        'QEMU emulator version 9.2.1 (Debian)\nList of user creatable objects:\n  sev-guest\n  sev-snp-guest\n',
      ),
      /9\.2\.1/,
    ],
    [
      'bad',
      said('QEMU emulator version 7.2.15 (Debian 1:7.2+dfsg)\n  sev-guest\n'),
      /7\.2\.15, older than 9\.2/,
    ],
    ['bad', said('QEMU emulator version 9.2.0\n  sev-guest\n'), /without sev-snp-guest/],
    ['bad', failed(127, 'sh: 1: qemu-system-x86_64: not found\n'), /not installed/],
    ['unknown', said('garbage')],
  ],
  ovmf: [
    ['ok', said(`${'aa'.repeat(32)}  -\n`)],
    ['bad', said(`${'bb'.repeat(32)}  -\n`)],
    ['bad', failed(2, 'sh: 1: cannot open …: No such file\n'), /missing/],
    ['unknown', failed(1, 'Permission denied\n')],
  ],
  'c-bit': [
    [
      'ok',
      said(
        'vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n          65779        51      509          1\n',
      ),
    ],
    [
      'bad',
      said(
        'vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n     65779        47      509          1\n',
      ),
      /CPU 47, launch_vm\.sh 51/,
    ],
    ['ok', said('vendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\n')],
    ['unknown', said('vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n')],
    ['unknown', said('vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\n  1  33  3  4\n')],
    ['unknown', said('vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n  1  1  3  4\n')],
    ['unknown', said('vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\n')],
  ],
  nbd: [
    ['ok', said('/sys/module/nbd\n/dev/nbd0\n8\nfree nbd0\nfree nbd1\n'), /2 free/],
    [
      'warn',
      said('', { stderr: "ls: cannot access '/sys/module/nbd': No such file or directory\n" }),
      /not loaded/,
    ],
    ['warn', said('/sys/module/nbd\n/dev/nbd0\n8\n'), /in use/],
    ['warn', said('/sys/module/nbd\n/dev/nbd0\n0\nfree nbd0\n'), /max_part/],
  ],
  'kvm-access': [
    ['ok', said('kvm 0\ntool 0\nsudo 0\n')],
    ['warn', said('kvm 1\ntool 0\nsudo 0\n')],
    ['bad', said('kvm 1\ntool 0\nsudo 1\n'), /password/],
    ['bad', said('kvm 0\ntool 1\nsudo 0\n'), /sudo is missing/],
    ['unknown', said('???\n')],
  ],
  'vm-process': [
    ['ok', said(`    1\n${vm(4711)}end\n`), /4711/],
    [
      'ok',
      said(
        `    1\n9 1 flare sudo sudo qemu-system-x86_64 vm_id=885fa6b56c76\n${vm(4711)}${vm(5, '885fa6b56c77')}end\n`,
      ),
      /4711/,
    ],
    ['bad', said(`    1\n${vm(4711)}${vm(4712)}end\n`), /two VMs/],
    ['not_applicable', said('    1\nend\n')],
    ['unknown', said('end\n'), /not seen/],
  ],
  'image-lock': [
    [
      'ok',
      failed(
        1,
        `qemu-img: Could not open 'user_data.qcow2': Failed to get shared "write" lock\nIs another process using the image [user_data.qcow2]?\n`,
      ),
    ],
    ['not_applicable', said('image: user_data.qcow2\nfile format: qcow2\n')],
    ['bad', failed(1, "qemu-img: Could not open 'user_data.qcow2': No such file or directory\n")],
    ['unknown', failed(1, "qemu-img: Could not open 'user_data.qcow2': Permission denied\n")],
  ],
  qmp: [
    [
      'ok',
      said(
        '{"return": {"status": "running", "singlestep": false}}\n{"return": {"enabled": true, "sev-type": "sev-snp", "snp-policy": 196608, "state": "running"}}\n',
      ),
    ],
    ['bad', said('{"return": {"status": "paused"}}\n')],
    ['bad', said('{"return": {"status": "running"}}\n{"return": {"sev-type": "sev"}}\n')],
    ['unknown', failed(1, 'socat: E connect(5, AF=1 "/run/qmp.sock"): No such file or directory\n')],
  ],
  'boot-log': [
    ['ok', said(`${serial(measurement)}Retrieved key: abcd ... wxyz\n`), /measurement as expected/],
    ['ok', said(`${serial('cd'.repeat(48))}Retrieved key: abcd\n`)],
    ['bad', said(serial('ef'.repeat(48))), /differs/],
    ['warn', said(serial(measurement)), /asks for its key/],
    ['bad', said(`${serial(measurement)}Error: PolicyDeny\n`), /no rule/],
    ['bad', said(`Kernel panic - not syncing: VFS\n`), /kernel of the VM/],
    ['unknown', said('[    0.0] Linux version 6.11\n')],
    ['not_applicable', failed(1, "tail: cannot open '…': No such file or directory\n")],
  ],
  'vm-ports': [
    ['ok', said('LISTEN 0 1 0.0.0.0:8002 0.0.0.0:*\n')],
    ['not_applicable', said('LISTEN 0 1 0.0.0.0:18002 0.0.0.0:*\n')],
    ['unknown', failed(1, 'Cannot open netlink socket\n')],
  ],
  disk: [
    [
      'ok',
      said(
        'Filesystem 1B-blocks Used Available Use% Mounted on\n/dev/sda1 100000000000 1 99999999999 1% /\nFilesystem Inodes IUsed IFree IUse% Mounted on\n/dev/sda1 6553600 1 6553599 1% /\n',
      ),
    ],
    [
      'bad',
      said(
        'F B U A U% M\n/dev/sda1 100000000000 1 99999999999 1% /\nF I I I I% M\n/dev/sda1 6553600 6553599 1 100% /\n',
      ),
      /inodes/,
    ],
    ['unknown', failed(1, 'df: no file systems processed\n')],
  ],
  memory: [
    ['ok', said('MemTotal:       263000000 kB\nMemAvailable:   250000000 kB\n')],
    ['bad', said('MemTotal:       263000000 kB\nMemAvailable:   65000000 kB\n'), /the VM takes 64\.0 GiB/],
    ['unknown', said('MemTotal: many\n')],
  ],
  clock: [
    ['ok', said('1700000000.100000000\nyes\n'), /\+0\.0 s/],
    ['warn', said('1700000010.100000000\nyes\n'), /\+10\.0/],
    ['bad', said('1699999900.0\nyes\n'), /−100\.1/],
    ['warn', said('1700000000.1\nno\n'), /not synchronised/],
    ['unknown', said('Tue Nov 14\n')],
  ],
  kbs: [
    ['ok', said('200\n')],
    ['warn', failed(60, 'curl: (60) SSL certificate problem\n', '000\n'), /TLS/],
    ['bad', failed(7, 'curl: (7) Failed to connect\n', '000\n')],
    ['bad', failed(28, 'curl: (28) Timeout\n', '000\n')],
    ['bad', failed(6, 'curl: (6) Could not resolve host\n', '000\n'), /resolve/],
    ['unknown', failed(127, 'sh: 1: curl: not found\n')],
  ],
  vault: [
    ['ok', said('200\n')],
    ['ok', said('429\n')],
    ['bad', said('503\n'), /sealed/],
    ['bad', said('501\n')],
    ['unknown', said('418\n')],
  ],
  vendors: [
    ['ok', said('kdsintf.amd.com 404\nnras.attestation.nvidia.com 404\n')],
    [
      'bad',
      said('kdsintf.amd.com 000\nfailed 28\nnras.attestation.nvidia.com 200\n'),
      /^kdsintf\.amd\.com not reachable$/,
    ],
    ['unknown', said('kdsintf.amd.com failed 127\nnras.attestation.nvidia.com failed 127\n')],
  ],
  gpu: [
    [
      'ok',
      said('0000:41:00.0 3D controller [0302]: NVIDIA Corporation GH100 [10de:2331] (rev a1)\n'),
      /1 found/,
    ],
    ['bad', said('')],
    ['unknown', failed(127, 'sh: 1: lspci: not found\n')],
  ],
  'gpu-driver': [
    ['ok', said('device 0000:41:00.0 10de:2331 vfio-pci group 12\nend\n')],
    ['bad', said('device 0000:41:00.0 10de:2331 nvidia group 12\nend\n'), /nvidia/],
    ['bad', said('end\n'), /no NVIDIA/],
    ['unknown', said('')],
  ],
  'gpu-modules': [
    ['ok', said('end\n')],
    ['bad', said('nvidia_uvm\nnvidia\nend\n'), /nvidia_uvm, nvidia/],
  ],
  'gpu-cc-mode': [
    ['ok', said('0000:41:00.0 CC mode is on\n')],
    ['bad', said('0000:41:00.0 CC mode is off\n')],
    ['warn', said('0000:41:00.0 CC mode is devtools\n')],
    ['unknown', failed(1, 'sudo: a password is required\n')],
  ],
  'gpu-guest': [['unknown', said('CC status: ON\n')]],
  nfs: [
    ['ok', said('/data 10.0.0.0/8\nopen 111\nopen 2049\n')],
    ['bad', said('open 111\nclosed 2049\n'), /2049/],
    ['warn', said('open 111\nopen 2049\n', { stderr: 'sh: 1: showmount: not found\n' })],
  ],
  names: [
    ['ok', said('server1 10.0.0.5 \nrelay1 10.0.0.6 fe80::1 \n'), /server1 10\.0\.0\.5, relay1 10\.0\.0\.6/],
    ['bad', said('server1 10.0.0.5 \nrelay1 none\n'), /^relay1 not found$/],
    ['unknown', said('server1 10.0.0.5\n')],
    ['unknown', failed(127, 'getent: not found\n'), /not installed/],
  ],
  hygiene: [
    ['ok', said('errors 0 /sys/fs/ext4/sda1/errors_count\nend\n')],
    ['bad', said('errors 3 /sys/fs/ext4/sda1/errors_count\nend\n'), /3 errors on sda1/],
    ['warn', said('readonly /dev/sda2 /data ext4 ro,relatime 0 0\nend\n'), /\/data/],
    ['warn', said('swap /dev/sda3 partition 1 0 -2\nend\n'), /swap/],
    ['unknown', said('')],
  ],
};

const byId = new Map(hostProbes.map((probe) => [probe.id, probe]));
const probeOf = (id: string): HostProbe => {
  const probe = byId.get(id);
  if (!probe) throw new Error(`no probe ${id}`);
  return probe;
};

test('the table has the rows of the reference, each with its meaning, fix and source', () => {
  expect(hostProbes.map(({ number }) => number)).toEqual(Array.from({ length: 33 }, (_, index) => index + 1));
  expect(byId.size).toBe(33);
  for (const probe of hostProbes) {
    expect(probe.meaning, probe.id).not.toBe('');
    expect(probe.fix.text, probe.id).not.toBe('');
    expect(probe.source, probe.id).not.toBe('');
    expect(recorded[probe.id], `recorded answers of ${probe.id}`).toBeDefined();
  }
});

describe.each(Object.entries(recorded))('%s', (id, cases) => {
  test.each(cases.map(([state, output, words]) => ({ state, output, words })))(
    '$state: $output.stdout $output.stderr',
    ({ state, output, words }) => {
      const verdict = judgeProbe(probeOf(id), output, context);
      expect(verdict.state).toBe(state);
      if (words) expect(verdict.summary).toMatch(words);
      if (state === 'bad' || state === 'warn') {
        expect(verdict.meaning).toBeTruthy();
        expect(verdict.fix?.text).toBeTruthy();
      }
    },
  );

  test('no answer in time is unknown', () => {
    for (const output of [
      said('', { timedOut: true, code: null }),
      said('', { code: 124 }),
      said('Y\n200\nend\n', { code: null }),
    ])
      expect(judgeProbe(probeOf(id), output, context).state).toBe('unknown');
  });

  test('an empty answer that failed in an unforeseen way is never healthy', () => {
    expect(judgeProbe(probeOf(id), failed(99, 'Fehler: etwas ging schief\n'), context).state).not.toBe('ok');
  });
});

test('garbage never makes a probe healthy, and never throws', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...hostProbes),
      fc.string(),
      fc.string(),
      fc.integer({ min: 2, max: 123 }),
      (probe, out, err, code) => {
        const { state } = judgeProbe(probe, said(`~${out}`, { stderr: err, code }), context);
        expect(['warn', 'bad', 'unknown', 'not_applicable']).toContain(state);
      },
    ),
    { numRuns: 400 },
  );
});

test('probes without a subject say why they do not apply', () => {
  const bare: ProbeContext = { directory: '~/flare', gpu: false };
  const skipped = hostProbes.filter((probe) => probe.skip?.(bare) !== undefined).map(({ number }) => number);
  expect(skipped).toEqual([11, 12, 15, 16, 17, 18, 19, 23, 24, 26, 27, 28, 29, 30, 31, 33]);
  // What an admin could name is asked for in words.
  for (const id of ['qmp', 'kbs', 'vault', 'nfs']) {
    expect(probeOf(id).skip?.(bare), id).toMatch(/^not asked: /);
    expect(probeOf(id).ask?.text, id).toMatch(/desk\.yml|launch_vm\.sh/);
  }
});

test('the shown command holds the values', () => {
  expect(shownCommand(probeOf('image-lock'), context)).toBe(
    'qemu-img info -- "/opt/flare/site-1/images/one/user_data.qcow2"',
  );
  expect(shownCommand(probeOf('vendors'), context)).toContain(
    '"kdsintf.amd.com" "nras.attestation.nvidia.com"',
  );
});

test('no probe has a word in its command that changes a host', () => {
  for (const { id, command } of hostProbes)
    expect(command, id).not.toMatch(
      /\b(modprobe|rmmod|tee|rm|mv|mount|umount|kill|set-cc-mode|config set|commit|vlek-load)\b|>\s*\/(?!dev\/null)/,
    );
});

test('GPUs are bound one write per distinct device id', () => {
  const output = said(
    'device 0000:41:00.0 10de:2331 nvidia group 12\ndevice 0000:42:00.0 10de:2331 none group 13\ndevice 0000:43:00.0 10de:22a3 nouveau group 14\nend\n',
  );
  const { fix } = judgeProbe(probeOf('gpu-driver'), output, context);
  expect(fix?.commands?.filter((line) => line.includes('new_id'))).toEqual([
    'echo 10de 2331 | sudo tee /sys/bus/pci/drivers/vfio-pci/new_id',
    'echo 10de 22a3 | sudo tee /sys/bus/pci/drivers/vfio-pci/new_id',
  ]);
  expect(fix?.commands?.filter((line) => line.includes('unbind'))).toHaveLength(2);
});

test('disk space is judged against the image that is not unpacked yet', () => {
  const output = said('F B U A U% M\n/dev/sda1 100000000000 1 20000000000 1% /\n');
  const { folder: _, ...image } = context.image!;
  expect(judgeProbe(probeOf('disk'), output, { ...context, image }).state).toBe('bad');
  expect(judgeProbe(probeOf('disk'), output, context).state).toBe('ok');
});

test('contradictions between process and lock are shown', () => {
  const running = { state: 'ok', summary: 'pid 1' } as const;
  const away = { state: 'not_applicable', summary: 'not running' } as const;
  const free = { state: 'not_applicable', summary: 'free' } as const;
  const held = { state: 'ok', summary: 'held by a VM' } as const;
  const look = (process: object, lock: object) =>
    contradictions(
      new Map([
        ['vm-process', process],
        ['image-lock', lock],
      ]) as never,
    );
  expect(look(running, free).get('image-lock')?.state).toBe('warn');
  expect(look(away, held).get('vm-process')?.state).toBe('warn');
  expect(look(running, held).size).toBe(0);
  expect(look(away, free).size).toBe(0);
});
