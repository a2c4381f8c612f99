#!/usr/bin/env node
/**
 * One door for every script of package.json. Uses only Node's own modules, so that it works straight after
 * `git clone`: it installs the packages when they are missing or stale, then runs the asked script on Node 24
 * (the npm package `node`), whatever Node ≥ 20 started it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePackages, node24, root } from './packages.mjs';
import { ensureLab } from './lab.mjs';

const [name = 'help', ...rest] = process.argv.slice(2);

/** Runs one program to its end; ends this process with its code when it failed. */
function run(title, command, args, { allowFailure = false, env = {} } = {}) {
  if (title) process.stderr.write(`\n── ${title}\n`);
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`, ...env },
  });
  if (done.error) throw done.error;
  const code = done.status ?? 1;
  if (code !== 0 && !allowFailure) process.exit(code);
  return code;
}
const tool = (title, bin, ...args) => run(title, node24(), [join(root, 'node_modules', bin), ...args]);

const steps = {
  types: () => {
    tool('types', 'typescript/bin/tsc', '-p', 'tsconfig.json');
    tool('types: contract and domain know no Node', 'typescript/bin/tsc', '-p', 'tsconfig.pure.json');
  },
  lint: () => tool('lint', 'eslint/bin/eslint.js', '--max-warnings', '0', '.'),
  layers: () => tool('layers', 'dependency-cruiser/bin/dependency-cruise.mjs', 'src-main', 'src-renderer', 'test', 'bench'),
  format: () => tool('format', '@biomejs/biome/bin/biome', 'format', '.'),
  'format:fix': () => tool('format', '@biomejs/biome/bin/biome', 'format', '--write', '.'),
  unused: () => tool('unused', 'knip/bin/knip.js'),
  unit: () => vitest('unit'),
  check: () => {
    for (const step of ['types', 'lint', 'layers', 'format', 'unused', 'unit']) steps[step]();
  },
  build: () => tool('build', 'electron-vite/bin/electron-vite.js', 'build'),
  test: () => {
    if (rest.length > 0) {
      ensureLab({ need: 'all' });
      return void run('test', node24(), [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...rest]);
    }
    for (const step of ['types', 'lint', 'layers', 'format', 'unused']) steps[step]();
    steps.build();
    ensureLab({ need: 'all' });
    vitest();
  },
  demo: () => {
    ensureLab({ need: 'demo' });
    run('', node24(), ['test/lab/demo.ts', ...rest]);
  },
  bench: () => {
    steps.build();
    ensureLab({ need: 'all' });
    run('', node24(), ['bench/main.ts', ...rest]);
  },
  flaredesk: () => run('', node24(), ['src-main/headless/main.ts', ...rest]),
};

/** Runs the tests (one project, or all) and closes with a line that says how many passed and failed. */
function vitest(project) {
  const folder = mkdtempSync(join(tmpdir(), 'flaredesk-vitest-'));
  const report = join(folder, 'report.json');
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json'];
  args.push(`--outputFile.json=${report}`);
  if (project) args.push('--project', project);
  const code = run(project ? `test: ${project}` : 'test', node24(), [...args, ...(project ? rest : [])], {
    allowFailure: true,
  });
  if (!existsSync(report)) process.exit(code || 1);
  const result = JSON.parse(readFileSync(report, 'utf8'));
  rmSync(folder, { recursive: true });
  const skipped = result.numPendingTests + (result.numTodoTests ?? 0);
  process.stdout.write(
    `\n${result.numPassedTests} passed, ${result.numFailedTests} failed${skipped ? `, ${skipped} skipped` : ''}\n`,
  );
  if (process.env.CI === 'true' && skipped > 0) {
    process.stderr.write('A skipped test is a failure in CI.\n');
    process.exit(1);
  }
  if (code !== 0) process.exit(code);
}

if (!Object.hasOwn(steps, name)) {
  process.stderr.write(`usage: npm run <${Object.keys(steps).join('|')}>\n`);
  process.exit(2);
}
ensurePackages();
steps[name]();
