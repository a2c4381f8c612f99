/** The probes on real sshd hosts whose tools are stand-ins: healthy, unhealthy, mute, slow, refusing, babbling. */
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkHosts, type HostCheck, type HostTarget } from '../../../src-main/services/hosts/index.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { sshSettings, targetOn } from '../sites/site-bench.ts';

let folder: string;
let sshd: Sshd;
let ssh: ReturnType<typeof sshSettings>;

beforeAll(async () => {
  folder = await newLabFolder('probes');
  sshd = await startSshd({ folder: join(folder, 'sshd') });
  ssh = sshSettings(folder, sshd.user);
}, 30_000);
afterAll(() => sshd.stop());

/** A folder of programs that say what is given, for `path`. */
function tools(name: string, programs: Record<string, string>): string {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  for (const [program, body] of Object.entries(programs)) {
    writeFileSync(join(at, program), `#!/bin/sh\n${body}\n`);
    chmodSync(join(at, program), 0o755);
  }
  return at;
}

const host = (name: string, path: string[], context: Partial<HostTarget['context']> = {}): HostTarget => ({
  site: targetOn(sshd, join(folder, 'flare'), { name, path }),
  context: { gpu: false, ...context },
});
const of = (check: HostCheck | undefined, id: string) => check?.probes.find((probe) => probe.id === id);

const healthy = {
  'systemd-detect-virt': 'echo none; exit 1',
  snphost: 'echo "[ PASS ] - AMD CPU"; echo "[ PASS ] - SEV-SNP: ENABLED"',
  dmesg: 'echo "[    5.1] kvm_amd: SEV-SNP enabled (ASIDs 1 - 99)"',
  uname: 'echo 6.14.0-29-generic',
  'qemu-system-x86_64':
    'if [ "$1" = --version ]; then echo "QEMU emulator version 9.2.1"; else echo "  sev-snp-guest"; fi',
  curl: 'echo 200',
  sudo: 'while [ "${1#-}" != "$1" ]; do shift; done; "$@"',
};

test('two hosts side by side: one healthy where its tools say so, one not', async () => {
  const good = host('good', [tools('good', healthy)], { kbs: 'https://kbs:8999' });
  const poor = host('poor', [
    tools('poor', {
      ...healthy,
      'systemd-detect-virt': 'echo kvm',
      dmesg: 'echo "SEV-SNP: Memory for the RMP table has not been reserved by BIOS"',
      uname: 'echo 6.8.0-60-generic',
      'qemu-system-x86_64': 'if [ "$1" = --version ]; then echo "QEMU emulator version 7.2.15 (Debian)"; fi',
      snphost: 'printf "\\033[31m[ FAIL ]\\033[0m - RMP table\\n"; exit 1',
      curl: 'exit 7',
    }),
  ]);
  const before = readdirSync(folder, { recursive: true }).length;
  const [first, second] = await checkHosts({ targets: [good, poor], ssh });
  expect(first?.error).toBeUndefined();
  expect(first?.probes).toHaveLength(33);
  for (const id of ['bare-metal', 'snphost', 'kernel-log', 'kernel', 'qemu', 'clock', 'kbs', 'vendors'])
    expect(of(first, id), id).toMatchObject({ state: 'ok' });
  expect(of(first, 'kernel-log')).toMatchObject({ summary: 'SEV-SNP enabled (ASIDs 1 - 99)', code: 0 });
  expect(of(first, 'kernel-log')?.output).toContain('kvm_amd');
  expect(Date.parse(of(first, 'kernel')?.at ?? '')).toBeGreaterThan(Date.now() - 60_000);
  expect(of(first, 'kbs')?.command).toContain('"https://kbs:8999/metrics"');

  for (const [id, state] of [
    ['bare-metal', 'bad'],
    ['kernel-log', 'bad'],
    ['kernel', 'warn'],
    ['qemu', 'bad'],
    ['snphost', 'bad'],
    ['vendors', 'bad'],
  ] as const) {
    const probe = of(second, id);
    expect(probe?.state, id).toBe(state);
    expect(probe?.meaning, id).toBeTruthy();
    expect(probe?.fix?.text, id).toBeTruthy();
  }
  expect(of(second, 'snphost')?.output).not.toContain('\u001b');
  expect(second?.state).toBe('bad');
  expect(readdirSync(folder, { recursive: true }).length).toBe(before);
});

test('this machine itself answers all probes without a fault of ours', async () => {
  const [check] = await checkHosts({
    targets: [host('real', [tools('offline', { curl: 'exit 28' })])],
    ssh,
  });
  expect(check?.error).toBeUndefined();
  expect(check?.probes.map(({ number }) => number)).toEqual(Array.from({ length: 33 }, (_, at) => at + 1));
  expect(of(check, 'memory')?.summary).toMatch(/GiB/);
  expect(of(check, 'disk')?.summary).toMatch(/free/);
  expect(of(check, 'clock')?.state).not.toBe('unknown');
});

