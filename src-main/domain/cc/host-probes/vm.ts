/** Probes 15–19: the VM of this site (docs/reference/confidential-computing.md §5). */
import { redactKeys, readSerial } from '../serial.ts';
import { findVms } from '../vm-processes.ts';
import { bad, type HostProbe, ok, type ProbeContext, unknown, type Verdict, warn } from './probe.ts';

const noImage = ({ image }: ProbeContext): string | undefined =>
  image?.vmId === undefined ? 'no image with a known vm_id' : undefined;
const notDelivered = ({ image }: ProbeContext): string | undefined =>
  image?.folder === undefined ? 'no image is delivered' : undefined;
const away = (summary: string): Verdict => ({ state: 'not_applicable', summary });

/** What QEMU says when somebody else holds a drive. */
const lockHeld = /Failed to get (shared )?"write" lock|Is another process using the image/i;

export const vmProbes: readonly HostProbe[] = [
  {
    number: 15,
    id: 'vm-process',
    title: 'VM process',
    group: 'vm',
    command: "ps -p 1 -o pid= ; ps -eo pid=,etimes=,user=,comm=,args= -ww | grep -F 'qemu-system' ; echo end",
    needsRoot: false,
    skip: noImage,
    judge(output, { image }) {
      if (!/^end$/m.test(output.stdout)) return unknown('an answer nobody understands');
      const [vm, second] = findVms(output.stdout, image?.vmId ?? '');
      if (second) return bad(`two VMs: pids ${vm?.pid} and ${second.pid}`);
      if (vm) return ok(`pid ${vm.pid}, ${vm.seconds} s`);
      if (!/^\s*1\s*$/m.test(output.stdout))
        return unknown('not seen', 'This account sees its own processes only (hidepid).');
      return away('not running');
    },
    meaning: 'Two VMs of one image are clones of one site, or fight for its drives.',
    fix: { text: 'Stop the one that was not started from here; stop the site by command first.' },
    source: 'docs/reference §5',
  },
  {
    number: 16,
    id: 'image-lock',
    title: 'Lock on the drives',
    group: 'vm',
    command: 'qemu-img info -- "$1/user_data.qcow2"',
    values: ({ image }) => [image?.folder ?? ''],
    needsRoot: false,
    skip: notDelivered,
    judge(output) {
      if (lockHeld.test(output.stderr)) return ok('held by a VM');
      if (output.code === 0) return away('free');
      if (/permission denied/i.test(output.stderr)) return unknown('the drive could not be opened');
      return /no such file/i.test(output.stderr)
        ? bad('the drive is missing')
        : unknown('an answer nobody understands');
    },
    meaning: 'The image is not whole.',
    fix: { text: 'Deliver the image again.' },
    source: 'measured',
  },
  {
    number: 17,
    id: 'qmp',
    title: 'QMP',
    group: 'vm',
    command:
      'printf \'%s\\n\' \'{"execute":"qmp_capabilities"}\' \'{"execute":"query-status"}\' \'{"execute":"query-sev"}\' | ' +
      'sudo -n timeout 5 socat -t 2 - "UNIX-CONNECT:$1"',
    values: ({ image }) => [image?.qmpSocket ?? ''],
    needsRoot: true,
    skip: ({ image }) =>
      image?.qmpSocket === undefined ? 'not asked: launch_vm.sh opens no QMP socket' : undefined,
    ask: {
      text: 'A builder that writes "-qmp unix:/run/NAME.sock,server=on,wait=off" into launch_vm.sh gives it one. The script of a delivered image is not changed by hand.',
    },
    judge(output) {
      const status = /"status":\s*"([a-z-]+)"/.exec(output.stdout)?.[1];
      const sev = /"sev-type":\s*"([a-z-]+)"/.exec(output.stdout)?.[1];
      if (status === undefined) return unknown('an answer nobody understands');
      if (status !== 'running') return bad(status, 'The VM is not running.');
      if (sev === undefined) return unknown(`${status}, nothing about SEV`);
      return sev === 'sev-snp' ? ok(`${status}, ${sev}`) : bad(sev, 'The VM runs without SEV-SNP.');
    },
    meaning: 'The VM does not run as a confidential one.',
    fix: { text: 'Stop it and start the image as it was delivered.' },
    source: 'QEMU since 9.1',
  },
  {
    number: 18,
    id: 'boot-log',
    title: 'Boot log',
    group: 'vm',
    command: 'tail -c 65536 -- "$1"',
    values: ({ image }) => [image?.serialLog ?? ''],
    needsRoot: false,
    skip: ({ image }) => (image?.serialLog === undefined ? 'never launched from here' : undefined),
    judge(output, { image }) {
      if (output.code !== 0)
        return /no such file/i.test(output.stderr)
          ? away('no serial output was captured')
          : unknown('it could not be read');
      const facts = readSerial(redactKeys(output.stdout), image?.measurement);
      if (facts.stage === 'failed') return bad(facts.reason ?? 'it failed');
      if (facts.expected === 'differs')
        return bad(
          'the measurement differs',
          'The VM did not boot what the bundle holds, or not with its settings.',
        );
      const measured = facts.expected === undefined ? '' : ', measurement as expected';
      if (facts.stage === 'unlocked') return ok(`unlocked${measured}`);
      if (facts.stage === 'attesting')
        return warn(`asks for its key${measured}`, 'The key broker has not answered yet.');
      return unknown(facts.stage === 'silent' ? 'nothing yet' : 'boots');
    },
    meaning: 'The VM did not get as far as its start.',
    fix: { text: 'Read the captured serial output; the key broker’s log tells why it refused.' },
    source: 'NVFlare#3510; texts of the unpublished builder may differ',
  },
  {
    number: 19,
    id: 'vm-ports',
    title: 'Ports of the VM',
    group: 'vm',
    command: 'ss -H -ltn',
    needsRoot: false,
    skip: ({ image }) => (!image || image.forwards.length === 0 ? 'the image forwards no port' : undefined),
    judge(output, { image }) {
      if (output.code !== 0) return unknown('an answer nobody understands');
      const open = (port: number) => new RegExp(`[:.]${port}\\s`).test(output.stdout);
      const closed = (image?.forwards ?? []).filter((port) => !open(port));
      if (closed.length === 0) return ok(`${image?.forwards.join(', ')} listening`);
      if (closed.length === image?.forwards.length) return away('none is listening');
      return warn(`${closed.join(', ')} closed`);
    },
    meaning: 'The VM is not up, or another program took its place.',
    fix: { text: 'Start the site; a firewall on the host must let the port through.' },
    source: 'guide',
  },
];
