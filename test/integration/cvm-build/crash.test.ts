/** Ten images on two builder hosts; one fails; the program is killed in the middle. `bench/builds.ts` measures the same. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustFlaredesk } from '../../lab/flaredesk.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { failingSite, type Image, prepareTenBuilds, tenSites } from './ten-builds.ts';

let folder: string;
let ten: Awaited<ReturnType<typeof prepareTenBuilds>>;
beforeAll(async () => {
  folder = await newLabFolder('crash');
  ten = await prepareTenBuilds(folder, 2);
});
afterAll(() => ten.stop());

test('nine are built, one retry is offered, none is built twice', async () => {
  const { code, images, called, lags, ready, left } = await ten.run();
  expect(code).toBe(3);
  expect(images.filter(({ state }) => state === 'built')).toHaveLength(9);
  expect(images.find(({ site }) => site === failingSite)).toMatchObject({
    state: 'failed',
    error: { message: expect.stringContaining('status 7') as string },
  });
  expect(images.filter(({ actions }) => actions.includes('retry')).map(({ site }) => site)).toEqual([
    failingSite,
  ]);
  expect(called.sort()).toEqual([...tenSites].sort());
  // What lay ready when the command was killed was found again: no kit is left on the hosts.
  expect(ready).not.toEqual([]);
  expect(left).toEqual([]);
  // Every line of a build that was followed is in its log: seven or eight of ten, five stages each.
  expect(lags.length).toBeGreaterThanOrEqual(35);
  expect(lags.filter((lag) => !(lag >= 0))).toEqual([]);
});

test('the retry goes its own way', async () => {
  const config = join(folder, `cc_${failingSite}.yml`);
  writeFileSync(
    config,
    readFileSync(config, 'utf8')
      .replace(/fail: 7/, 'fail: 0')
      .replace(/seconds: \d+/, 'seconds: 0'),
  );
  const { images } = await mustFlaredesk<{ images: Image[] }>(
    ['cvm', 'retry', '-p', 'project.yml', '--allow-running-vms'],
    ten.options(),
  );
  expect(images.map(({ site, state }) => `${site} ${state}`)).toEqual([`${failingSite} built`]);
});
