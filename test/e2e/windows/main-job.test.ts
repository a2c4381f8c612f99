/** The main job by mouse in a real browser, on real hosts and the real NVFlare: from an empty window to a job's result. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { newLabFolder } from '../../lab/keeper.ts';
import { startHosts, withAliases } from '../story/hosts.ts';
import { doMainJob } from '../story/main-job.ts';
import { openWindows, takePictures, takeProofs } from './browser.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it.each(['2.8.1', '2.7.2'] as const)(
  'does the main job with NVFlare %s',
  { timeout: 150_000 },
  async (version) => {
    const folder = await newLabFolder('windows');
    cleanUps.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const hosts = await withAliases(await startHosts(folder, version), join(folder, 'home'));
    cleanUps.push(() => hosts.stop());
    const windows = await openWindows(folder);
    cleanUps.push(() => windows.close());
    const { page } = windows;
    try {
      await doMainJob({
        page,
        folder,
        version,
        hosts,
        picture: (name) => takePictures(page, name),
        look: (name) => takeProofs(page, name),
      });
      expect(windows.complaints).toEqual([]);
    } catch (error) {
      await page
        .screenshot({ path: join(tmpdir(), `flaredesk-windows-${version}.png`) })
        .catch(() => undefined);
      throw error;
    }
  },
);
