import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkStructure } from '../../../src-main/domain/job/structure.ts';
import { type FlareVersion, flarePython, flareVersions } from '../../lab/nvflare.ts';
import { asJobFolder, type GeneratedJob, generatedJob } from './generate.ts';

const driver = fileURLToPath(new URL('validate-jobs.py', import.meta.url));

/** What the validator of the installed server says to each folder. */
async function decisionsOf(
  version: FlareVersion,
  jobs: GeneratedJob[],
): Promise<[boolean, string, boolean][]> {
  const python = spawn(flarePython(version), [driver], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 120_000,
  });
  python.stdin.end(JSON.stringify(jobs));
  let text = '';
  for await (const chunk of python.stdout.setEncoding('utf8')) text += chunk as string;
  return JSON.parse(text) as [boolean, string, boolean][];
}

describe.each(flareVersions)('the job validator of NVFlare %s', (version) => {
  test('refuses and takes the same folders as the structural check', async () => {
    const jobs = fc.sample(generatedJob, { numRuns: 3000, seed: 20261124 });
    const theirs = await decisionsOf(version, jobs);
    const different = jobs.flatMap((job, at) => {
      const ours = checkStructure(asJobFolder(job), version);
      const errors = ours.findings.filter(({ severity }) => severity === 'error');
      const [taken, reason, byoc] = theirs[at]!;
      return taken === (errors.length === 0) && (!taken || byoc === ours.byoc)
        ? []
        : [{ job, theirs: taken ? 'taken' : reason, ours: errors.map(({ message }) => message) }];
    });
    expect(different.slice(0, 3)).toEqual([]);

    const taken = theirs.filter(([valid]) => valid).length;
    expect(taken).toBeGreaterThan(jobs.length / 10);
    expect(taken).toBeLessThan((jobs.length * 9) / 10);
  });
});
