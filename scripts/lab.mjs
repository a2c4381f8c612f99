/**
 * Prepares what the demo, the tests and the bench run against: NVFlare of both lines, one Python virtual
 * environment each, and an OpenSSH server. Everything lies in a cache folder outside the work tree and is reused.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const labFolder = () =>
  process.env.FLAREDESK_LAB ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'flaredesk-lab');

export const flareVersions = ['2.7.2', '2.8.1'];

const quiet = (command, args) => spawnSync(command, args, { encoding: 'utf8' });
const works = (command, args) => quiet(command, args).status === 0;

function stop(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** Installs Debian packages when we are root, else says the one line a person must run. */
function debian(packages, why) {
  const isRoot = process.getuid?.() === 0;
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!isRoot || !works('apt-get', ['--version'])) stop(`${why} is missing. Install it: sudo ${line}`);
  process.stderr.write(`Installing ${packages.join(', ')} (once)…\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    spawnSync('apt-get', line.split(' ').slice(1), { stdio: ['ignore', 'ignore', 'inherit'], env });
  spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env });
  if (install().status !== 0) stop(`${why} could not be installed. Try by hand: ${line}`);
}

function ensureSshd() {
  if (existsSync('/usr/sbin/sshd')) return;
  // The distribution starts the service on its own; the lab runs its own instances, so keep that one from starting.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = process.getuid?.() === 0 && !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    debian(['openssh-server'], 'The OpenSSH server (sshd)');
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

function python() {
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3.9']) {
    const found = quiet(name, ['-c', 'import sys; print(sys.version_info >= (3, 9))']);
    if (found.status === 0 && found.stdout.trim() === 'True') return name;
  }
  debian(['python3', 'python3-venv'], 'Python 3.9 or newer');
  return 'python3';
}

function ensureFlare(version) {
  const folder = join(labFolder(), `nvflare-${version}`);
  const stamp = join(folder, '.flaredesk-ready');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === version && works(join(folder, 'bin/python'), ['-V'])) return;
  const name = python();
  process.stderr.write(`Installing NVIDIA FLARE ${version} for the lab (once)…\n`);
  mkdirSync(labFolder(), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  if (!works(name, ['-m', 'venv', folder])) {
    rmSync(folder, { recursive: true, force: true });
    debian(['python3-venv'], 'The Python module venv');
    if (!works(name, ['-m', 'venv', folder])) stop(`${name} -m venv ${folder} failed: run it by hand to see why.`);
  }
  const pip = spawnSync(join(folder, 'bin/pip'), ['install', '-q', `nvflare==${version}`], {
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (pip.status !== 0) stop(`pip could not install nvflare==${version}: look at its message above.`);
  writeFileSync(stamp, version);
}

/** Prepares the lab. `demo` needs the newest line only, `all` needs both. */
export function ensureLab({ need }) {
  if (process.platform === 'win32') stop('The lab needs Linux or macOS (OpenSSH server, NVFlare).');
  ensureSshd();
  for (const version of need === 'demo' ? flareVersions.slice(-1) : flareVersions) ensureFlare(version);
}
