/** Provisioning side by side: the real `nvflare provision` and ours, new and again with the state kept. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { referenceProject } from '../test/lab/reference-project.ts';
import { type Measured, measureDesk, measurePython, median } from './measure.ts';
import type { Row } from './table.ts';

type Run = (workspace: string) => Promise<Measured>;
interface Pair {
  first: Measured[];
  again: Measured[];
}

/** Rows for a project with so many clients; small projects run several times and count by the median. */
export async function benchProvisioning(folder: string, clients: number): Promise<Row[]> {
  const place = join(folder, `clients-${clients}`);
  await mkdir(place, { recursive: true });
  const file = join(place, 'project.yml');
  await writeFile(file, referenceProject({ version: '2.7.2', port: 8002, clients }));
  const reference: Run = (workspace) =>
    measurePython(['-m', 'nvflare.lighter.provision', '-p', file, '-w', workspace], place);
  const ours: Run = (workspace) =>
    measureDesk(['provision', '-p', file, '-w', workspace, '--flare', '2.7.2'], place);

  const results: Record<'ours' | 'theirs', Pair> = {
    ours: { first: [], again: [] },
    theirs: { first: [], again: [] },
  };
  const turns = clients <= 100 ? 5 : 1;
  for (let turn = 0; turn < turns; turn += 1) {
    // Alternate, so that neither always finds the machine warm.
    const order = [
      ['theirs', reference],
      ['ours', ours],
    ] as const;
    for (const [who, run] of turn % 2 === 0 ? order : order.toReversed()) {
      const workspace = join(place, `${who}-${turn}`);
      results[who].first.push(await run(workspace));
      results[who].again.push(await run(workspace));
    }
  }
  const row = (what: string, kind: keyof Pair, maxRatio?: number): Row => {
    const seconds = (who: 'ours' | 'theirs') => median(results[who][kind].map((one) => one.seconds));
    const peak = (who: 'ours' | 'theirs') => Math.max(...results[who][kind].map((one) => one.peak));
    return {
      what,
      ours: seconds('ours'),
      theirs: seconds('theirs'),
      peakOurs: peak('ours'),
      peakTheirs: peak('theirs'),
      maxRatio,
    };
  };
  const plural = clients === 1 ? 'client' : 'clients';
  return [
    row(`provision ${clients} ${plural}`, 'first', clients >= 100 ? 0.6 : undefined),
    row(`provision ${clients} ${plural} again, with state`, 'again', clients >= 1000 ? 0.15 : undefined),
  ];
}
