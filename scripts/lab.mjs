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

const sshd = '/usr/sbin/sshd';
const fits = (name, oldest) => works(name, ['-c', `import sys; sys.exit(sys.version_info < (3, ${oldest}))`]);

/** A Python of this machine that is new enough; `oldest` is the second number of its version. */
const findPython = (oldest) =>
  ['python3', '/usr/bin/python3', ...[13, 12, 11, 10, 9].map((minor) => `python3.${minor}`)].find((name) =>
    fits(name, oldest),
  );

/** The newest line whose NVFlare runs on a Python of this machine. */
export const newestLine = () =>
  flareVersions.findLast((version) => findPython(oldestPython[version])) ?? flareVersions.at(-1);

/** What the windows are tested in: a browser, and a screen without one for the desktop app. */
const screens = [
  { file: '/usr/bin/chromium', name: 'chromium', words: 'the browser Chromium' },
  { file: '/usr/bin/xvfb-run', name: 'xvfb', words: 'the X server Xvfb' },
];

/** What drives of confidential VMs are made and read with. */
const driveTools = [
  { program: 'qemu-img', name: 'qemu-utils', words: 'the disk tool qemu-img' },
  { program: 'debugfs', name: 'e2fsprogs', words: 'the tools for ext4' },
];

/** What the system lacks for these lines (and for the windows): Debian packages, and what they are in words. */
function lacking(versions, windows) {
  const absent = windows ? screens.filter(({ file }) => !existsSync(file)) : [];
  const packages = absent.map(({ name }) => name);
  const words = absent.map((screen) => screen.words);
  if (!existsSync(sshd)) {
    packages.push('openssh-server');
    words.push('the OpenSSH server');
  }
  for (const { program, name, words: what } of driveTools) {
    if (['/usr/bin', '/usr/sbin', '/sbin'].some((folder) => existsSync(`${folder}/${program}`))) continue;
    packages.push(name);
    words.push(what);
  }
  const oldest = Math.max(...versions.map((version) => oldestPython[version]), 0);
  const python = findPython(oldest);
  if (versions.length > 0 && !python) {
    packages.push('python3', 'python3-venv');
    words.push(`Python 3.${oldest} or newer`);
  } else if (versions.length > 0 && !works(python, ['-c', 'import ensurepip, venv'])) {
    packages.push('python3-venv');
    words.push('the Python module venv');
  }
  return { packages, what: words.join(' and ') };
}

/** Installs what the system lacks when we are root on Debian, else says the one line a person must run. */
function ensureSystem(versions, windows) {
  const { packages, what } = lacking(versions, windows);
  if (packages.length === 0) return;
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const missing = `This machine lacks ${what}.`;
  if (!works('apt-get', ['--version']))
    stop(`${missing} Install it with this system's package manager, then run this again.`);
  if (process.getuid() !== 0) stop(`${missing} Install it, then run this again:  sudo ${line}`);
  say(`Installing ${packages.join(', ')} (once)…`);
  // The distribution starts the SSH service on its own; the lab runs its own instances, so keep that one from starting.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', args, { encoding: 'utf8', env });
  apt('update', '-qq');
  const done = apt(...line.split(' ').slice(1));
  if (ours) rmSync(policy, { force: true });
  if (done.status !== 0) stop(done.stderr.trim(), `It could not be installed. Try by hand:  ${line}`);
  const still = lacking(versions, windows);
  if (still.packages.length > 0)
    stop(`This machine lacks ${still.what}, also after "${line}". Install a newer one by hand.`);
}

/** True when the environment holds that NVFlare and it can be loaded. */
const holds = (folder, version) =>
  quiet(join(folder, 'bin/python'), [
    '-c',
    'import aiohttp, grpc, importlib.metadata, msgpack, nvflare; print(importlib.metadata.version("nvflare"))',
  ]).stdout?.trim() === version;

const venv = (version) => join(labFolder(), `nvflare-${version}`);
const stampOf = (version) => join(venv(version), '.flaredesk-ready');

function isReady(version) {
  const folder = venv(version);
  const stamp = stampOf(version);
  const isStamped = existsSync(stamp) && readFileSync(stamp, 'utf8') === version;
  if (isStamped && works(join(folder, 'bin/python'), ['-V'])) return true;
  if (!holds(folder, version)) return false;
  writeFileSync(stamp, version);
  return true;
}

function installFlare(version) {
  const folder = venv(version);
  const python = findPython(oldestPython[version]);
  say(`Installing NVIDIA FLARE ${version} into ${folder} (once)…`);
  mkdirSync(labFolder(), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  const made = quiet(python, ['-m', 'venv', folder]);
  if (made.status !== 0)
    stop(made.stderr.trim() || made.stdout.trim(), `"${python} -m venv ${folder}" failed.`);
  const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--use-pep517'];
  const done = spawnSync(join(folder, 'bin/python'), [...pip, `nvflare==${version}`], {
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (done.status !== 0)
    stop(`pip could not install nvflare==${version}. Look at its message above, then run this again.`);
  if (!holds(folder, version))
    stop(`NVFlare ${version} in ${folder} does not load. Remove the folder, then run this again.`);
  writeFileSync(stampOf(version), version);
}

/** Prepares the lab for these versions of NVFlare, with `windows` also a browser and a screen. Ends the process with one clear line where a person must act. */
export function ensureLab({ versions = flareVersions, windows = false } = {}) {
  if (process.platform !== 'linux')
    stop('The lab (demo, tests with real peers, bench) needs Linux. "npm run check" works on this system.');
  const missing = versions.filter((version) => !isReady(version));
  ensureSystem(missing, windows);
  for (const version of missing) installFlare(version);
}
