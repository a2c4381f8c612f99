/**
 * Whether the Electron this app is built on still gets security fixes: Electron's makers support the newest three major
 * versions. Run weekly (`.ci/weekly`); ends with 1 and says what to do when it does not.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './packages.mjs';

const supportedMajors = 3;

/** What is wrong with the pinned version, given the newest stable one; undefined when nothing is. */
export function supportProblem(pinned, newest) {
  const versionOf = (text) => /^(\d+)\.(\d+)\.(\d+)$/.exec(text)?.slice(1).map(Number);
  const own = versionOf(pinned);
  const last = versionOf(newest);
  if (!own) return `Electron is pinned to "${pinned}", which is no exact stable version.`;
  if (!last) return `The registry names "${newest}" as the newest Electron, which is no version.`;
  const oldest = last[0] - supportedMajors + 1;
  if (own[0] < oldest)
    return `Electron ${pinned} gets no fixes any more: the newest is ${newest}, supported are ${oldest} and later. Move to a supported major version.`;
  return undefined;
}

function check() {
  const pinned = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.electron;
  const asked = spawnSync('npm', ['view', 'electron', 'dist-tags.latest'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  // No answer is no all-clear.
  const newest = asked.status === 0 ? asked.stdout.trim() : '';
  const problem = supportProblem(pinned, newest);
  process.stdout.write(`${problem ?? `Electron ${pinned} is supported (newest: ${newest}).`}\n`);
  return problem === undefined ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(check());
