#!/usr/bin/env node
/**
 * One door for every script of package.json. Uses only Node's own modules, so that it works straight after
 * `git clone`: it installs the packages when they are missing or stale, then runs the asked script on Node 24
 * (the npm package `node`), whatever Node ≥ 20 started it.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { officialElectron, whyNoWindow } from './electron.mjs';
import { ensurePackages, node24, root, stop } from './packages.mjs';
import { ensureLab, flareVersions, newestLine } from './lab.mjs';

const [name = 'help', ...rest] = process.argv.slice(2);

/** Runs a program to its end and gives its exit code. */
function run(title, command, args, cwd = root) {
  if (title) process.stderr.write(`\n── ${title}\n`);
  const path = `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`;
  const child = spawn(command, args, { cwd, stdio: 'inherit', env: { ...process.env, PATH: path } });
  // The terminal sends Ctrl-C to both of us: wait for the child, which has things to clean up.
  const ignore = () => {};
  const pass = () => child.kill('SIGTERM');
  process.on('SIGINT', ignore).on('SIGTERM', pass);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore).off('SIGTERM', pass);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** Runs a program of ours on Node 24. */
const node = (title, args, cwd) => run(title, node24(), args, cwd);

/** As `node`, but ends this process with the code when it failed. */
async function must(title, args) {
  const code = await node(title, args);
  if (code !== 0) process.exit(code);
}
const tool = (title, bin, ...args) => must(title, [join(root, 'node_modules', bin), ...args]);

/** The value of `--name VALUE` or `--name=VALUE` among the arguments. */
function option(wanted) {
  const at = rest.findIndex((argument) => argument === wanted || argument.startsWith(`${wanted}=`));
  if (at < 0) return undefined;
  return rest[at].includes('=') ? rest[at].slice(wanted.length + 1) : rest[at + 1];
}

const checks = ['types', 'lint', 'layers', 'format', 'unused'];
const steps = {
  types: async () => {
    await tool('types', 'typescript/bin/tsc', '-p', 'tsconfig.json');
    await tool('types: contract and domain know no Node', 'typescript/bin/tsc', '-p', 'tsconfig.pure.json');
    await tool('types: the pages', 'typescript/bin/tsc', '-p', 'tsconfig.web.json');
  },
  lint: () => tool('lint', 'eslint/bin/eslint.js', '--max-warnings', '0', '.'),
  layers: () => {
    const folders = ['src-main', 'src-renderer', 'test', 'bench'].filter((name) =>
      existsSync(join(root, name)),
    );
    return tool('layers', 'dependency-cruiser/bin/dependency-cruiser.mjs', ...folders);
  },
  format: () => tool('format', '@biomejs/biome/bin/biome', 'format', '.'),
  'format:fix': () => tool('format', '@biomejs/biome/bin/biome', 'format', '--write', '.'),
  unused: () => tool('unused', 'knip/bin/knip.js'),
  unit: () => vitest(['--project', 'unit', '--project', 'ui', ...rest]),
  check: async () => {
    for (const step of checks) await steps[step]();
    await vitest(['--project', 'unit', '--project', 'ui']);
  },
  build: () => tool('build', 'electron-vite/bin/electron-vite.js', 'build'),
  test: async () => {
    ensureLab({ windows: true });
    if (rest.length > 0) {
      await ensureBuild();
      return vitest(rest);
    }
    for (const step of checks) await steps[step]();
    await steps.build();
    process.env.FLAREDESK_BUILT = '1';
    await vitest([]);
  },
  demo: async () => {
    const line = option('--flare') ?? newestLine();
    if (!flareVersions.includes(line))
      stop(`--flare ${line}: the demo knows ${flareVersions.join(' and ')}.`);
    ensureLab({ versions: [line] });
    await must('', ['test/lab/demo.ts', '--flare', line, ...rest]);
  },
  bench: async () => {
    ensureLab();
    await steps.build();
    await must('', ['bench/main.ts', ...rest]);
  },
  start: async () => {
    const why = whyNoWindow(rest);
    if (why) stop(why);
    await ensureBuild();
    const code = await run('', officialElectron().path, [root, ...rest]);
    if (code !== 0) process.exit(code);
  },
  serve: async () => {
    await ensureBuild();
    await must('', ['out/main/flaredesk.js', 'serve', ...rest]);
  },
  // npm runs scripts in the repository's folder; the command works where the person stands.
  flaredesk: async () =>
    process.exit(await node('', [join(root, 'src-main/headless/main.ts'), ...rest], process.env.INIT_CWD)),
};

/** Builds when a source is newer than what was built. */
async function ensureBuild() {
  const built = [
    'out/main/flaredesk.js',
    'out/main/desktop.js',
    'out/preload/preload.cjs',
    'out/renderer/index.html',
  ];
  const timeOf = (name) => statSync(join(root, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const oldest = Math.min(...built.map(timeOf));
  const sources = ['src-main', 'src-renderer'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
  );
  const newest = Math.max(...['electron.vite.config.ts', 'package-lock.json', ...sources].map(timeOf));
  if (newest > oldest) await steps.build();
}

/** Runs the tests and closes with a line that says how many passed and failed. In a full CI run, skipped = failed. */
async function vitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'flaredesk-vitest-'));
  const report = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await node('test', [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...reporters,
    ...args,
  ]);
  const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  rmSync(folder, { recursive: true });
  if (!result) process.exit(code || 1);
  const slowest = result.testResults
    .map(({ name: file, startTime, endTime }) => [(endTime - startTime) / 1000, relative(root, file)])
    .sort(([one], [other]) => other - one)
    .filter(([seconds]) => seconds >= 5);
  if (slowest.length > 0) process.stdout.write('\nSlowest files:\n');
  for (const [seconds, file] of slowest.slice(0, 10))
    process.stdout.write(`${seconds.toFixed(1).padStart(7)} s  ${file}\n`);
  const skipped = result.numPendingTests + (result.numTodoTests ?? 0);
  const counts = [`${result.numPassedTests} passed`, `${result.numFailedTests} failed`];
  if (skipped > 0) counts.push(`${skipped} skipped`);
  process.stdout.write(`\n${counts.join(', ')}\n`);
  if (process.env.CI === 'true' && args.length === 0 && skipped > 0)
    stop('A skipped test is a failure in CI.');
  if (code !== 0) process.exit(code);
}

if (!Object.hasOwn(steps, name)) {
  process.stderr.write(`usage: npm run <${Object.keys(steps).join('|')}>\n`);
  process.exit(2);
}
ensurePackages();
await steps[name]();