test('what desk.yml and the image name is asked from the site’s own host; what they do not name is said so', async () => {
  const asked = {
    ...healthy,
    curl: 'for word in "$@"; do :; done; case $word in *sys/health) echo 503 ;; *) echo 200 ;; esac',
    socat:
      'cat > /dev/null; [ "$4" = "UNIX-CONNECT:/run/qmp.sock" ] || exit 3; echo \'{"return": {"status": "running"}}{"return": {"sev-type": "sev-snp"}}\'',
    showmount: '[ "$3" = nfs.lab ] && echo "/exports/study *"',
    getent: '[ "$2" = server1.lab ] && echo "10.0.0.5 STREAM server1.lab"; exit 2',
    bash: 'exit 0',
  };
  const image = { bytes: 1, forwards: [], vmId: 'x', qmpSocket: '/run/qmp.sock' };
  const named = host('named', [tools('named', asked)], {
    image,
    kbs: 'https://kbs:8999',
    vault: 'https://vault:8200',
    nfsServer: 'nfs.lab',
    names: ['server1.lab', 'no-such-host.invalid'],
  });
  const bare = host('bare', [tools('bare', healthy)]);
  const probes = ['qmp', 'vault', 'nfs', 'names'];
  const [one, two] = await checkHosts({ targets: [named, bare], ssh, probes });
  expect(one?.error).toBeUndefined();
  expect(of(one, 'qmp')).toMatchObject({ state: 'ok', summary: 'running, sev-snp' });
  expect(of(one, 'vault')).toMatchObject({ state: 'bad', summary: 'sealed' });
  expect(of(one, 'nfs')).toMatchObject({ state: 'ok', summary: '1 exports' });
  expect(of(one, 'names')).toMatchObject({ state: 'bad', summary: 'no-such-host.invalid not found' });
  expect(of(one, 'names')?.output).toContain('server1.lab 10.0.0.5');
  expect(of(one, 'names')?.fix?.text).toContain('hosts_entries');
  for (const id of ['qmp', 'vault', 'nfs']) {
    expect(of(two, id)?.state, id).toBe('not_applicable');
    expect(of(two, id)?.summary, id).toMatch(/^not asked: /);
    expect(of(two, id)?.fix?.text, id).toBeTruthy();
  }
  // The resolver of the host itself.
  const real = host('own', [], { names: ['localhost'] });
  const [own] = await checkHosts({ targets: [real], ssh, probes: ['names'] });
  expect(of(own, 'names')?.state).toBe('ok');
});

test('no rights, no tool, no end and babble are unknown, never healthy', async () => {
  const odd = host('odd', [
    tools('odd', {
      sudo: 'echo "sudo: a password is required" >&2; exit 1',
      dmesg: 'echo "dmesg: read kernel buffer failed: Operation not permitted" >&2; exit 1',
      id: 'echo 1000',
      uname: 'sleep 30',
      'systemd-detect-virt': 'yes "Système d’exploitation"',
      curl: 'echo "curl: not found" >&2; exit 127',
    }),
  ]);
  const began = performance.now();
  const [check] = await checkHosts({
    targets: [odd],
    ssh,
    probes: ['snphost', 'kernel-log', 'kernel', 'bare-metal', 'vendors', 'kvm-access'],
  });
  expect(performance.now() - began).toBeLessThan(20_000);
  expect(of(check, 'snphost')).toMatchObject({ state: 'unknown', summary: 'needs root' });
  expect(of(check, 'kernel-log')).toMatchObject({ state: 'unknown', summary: 'needs root' });
  expect(of(check, 'kernel')).toMatchObject({ state: 'unknown', summary: 'no answer within 10 s' });
  expect(of(check, 'bare-metal')?.state).toBe('unknown');
  expect(of(check, 'bare-metal')?.output?.length).toBeLessThanOrEqual(16 * 1024);
  expect(of(check, 'vendors')?.state).toBe('unknown');
  expect(of(check, 'kvm-access')?.summary).toContain('password');
});

test('a host that is away is told beside the others; a cancel is heard at once', async () => {
  const away = host('away', []);
  away.site = { ...away.site, ssh: { ...away.site.ssh, port: 1 } };
  const near = host('near', [tools('slow', { uname: 'sleep 30' })]);
  const [one, two] = await checkHosts({ targets: [away, near], ssh, probes: ['boot-options'] });
  expect(one).toMatchObject({ name: 'away', state: 'failed', error: { code: 'unreachable' } });
  expect(two?.error).toBeUndefined();
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(), 500);
  const began = performance.now();
  const [cut] = await checkHosts({ targets: [near], ssh, probes: ['kernel'] }, { signal: cancel.signal });
  expect(cut?.state).toBe('cancelled');
  expect(performance.now() - began).toBeLessThan(1_500);
});

test('no key and no file of the host is in an answer', async () => {
  const leaky = host('leaky', [tools('leaky', { uname: `echo 6.14.0 ${'0f'.repeat(64)}` })]);
  const [check] = await checkHosts({ targets: [leaky], ssh, probes: ['kernel'] });
  expect(JSON.stringify(check)).not.toContain('0f0f0f');
  expect(statSync(folder).isDirectory()).toBe(true);
});
