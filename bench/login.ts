/** Logging in at a real server, ours against Python's `new_secure_session`; each measured in a new process. */
import { join } from 'node:path';
import { startFederation } from '../test/lab/nvflare.ts';
import { type Measured, measure, measureDesk, measurePython, median } from './measure.ts';
import type { Row } from './table.ts';

const pythonScript = join(import.meta.dirname, '../test/lab/flare_api.py');

/** `turns` pairs, one after the other, against one 2.7.2 server with two clients. */
export async function benchLogin(turns: number): Promise<Row[]> {
  const federation = await startFederation({ version: '2.7.2', clients: 2, scheme: 'grpc' });
  const kit = federation.adminKit();
  const runs: Record<'desk' | 'python' | 'login', Measured[]> = { desk: [], python: [], login: [] };
  try {
    for (let turn = 0; turn < turns; turn += 1) {
      runs.python.push(await measurePython([pythonScript, kit], kit));
      runs.desk.push(await measureDesk(['session', 'info', '--kit', kit], federation.folder));
      runs.login.push(
        await measure(process.execPath, [join(import.meta.dirname, 'login-once.ts'), kit], federation.folder),
      );
    }
  } finally {
    await federation.stop();
  }
  const peak = (who: keyof typeof runs) => Math.max(...runs[who].map((one) => one.peak));
  // The last line: the Python library prints words of its own before.
  const answer = ({ stdout }: Measured) =>
    JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>;
  const told = (who: keyof typeof runs, key: string) =>
    median(runs[who].map((one) => answer(one)[key] ?? Number.NaN));
  const whole = (who: keyof typeof runs) => median(runs[who].map((one) => one.seconds));
  return [
    {
      what: 'process start to logged in, state of the system asked, process end',
      ours: whole('desk'),
      theirs: whole('python'),
      peakOurs: peak('desk'),
      peakTheirs: peak('python'),
      maxRatio: 0.25,
    },
    {
      what: 'login alone',
      ours: told('login', 'milliseconds'),
      theirs: told('python', 'login_seconds') * 1000,
      unit: 'ms',
      peakOurs: peak('login'),
      peakTheirs: peak('python'),
      maxRatio: 0.25,
    },
  ];
}
