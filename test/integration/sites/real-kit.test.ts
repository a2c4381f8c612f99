/** Kits of the real `nvflare provision`, delivered, started and stopped over SSH as a person would with their scripts. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSites, type SiteStep, type SiteTarget } from '../../../src-main/services/sites/index.ts';
import { flareBin, flareVersions, provisionReference } from '../../lab/nvflare.ts';
import { freePort, isListening } from '../../lab/ports.ts';
import { referenceProject } from '../../lab/reference-project.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { newFolder, sshSettings, targetOn } from './site-bench.ts';

const folder = newFolder('real-kit');
const hosts: Sshd[] = [];

beforeAll(async () => {
  for (const name of ['server-host', 'client-host'])
    hosts.push(await startSshd({ folder: join(folder, name) }));
});
afterAll(async () => {
  for (const host of hosts) await host.stop();
  rmSync(folder, { recursive: true, force: true });
});

test.each(flareVersions)('a federation of NVFlare %s', async (version) => {
  const [serverHost, clientHost] = hosts as [Sshd, Sshd];
  const ssh = sshSettings(folder, serverHost.user);
  const port = await freePort();
  const { prod } = await provisionReference(
    version,
    referenceProject({ version, port, clients: 1 }),
    join(folder, version),
  );
  const common = { path: [flareBin(version)], line: version, prod: 'prod_00' };
  const far = join(folder, `far-${version}`);
  const server = targetOn(serverHost, far, {
    ...common,
    name: 'localhost',
    type: 'server',
    kit: join(prod, 'localhost'),
    ports: [port],
  });
  const client = targetOn(clientHost, far, {
    ...common,
    kit: join(prod, 'site-1'),
    reaches: [{ host: 'localhost', port }],
  });
  const step = async (name: SiteStep, targets: SiteTarget[]) => {
    const { sites } = await runSites({ step: name, targets, ssh });
    for (const site of sites) expect(site.error).toBeUndefined();
    return sites.map((site) => site.state);
  };
  try {
    expect(await step('check', [server, client])).toEqual(['ready', 'ready']);
    expect(await step('distribute', [server, client])).toEqual(['delivered', 'delivered']);
    // What a site may add beside the kit's own files: here, its own place for jobs.
    const local = join(far, 'localhost', 'current', 'local');
    const resources = readFileSync(join(local, 'resources.json.default'), 'utf8');
    writeFileSync(join(local, 'resources.json'), resources.replaceAll('/tmp/nvflare/', `${far}/storage/`));

    expect(await step('start', [server])).toEqual(['running']);
    expect(await step('start', [client])).toEqual(['running']);
    const log = join(far, 'site-1', 'run', 'start.log');
    for (let i = 0; i < 60 && !readFileSync(log, 'utf8').includes('Successfully registered client'); i++)
      await sleep(500);
    expect(readFileSync(log, 'utf8')).toContain('Successfully registered client');
    expect(await step('status', [server, client])).toEqual(['running', 'running']);
    // The server writes the session token of a client into its log; it is not shown.
    const serverLog = readFileSync(join(far, 'localhost', 'run', 'start.log'), 'utf8');
    expect(serverLog).toMatch(/token\W+[0-9a-f]{8}-/);
    const { sites } = await runSites({ step: 'status', targets: [server], ssh });
    const tail = sites[0]?.status?.logTail ?? [];
    expect(tail.length).toBeGreaterThan(0);
    expect(tail.join('\n')).not.toMatch(/token\W+[0-9a-f]{8}-|\[\d+m/);
    // Running wrote beside the kit's files, and changed none of them.
    expect(await step('distribute', [server, client])).toEqual(['already_there', 'already_there']);
  } finally {
    expect(await step('stop', [client, server])).toEqual(['stopped', 'stopped']);
  }
  expect(await isListening(port)).toBe(false);
  expect(await step('status', [server, client])).toEqual(['stopped', 'stopped']);
});
