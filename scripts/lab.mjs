/**
 * Prepares what the demo, the tests and the bench run against: NVFlare of both lines, one Python virtual
 * environment each, and an OpenSSH server. Everything lies in a cache folder outside the work tree and is reused.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { stop } from './packages.mjs';

export const labFolder = () =>
  process.env.FLAREDESK_LAB ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'flaredesk-lab');

/** The lines and the oldest Python (3.x) each runs on. */
const oldestPython = { '2.7.2': 9, '2.8.1': 10 };
export const flareVersions = Object.keys(oldestPython);

const quiet = (command, args) => spawnSync(command, args, { encoding: 'utf8' });
const works = (command, args) => quiet(command, args).status === 0;
const say = (sentence) => process.stderr.write(`${sentence}\n`);

/** Installs Debian packages when we are root, else says the one line a person must run. */
function debian(packages, what) {
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!works('apt-get', ['--version']))
    stop(`${what} is missing. Install it with this system's package manager, then run this again.`);
  if (process.getuid() !== 0) stop(`${what} is missing. Install it, then run this again:  sudo ${line}`);
  say(`Installing ${packages.join(', ')} (once)…`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', args, { encoding: 'utf8', env });
  apt('update', '-qq');
  const done = apt(...line.split(' ').slice(1));
  if (done.status !== 0) stop(done.stderr.trim(), `${what} could not be installed. Try by hand:  ${line}`);
}

function ensureSshd() {
  if (existsSync('/usr/sbin/sshd')) return;
  // The distribution starts the service on its own; the lab runs its own instances, so keep that one from starting.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = process.getuid() === 0 && !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  // Not a `finally`: the process may end inside.
  process.once('exit', () => ours && rmSync(policy, { force: true }));
  debian(['openssh-server'], 'The OpenSSH server (sshd)');
  if (ours) rmSync(policy, { force: true });
  if (!existsSync('/usr/sbin/sshd'))
    stop('The package openssh-server is installed, but /usr/sbin/sshd is missing.');
}

const fits = (name, oldest) => works(name, ['-c', `import sys; sys.exit(sys.version_info < (3, ${oldest}))`]);

/** A Python of this machine that is new enough; `oldest` is the second number of its version. */
const findPython = (oldest) =>
  ['python3', '/usr/bin/python3', ...[13, 12, 11, 10, 9].map((minor) => `python3.${minor}`)].find((name) =>
    fits(name, oldest),
  );

function python(oldest) {
  const found = findPython(oldest);
  if (found) return found;
  debian(['python3', 'python3-venv'], `Python 3.${oldest} or newer`);
  if (!fits('/usr/bin/python3', oldest))
    stop(`The Python of this system is older than 3.${oldest}. Install Python 3.${oldest} or newer.`);
  return '/usr/bin/python3';
}

/** The newest line whose NVFlare runs on a Python of this machine. */
export const newestLine = () =>
  flareVersions.findLast((version) => findPython(oldestPython[version])) ?? flareVersions.at(-1);

/** True when the environment holds that NVFlare and it can be loaded. */
const holds = (folder, version) =>
  quiet(join(folder, 'bin/python'), [
    '-c',
    'import aiohttp, grpc, importlib.metadata, msgpack, nvflare; print(importlib.metadata.version("nvflare"))',
  ]).stdout?.trim() === version;

function ensureFlare(version) {
  const folder = join(labFolder(), `nvflare-${version}`);
  const stamp = join(folder, '.flaredesk-ready');
  const isStamped = existsSync(stamp) && readFileSync(stamp, 'utf8') === version;
  if (isStamped && works(join(folder, 'bin/python'), ['-V'])) return;
  if (!holds(folder, version)) {
    const interpreter = python(oldestPython[version]);
    say(`Installing NVIDIA FLARE ${version} into ${folder} (once)…`);
    mkdirSync(labFolder(), { recursive: true });
    const makeVenv = () => {
      rmSync(folder, { recursive: true, force: true });
      return quiet(interpreter, ['-m', 'venv', folder]);
    };
    if (makeVenv().status !== 0) {
      debian(['python3-venv'], 'The Python module venv');
      const again = makeVenv();
      if (again.status !== 0)
        stop(again.stderr.trim() || again.stdout.trim(), `"${interpreter} -m venv ${folder}" failed.`);
    }
    const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--use-pep517'];
    const done = spawnSync(join(folder, 'bin/python'), [...pip, `nvflare==${version}`], {
      stdio: ['ignore', process.stderr, process.stderr],
    });
    if (done.status !== 0)
      stop(`pip could not install nvflare==${version}. Look at its message above, then run this again.`);
    if (!holds(folder, version))
      stop(`NVFlare ${version} in ${folder} does not load. Remove the folder, then run this again.`);
  }
  writeFileSync(stamp, version);
}

/** Prepares the lab for these versions of NVFlare. Ends the process with one clear line where a person must act. */
export function ensureLab(versions = flareVersions) {
  if (process.platform !== 'linux')
    stop('The lab (demo, tests with real peers, bench) needs Linux. "npm run check" works on this system.');
  ensureSshd();
  for (const version of versions) ensureFlare(version);
}
