import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLaunchScript } from '../../../../src-main/domain/cc/launch-script.ts';

const start = `qemu-system-x86_64 -enable-kvm -cpu EPYC-v4 -smp $CORES -m 64G \\
  -machine q35,confidential-guest-support=sev0 \\
  -object sev-snp-guest,id=sev0,cbitpos=51,reduced-phys-bits=1,policy=0x30000,kernel-hashes=on \\
  -bios OVMF.amdsev.fd -kernel "$DIR/vmlinuz" -initrd ./initrd.img \\
  -append "root=/dev/mapper/crypt_root rw vm_id=\${VM_ID}" \\
  -drive file=crypt_root.qcow2,if=none,id=d0 -netdev user,id=n,hostfwd=tcp::8002-:8002,hostfwd=tcp:127.0.0.1:8003-:8003 \\
  -device vfio-pci,host=41:00.0 -nographic`;
const head = `#!/bin/bash
set -euo pipefail
DIR="$(dirname "$0")"
cd "$(dirname "$(readlink -f "$0")")" # own folder
CORES=16; VM_ID='abc def'
VM_ID=0123456789ab
`;
const script = `${head}sudo ${start}\n`;
const problemsOf = (text: string): string[] =>
  readLaunchScript(text).problems.map(({ line, message }) => `${line}: ${message}`);

