/** Installs the npm packages when they are missing or older than the lock file, and finds Node 24 among them. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules/.flaredesk-stamp');

/** The path of Node 24, from the npm package `node`. */
export const node24 = () =>
  join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');

const lockHash = () => createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');

function npm(...args) {
  const done = spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, npm_config_loglevel: 'error' },
  });
  if (done.status !== 0) {
    process.stderr.write(`npm ${args[0]} failed: look at its message above, then run this command again.\n`);
    process.exit(1);
  }
}

/** Makes `node_modules` match `package-lock.json`. Package scripts do not run, but for the one that unpacks Node 24. */
export function ensurePackages() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) {
    process.stderr.write(`Node ${process.versions.node} is too old: install Node 20 or newer.\n`);
    process.exit(1);
  }
  const wanted = lockHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(node24())) return;
  process.stderr.write('Installing packages (once)…\n');
  npm('ci', '--ignore-scripts', '--no-audit', '--no-fund');
  npm('rebuild', 'node');
  if (!existsSync(node24())) {
    process.stderr.write('The npm package `node` did not bring a Node 24 for this machine: see https://nodejs.org.\n');
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}
