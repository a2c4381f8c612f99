/**
 * `npm run bench`: each row measured side by side in the same run, ours against the real NVFlare 2.7.2. Prints a
 * Markdown table, writes it with the raw figures to bench/results. Ends with 1 when a bar is missed.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { newLabFolder } from '../test/lab/keeper.ts';
import { benchAttestation } from './attestation.ts';
import { benchBuilds } from './builds.ts';
import { benchBundles } from './bundles.ts';
import { benchLogin } from './login.ts';
import { benchProvisioning } from './provisioning.ts';
import { type Row, markdown, misses } from './table.ts';
import { benchValidation } from './validation.ts';
import { benchWindows } from './windows.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** Only the parts whose names begin so. */
    only: { type: 'string', default: '' },
    /** Size of the bundle; twice that is written to the folder for temporary files. */
    gigabytes: { type: 'string' },
  },
});
const gigabytes = Number(options.gigabytes ?? (options.quick ? 2 : 20));
if (!(gigabytes > 0)) throw new Error('--gigabytes takes a number.');

const folder = await newLabFolder('bench');
const busy = loadavg()[0] ?? 0;
if (busy > 0.5 * cpus().length)
  process.stderr.write(
    `Other programs keep this machine busy (load ${busy.toFixed(1)}): what runs in parallel looks slower than it is.\n`,
  );
const parts: Record<string, () => Promise<Row[]>> = {
  validation: () => benchValidation(folder),
  attestation: () => benchAttestation(folder),
  login: () => benchLogin(options.quick ? 3 : 7),
  windows: () => benchWindows(join(folder, 'windows'), options.quick ? 3 : 7),
  bundles: () => benchBundles(folder, gigabytes),
  builds: () => benchBuilds(folder, options.quick ? 8 : 20),
};
for (const clients of options.quick ? [1, 10, 100] : [1, 10, 100, 1000])
  parts[`provision-${clients}`] = () => benchProvisioning(folder, clients);

const rows: Row[] = [];
try {
  for (const [name, part] of Object.entries(parts)) {
    if (!name.startsWith(options.only)) continue;
    process.stderr.write(`${name} …\n`);
    rows.push(...(await part()));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const missed = rows.flatMap((row) => misses(row).map((what) => `${row.what}: ${what}`));
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}, Node ${process.versions.node}`;
const verdict = missed.length > 0 ? `Missed: ${missed.join('; ')}.` : 'Every bar is met.';
const text = `${machine}, load at the start ${busy.toFixed(1)}\n\n${markdown(rows)}\n\n${verdict}\n`;
process.stdout.write(text);

const results = join(import.meta.dirname, 'results');
const name = new Date().toISOString().replaceAll(/[:.]/g, '-');
await mkdir(results, { recursive: true });
await writeFile(join(results, `${name}.md`), text);
await writeFile(join(results, `${name}.json`), `${JSON.stringify({ machine, rows }, null, 2)}\n`);
process.exitCode = missed.length > 0 ? 1 : 0;
