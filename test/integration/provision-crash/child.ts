/**
 * Provisions the sample project in a process of its own and tells each step on stdout:
 * `child.ts WORKSPACE CLIENTS [STEP]` stands still after it has told STEP, so that it can be killed exactly there.
 */
import { writeSync } from 'node:fs';
import { provision } from '../../../src-main/services/provision/index.ts';
import { crashProject } from './project.ts';

const [, , workspace = '', clients = '0', stopAt] = process.argv;

function tell(line: string): void {
  writeSync(1, `${line}\n`);
  if (line === stopAt) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
}

try {
  await provision(crashProject(Number(clients)), {
    workspace,
    report: ({ step, done }) => tell(`${step} ${done ?? ''}`.trim()),
  });
  tell('done');
} catch (error) {
  tell(`refused ${(error as { code?: string }).code ?? String(error)}`);
}
