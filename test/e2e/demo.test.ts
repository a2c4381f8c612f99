/** The demo, as a person runs it, for both lines: project.yml → kits → three SSH hosts → federation → job → model. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { flareVersions } from '../lab/nvflare.ts';

it.each(flareVersions)('runs the main job with NVFlare %s', async (version) => {
  const script = join(import.meta.dirname, '../lab/demo.ts');
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [script, '--flare', version], { timeout: 170_000 });
  expect(stdout).toMatch(/^ +\d+\.\d s {2}✔ {2}unknown key +refused \(host_key_unknown\)/m);
  expect(stdout).toMatch(/^ +\d+\.\d s {2}✔ {2}changed key +refused \(host_key_changed\)/m);
  expect(stdout).toMatch(/start +localhost running, site-1 running, site-2 running/);
  expect(stdout).toMatch(/stop +localhost stopped, site-1 stopped, site-2 stopped/);
  expect(stdout).toMatch(/^FINISHED:COMPLETED$/m);
  const model = /^model: (.+\.npy) \(\d+ bytes\)$/m.exec(stdout)?.[1] ?? '';
  expect(existsSync(model)).toBe(true);
  const folder = /^(.*\/flaredesk-demo-[^/]+)\//.exec(model)?.[1];
  expect(folder).toBeDefined();
  expect(existsSync(join(folder ?? '', 'hosts'))).toBe(false);
  await rm(folder ?? dirname(model), { recursive: true });
});
