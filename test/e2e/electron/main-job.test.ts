/** The whole main job in a real Electron, on real hosts and the real NVFlare: the story the browser tests tell, in the desktop app. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newLabFolder } from '../../lab/keeper.ts';
import { startHosts } from '../story/hosts.ts';
import { doMainJob } from '../story/main-job.ts';
import { type Bench, findElectron, openBench } from './app.ts';
import { takeWindowPicture } from './pictures.ts';
import { revealed, watchReveal, willPick } from './system.ts';

const binary = await findElectron();

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe.skipIf(!binary)(`main job in ${binary?.kind ?? 'SKIPPED: no'} Electron`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench(binary!, 500);
  });
  afterAll(() => bench.close());

  it.each(['2.7.2', '2.8.1'] as const)(
    'is done from wizard to result with NVFlare %s',
    { timeout: 160_000 },
    async (version) => {
      const folder = await newLabFolder('desktop');
      cleanUps.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
      const hosts = await startHosts(folder, version);
      cleanUps.push(() => hosts.stop());
      const running = await bench.start(join(folder, 'state'));
      cleanUps.push(() => running.quit());
      const { page } = running;
      page.setDefaultTimeout(15_000);
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (/Content Security Policy|Refused to/.test(message.text())) complaints.push(message.text());
      });
      await watchReveal(running);
      await running.app.evaluate(() => {
        process.traceProcessWarnings = true;
      });
      try {
        await doMainJob({
          page,
          folder,
          version,
          hosts,
          picture: (name) => takeWindowPicture(running, name),
          chooseFolder: async (_page, button, place) => {
            await willPick(running, place);
            await page.getByRole('button', { name: button, exact: true }).click();
          },
          resultShown: async (detail, kit) => {
            await detail.getByRole('button', { name: 'Show the result folder' }).click();
            await expect.poll(() => revealed(running)).toEqual([expect.stringContaining(kit)]);
          },
        });
        expect(complaints).toEqual([]);
        expect(running.log()).not.toMatch(/Unhandled|TypeError|MaxListeners|Electron Security Warning/);
      } catch (error) {
        await page
          .screenshot({ path: join(tmpdir(), `flaredesk-desktop-${version}.png`) })
          .catch(() => undefined);
        throw error;
      }
    },
  );
});
