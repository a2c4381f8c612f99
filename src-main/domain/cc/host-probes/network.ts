/** Probes 23–25, 31 and 33: what the site reaches. The VM has its own firewall: host and guest may differ (§5). */
import {
  bad,
  firstLine,
  type HostProbe,
  ok,
  type ProbeOutput,
  unknown,
  type Verdict,
  warn,
} from './probe.ts';

const curl = "curl -sS -m 5 -o /dev/null -w '%{http_code}\\n'";

/** What the exit code of curl says; undefined when a server answered. */
function unreachable({ code, stderr }: ProbeOutput): Verdict | undefined {
  switch (code) {
    case 0:
      return undefined;
    case 6:
      return bad('the name does not resolve');
    case 7:
      return bad('refused or not routed');
    case 28:
      return bad('no answer within 5 s', 'A firewall drops the packets.');
    case 35:
    case 60:
      return warn(
        'reachable, TLS not trusted',
        'A server answered, but this host does not trust its certificate; the VM brings its own.',
      );
    default:
      return unknown(firstLine(stderr).slice(0, 120) || 'an answer nobody understands');
  }
}

function reached(output: ProbeOutput): Verdict {
  const failed = unreachable(output);
  if (failed) return failed;
  const status = firstLine(output.stdout);
  return /^[1-5]\d\d$/.test(status) ? ok(`answers ${status}`) : unknown('an answer nobody understands');
}

export const networkProbes: readonly HostProbe[] = [
  {
    number: 23,
    id: 'kbs',
    title: 'Key broker',
    group: 'network',
    command: `${curl} -- "$1/metrics"`,
    values: ({ kbs }) => [kbs ?? ''],
    needsRoot: false,
    skip: ({ kbs }) => (kbs === undefined ? 'not asked: no key broker is named in desk.yml' : undefined),
    ask: { text: 'Write "kbs: { address: https://NAME:8999 }" in desk.yml.' },
    judge: reached,
    meaning: 'The VM cannot get its disk key, and does not boot.',
    fix: {
      text: 'Open the way from this host to the key broker; port 8999 must also be among allowed_out_ports.',
    },
    source: 'docs/reference §4.1',
  },
  {
    number: 24,
    id: 'vault',
    title: 'Vault',
    group: 'network',
    command: `${curl} -- "$1/v1/sys/health"`,
    values: ({ vault }) => [vault ?? ''],
    needsRoot: false,
    skip: ({ vault }) => (vault === undefined ? 'not asked: no vault is named in desk.yml' : undefined),
    ask: { text: 'Write "vault: https://NAME:8200" under "kbs" in desk.yml.' },
    judge(output) {
      const failed = unreachable(output);
      if (failed) return failed;
      const status = firstLine(output.stdout);
      if (status === '200') return ok('unsealed');
      if (status === '429' || status === '473') return ok('standby');
      if (status === '503') return bad('sealed');
      if (status === '501') return bad('not initialised');
      return unknown(`answers ${status}`);
    },
    meaning: 'The key broker cannot read its keys.',
    fix: { text: 'Unseal the vault.' },
    source: 'Vault documentation',
  },
  {
    number: 25,
    id: 'vendors',
    title: 'AMD and NVIDIA services',
    group: 'network',
    command:
      'for name in "$@"; do printf "%s " "$name"; ' +
      `${curl} -- "https://$name/" || echo "failed $?"; done; true`,
    values: ({ gpu }) => ['kdsintf.amd.com', ...(gpu ? ['nras.attestation.nvidia.com'] : [])],
    needsRoot: false,
    judge(output, { gpu }) {
      if (/\bfailed 127\b/.test(output.stdout)) return unknown('curl is not installed');
      const names = ['kdsintf.amd.com', ...(gpu ? ['nras.attestation.nvidia.com'] : [])];
      const answered = (name: string) =>
        new RegExp(`^${name.replaceAll('.', '\\.')} [1-5]\\d\\d$`, 'm').test(output.stdout);
      const silent = names.filter((name) => !answered(name));
      if (silent.length === 0) return ok('reachable');
      if (!silent.every((name) => output.stdout.includes(name)))
        return unknown('an answer nobody understands');
      return bad(`${silent.join(', ')} not reachable`);
    },
    meaning:
      'A report whose certificate is not cached cannot be verified: the check fails and the federation stops.',
    fix: { text: 'Open port 443 to these names, for the host and among allowed_out_ports.' },
    source: 'trustee#1512, NVFlare#5284',
  },
  {
    number: 31,
    id: 'nfs',
    title: 'NFS server of the user data',
    group: 'network',
    command:
      'showmount -e --no-headers "$1"; for port in 111 2049; do ' +
      'if timeout 4 bash -c \'exec 3<>"/dev/tcp/$1/$2"\' probe "$1" "$port" 2>/dev/null; then echo "open $port"; else echo "closed $port"; fi; done',
    values: ({ nfsServer }) => [nfsServer ?? ''],
    needsRoot: false,
    seesMissing: true,
    skip: ({ nfsServer }) =>
      nfsServer === undefined ? 'not asked: no NFS server is known for this site' : undefined,
    ask: {
      text: 'User data on the site’s own drive need none. For an export, write "nfs: SERVER" for this site in desk.yml, under "hosts".',
    },
    judge(output) {
      const closed = [...output.stdout.matchAll(/^closed (\d+)$/gm)].map((match) => match[1] ?? '');
      if (closed.length > 0) return bad(`port ${closed.join(' and ')} closed`);
      if (!/^open 2049$/m.test(output.stdout)) return unknown('an answer nobody understands');
      const exports = output.stdout.split('\n').filter((line) => line.startsWith('/')).length;
      return exports > 0
        ? ok(`${exports} exports`)
        : warn(
            'reachable, exports not listed',
            'The export must be "insecure" and must not squash the VM’s user.',
          );
    },
    meaning: 'The VM starts without its data.',
    fix: {
      text: 'Open ports 111 and 2049; both must have been among allowed_out_ports when the image was built, and the export must be "insecure".',
    },
    source: 'guide 4.3',
  },
  {
    number: 33,
    id: 'names',
    title: 'Names the site connects to',
    group: 'network',
    command:
      'command -v getent >/dev/null || { echo "getent: not found" >&2; exit 127; }; for name in "$@"; do ' +
      'found=$(getent ahosts "$name" | cut -d " " -f 1 | sort -u | head -n 4 | tr "\\n" " "); echo "$name ${found:-none}"; done',
    values: ({ names }) => names ?? [],
    needsRoot: false,
    skip: ({ names }) =>
      names === undefined || names.length === 0
        ? 'it connects to addresses or to names sealed in its image'
        : undefined,
    judge({ stdout }, { names = [] }) {
      const found = new Map(
        stdout.split('\n').map((line) => {
          const [name = '', ...addresses] = line.trim().split(' ');
          return [name, addresses];
        }),
      );
      const silent = names.filter((name) => (found.get(name)?.length ?? 0) === 0);
      if (silent.length > 0) return unknown('an answer nobody understands');
      const missing = names.filter((name) => found.get(name)?.[0] === 'none');
      if (missing.length > 0) return bad(`${missing.join(', ')} not found`);
      return ok(names.map((name) => `${name} ${found.get(name)?.[0] ?? ''}`).join(', '));
    },
    meaning: 'The VM asks the resolver of its host: it does not find whom it connects to.',
    fix: {
      text: 'Add the name to DNS or to /etc/hosts of this host, or seal it in the image: hosts_entries of the cc_config file, then build again.',
    },
    source: 'guide 2.3; looked up where the VM runs',
  },
];