describe('a launch script', () => {
  it('of the documented shape is understood', () => {
    const { facts, problems } = readLaunchScript(script);
    expect(problems).toEqual([]);
    expect(facts).toEqual({
      vmId: '0123456789ab',
      cores: 16,
      cpu: 'EPYC-v4',
      memory: '64G',
      append: 'root=/dev/mapper/crypt_root rw vm_id=0123456789ab',
      cBitPosition: 51,
      policy: 0x30000,
      kernelHashes: true,
      forwards: [
        { host: 8002, guest: 8002 },
        { host: 8003, guest: 8003 },
      ],
      drives: ['crypt_root.qcow2'],
      gpus: ['41:00.0'],
    });
  });

  it('tells the socket on which QEMU takes commands, and no other kind of it', () => {
    const socketOf = (option: string) =>
      readLaunchScript(script.replace('-nographic', `${option} -nographic`)).facts.qmpSocket;
    expect(socketOf('-qmp unix:/run/cvm.sock,server=on,wait=off')).toBe('/run/cvm.sock');
    expect(socketOf('-qmp "unix:./cvm.sock,server"')).toBe('./cvm.sock');
    expect(socketOf('-qmp tcp:127.0.0.1:4444,server=on')).toBeUndefined();
    expect(socketOf(`-qmp 'unix:/run/a;b'`)).toBeUndefined();
  });

  it.each([
    [
      'checks before the start',
      `${head}if [ ! -e /dev/sev ]; then\n  echo "no SEV" >&2\n  exit 1\nfi\nsudo ${start} 2>&1 | tee boot.log\n`,
    ],
    ['single and mixed quotes', script.replace('EPYC-v4', `EP'YC'"-v4"`)],
    ['another wrapper', script.replace('sudo', 'exec nohup setsid')],
    [
      'words split out of a variable',
      script.replace('-smp $CORES', '$SMP').replace('CORES=16', 'CORES=16 SMP="-smp 16"'),
    ],
  ])('with %s is understood', (_, text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    ['a command substitution', script.replace('CORES=16', 'CORES=$(nproc)'), /nproc/],
    ['backticks', script.replace('CORES=16', 'CORES=`nproc`'), /backticks/],
    ['an argument', script.replace('CORES=16', 'CORES=$1'), /"\$1"/],
    ['a default', script.replace('$CORES', '${CORES:-8}'), /:-8/],
    ['arithmetic', script.replace('CORES=16', 'CORES=$((8*2))'), /only known when/],
    ['an unset variable', script.replace('$CORES', '$VCPUS'), /VCPUS is not set/],
    [
      'a conditional assignment',
      script.replace('CORES=16', 'if true; then CORES=8; fi; true'),
      /condition|not set/,
    ],
    ['an assignment after &&', script.replace('CORES=16', 'test -e x && CORES=8'), /condition/],
    ['a loop', script.replace('CORES=16', 'for i in 1 2; do CORES=$i; done'), /"for"/],
    ['a function', script.replace('CORES=16', 'sudo() { true; }; CORES=16'), /function/],
    ['an array', script.replace('CORES=16', 'ARGS=(a b); CORES=16'), /array/],
    ['another script', script.replace('CORES=16', '. ./settings; CORES=16'), /"\." is not understood/],
    ['eval', script.replace('CORES=16', 'eval CORES=16'), /"eval"/],
    ['read', script.replace('CORES=16', 'read CORES'), /"read"/],
    ['a here-document', script.replace('CORES=16', 'cat <<E\nx\nE\nCORES=16'), /here-document/],
    ['an open quote', script.replace('"$DIR/vmlinuz"', '"$DIR/vmlinuz'), /quote/],
    ['a file pattern', script.replace('$CORES', '1*'), /pattern/],
    ['another folder', script.replace('cd "$(dirname', 'cd /opt; cd "$(dirname'), /"cd"/],
    ['an early end', script.replace('CORES=16', 'exit 0; CORES=16'), /ends before/],
    ['a changed kernel', script.replace('CORES=16', 'echo x > vmlinuz; CORES=16'), /measured file/],
    ['another kernel', script.replace('$DIR/vmlinuz', '/boot/vmlinuz'), /-kernel is/],
    ['kernel hashes off', script.replace('kernel-hashes=on', 'kernel-hashes=off'), /kernel-hashes is not on/],
    ['no SNP guest', script.replace('sev-snp-guest', 'sev-guest'), /not confidential/],
    ['an unused SNP guest', script.replace('confidential-guest-support=sev0', 'x=y'), /does not use/],
    ['an unknown setting', script.replace('kernel-hashes=on', 'kernel-hashes=on,surprise=1'), /surprise/],
    ['two VMs', `${script}${start}\n`, /more than one VM/],
    ['a VM under a condition', script.replace('sudo', 'true && sudo'), /under a condition/],
    ['two command lines', script.replace('-nographic', '-append x'), /-append is given twice/],
    ['CPU overrides', script.replace('EPYC-v4', 'EPYC-v4,model=2'), /CPU signature/],
    ['a loader', script.replace('vfio-pci,host=41:00.0', 'loader,file=x'), /loader/],
    ['a settings file', script.replace('-nographic', '-readconfig x'), /readconfig/],
    ['flash memory', script.replace('if=none', 'if=pflash'), /pflash/],
    ['Windows lines', script.replaceAll('\n', '\r\n'), /Windows/],
    ['no VM at all', '#!/bin/sh\necho hello\n', /no command/],
    ['nothing', '', /no command/],
  ])('with %s is not certain, and says why', (_, text, words) => {
    expect(problemsOf(text).join('\n')).toMatch(words);
  });

  it('never throws or hangs, whatever is in it, and noise is never certain', () => {
    const pieces = [
      ...'$(){}[]<>|&;\'"`\\#!~*?= \n\t-',
      'if ',
      'fi\n',
      '${',
      '$(',
      '<<',
      'eval ',
      'CORES=',
      'x',
    ];
    fc.assert(
      fc.property(
        fc.nat(script.length),
        fc.array(fc.constantFrom(...pieces), { maxLength: 12 }),
        (at, added) => {
          const { problems } = readLaunchScript(script.slice(0, at) + added.join('') + script.slice(at));
          for (const { line, message } of problems) {
            expect(line).toBeGreaterThan(0);
            expect(message).not.toBe('');
          }
        },
      ),
      { seed: 20261124, numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        expect(readLaunchScript(text).problems.length).toBeGreaterThan(0);
      }),
      {
        seed: 20261124,
        numRuns: 1000,
      },
    );
  });
});
