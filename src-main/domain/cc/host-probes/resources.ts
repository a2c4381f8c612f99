/** Probes 20–22: disk, memory, clock (docs/reference/confidential-computing.md §5). */
import { bad, bytesText, type HostProbe, memoryBytes, ok, unknown, warn } from './probe.ts';

const gibibyte = 1024 ** 3;
/** Archive and unpacked files lie side by side while unpacking, and drives grow to their virtual size. */
export const diskFactor = 2.2;
const leastHostMemory = 64 * gibibyte;
const skewWarnSeconds = 5;
const skewBadSeconds = 60;

const nearest =
  'near=$1; case $near in "~"|"~/"*) near=$HOME${near#"~"} ;; esac; ' +
  'while [ ! -e "$near" ] && [ "$near" != / ] && [ "$near" != . ]; do near=$(dirname "$near"); done; ';

export const resourceProbes: readonly HostProbe[] = [
  {
    number: 20,
    id: 'disk',
    title: 'Free space',
    group: 'resources',
    command: `${nearest}df -PB1 -- "$near" && df -Pi -- "$near"`,
    values: ({ directory }) => [directory],
    needsRoot: false,
    judge(output, { image }) {
      const rows = output.stdout
        .split('\n')
        .map((line) => /\s(\d+)\s+(\d+)\s+(\d+)\s+\d+%\s/.exec(line))
        .filter((row) => row !== null);
      const [space, inodes] = rows;
      if (!space) return unknown('an answer nobody understands');
      const free = Number(space[3]);
      if (inodes && Number(inodes[1]) > 0 && Number(inodes[3]) < 1000)
        return bad('almost no inodes are left');
      if (!image) return ok(`${bytesText(free)} free`);
      const needed = image.bytes * diskFactor;
      // What is unpacked already does not need its place again.
      return free >= needed || image.folder !== undefined
        ? ok(`${bytesText(free)} free`)
        : bad(`${bytesText(free)} free, ${bytesText(needed)} needed`);
    },
    meaning:
      'The image does not fit while it is unpacked; its drives grow later, the root drive up to 45 GB.',
    fix: { text: 'Free some space, or name a directory on another disk in desk.yml.' },
    source: 'docs/reference §5',
  },
  {
    number: 21,
    id: 'memory',
    title: 'Memory',
    group: 'resources',
    command: "grep -E '^Mem(Total|Available):' /proc/meminfo",
    needsRoot: false,
    judge(output, { image }) {
      const of = (name: string) => {
        const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(output.stdout)?.[1];
        return found === undefined ? undefined : Number(found) * 1024;
      };
      const available = of('MemAvailable');
      const total = of('MemTotal');
      if (available === undefined || total === undefined) return unknown('an answer nobody understands');
      const wanted = image?.memory === undefined ? undefined : memoryBytes(image.memory);
      if (wanted !== undefined && available < wanted * 1.1)
        return bad(`${bytesText(available)} available, the VM takes ${bytesText(wanted)}`);
      if (total < leastHostMemory)
        return warn(`${bytesText(total)} in the host`, 'The guide asks for 64 GiB.');
      return ok(`${bytesText(available)} available`);
    },
    meaning:
      'The memory of a confidential VM is pinned: it cannot be swapped, and the start fails without it.',
    fix: { text: 'End other programs, or give the VM less memory; memory is not measured.' },
    source: 'NVFlare#5032',
  },
  {
    number: 22,
    id: 'clock',
    title: 'Clock',
    group: 'resources',
    command: 'date +%s.%N; timedatectl show -p NTPSynchronized --value 2>/dev/null; true',
    needsRoot: false,
    judge(output) {
      const there = /^(\d{9,12})(?:\.(\d+))?$/m.exec(output.stdout);
      if (!there) return unknown('an answer nobody understands');
      const theirs = Number(there[1]) + (there[2] === undefined ? 0.5 : Number(`0.${there[2]}`));
      const skew = theirs - (output.sentAt + output.receivedAt) / 2000;
      const doubt = (output.receivedAt - output.sentAt) / 2000;
      const shown = `${skew < 0 ? '−' : '+'}${Math.abs(skew).toFixed(1)} s`;
      const distance = Math.abs(skew) - doubt;
      if (distance >= skewBadSeconds) return bad(shown);
      if (distance >= skewWarnSeconds) return warn(shown);
      if (/^no$/m.test(output.stdout))
        return warn(`${shown}, not synchronised`, 'The clock is right now and will drift.');
      return ok(shown);
    },
    meaning: 'Certificates and tokens look expired or not yet valid.',
    fix: { text: 'Switch time synchronisation on.', commands: ['sudo timedatectl set-ntp true'] },
    source: 'tolerance of the key broker, docs/reference §4.1',
  },
];
