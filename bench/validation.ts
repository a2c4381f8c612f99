/** Reading and checking a project with 500 sites, in process: the first time in a new process, as a person meets it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { referenceProject } from '../test/lab/reference-project.ts';
import { measure, median } from './measure.ts';
import type { Row } from './table.ts';

interface Answer {
  first: number;
  later: number;
  participants: number;
}

export async function benchValidation(folder: string): Promise<Row[]> {
  const place = join(folder, 'validation');
  await mkdir(place, { recursive: true });
  const file = join(place, 'project.yml');
  // Block style, one line per property, as people write it.
  const project: unknown = parse(referenceProject({ version: '2.8.1', port: 8002, clients: 500 }));
  await writeFile(file, stringify(project));
  const answers: Answer[] = [];
  const peaks: number[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const script = join(import.meta.dirname, 'validate-once.ts');
    const { stdout, peak } = await measure(process.execPath, [script, file], place);
    answers.push(JSON.parse(stdout) as Answer);
    peaks.push(peak);
  }
  if (answers.some(({ participants }) => participants !== 502))
    throw new Error('The project of the bench does not have its 502 participants.');
  const row = (what: string, key: 'first' | 'later'): Row => ({
    what,
    ours: median(answers.map((answer) => answer[key])),
    unit: 'ms',
    maxOurs: 300,
    peakOurs: Math.max(...peaks),
  });
  return [row('validate 500 sites, first time', 'first'), row('validate 500 sites, again', 'later')];
}
