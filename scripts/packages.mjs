/** Installs the npm packages when they are missing or older than the lock file, and finds Node 24 among them. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const onWindows = process.platform === 'win32';
const bin = join(root, 'node_modules/.bin');
const lockFile = join(root, 'package-lock.json');
const stamp = join(root, 'node_modules/.flaredesk-stamp');

/** The path of Node 24, from the npm package `node`. */
export const node24 = () => join(root, 'node_modules/node/bin', onWindows ? 'node.exe' : 'node');

export function stop(...lines) {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(1);
}

/** npm itself must not run on the Node that it is about to replace, so our own programs leave the search path. */
function npm(...args) {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== bin);
  const done = spawnSync('npm', args, {
    cwd: root,
    shell: onWindows,
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, PATH: path.join(delimiter), npm_config_loglevel: 'error' },
  });
  if (done.error)
    stop('npm was not found. It comes with Node: install Node 20 or newer (https://nodejs.org).');
  if (done.status !== 0)
    stop(`"npm ${args.join(' ')}" failed. Look at its message above, then run this again.`);
}

/** True when every package of the lock file lies in `node_modules` in its version. */
function installed(lock) {
  const hidden = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  const found = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.entries(lock.packages).every(
    ([path, { version, optional }]) =>
      path === '' || found[path]?.version === version || (optional && !found[path]),
  );
}

/** Makes `node_modules` match `package-lock.json`. Package scripts do not run, but for the one that unpacks Node 24. */
export function ensurePackages() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20)
    stop(`Node ${process.versions.node} is too old. Install Node 20 or newer (https://nodejs.org).`);
  const text = readFileSync(lockFile);
  const wanted = createHash('sha256').update(text).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(node24())) return;
  if (!installed(JSON.parse(text))) {
    process.stderr.write('Installing packages (once)…\n');
    npm('ci', '--ignore-scripts', '--no-audit', '--no-fund');
  }
  if (!existsSync(node24())) npm('rebuild', 'node');
  if (!existsSync(node24()))
    stop(
      `The npm package "node" has no Node 24 for this machine (${process.platform} ${process.arch}).`,
      'Linux, macOS and Windows on x64 and arm64 are served: use one of these.',
    );
  writeFileSync(stamp, wanted);
}
