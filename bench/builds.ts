/** The queue of image builds: ten on two hosts, one fails, the program is killed in the middle and begun again. */
import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { prepareTenBuilds } from '../test/integration/cvm-build/ten-builds.ts';
import { median } from './measure.ts';
import type { Row } from './table.ts';

/** Five builds in a row on each host, and what the queue and two starts of the command may add. */
const maxRatio = 5.3;

/** @param seconds how long the test builder takes; the vendor's takes about 1000 */
export async function benchBuilds(folder: string, seconds: number): Promise<Row[]> {
  const place = join(folder, 'builds');
  await mkdir(place, { recursive: true });
  const ten = await prepareTenBuilds(place, seconds);
  try {
    const { images, wall, builds, lags, called } = await ten.run();
    const built = images.filter(({ state }) => state === 'built').length;
    const isWhole = built === 9 && new Set(called).size === 10 && called.length === 10;
    if (!isWhole) throw new Error(`${built} of nine images were built, by ${called.length} calls of ten.`);
    const one = median(builds);
    return [
      {
        what: `ten images of ${seconds} s on two hosts, killed in the middle and begun again`,
        ours: wall,
        beside: 'one build',
        theirs: one,
        maxRatio,
      },
      { what: 'the queue’s own time per build', ours: (wall - 5 * one) / 5, maxOurs: 1 },
      {
        what: `a builder’s line until it is in the log, longest of ${lags.length}`,
        ours: Math.max(...lags),
        maxOurs: 1,
      },
    ];
  } finally {
    await ten.stop();
  }
}
