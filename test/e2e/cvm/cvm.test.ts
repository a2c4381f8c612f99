/**
 * Confidential computing from files to running, by the command alone: the guide's example project becomes two verified bundles
 * (test builder), goes to two sshd hosts, is started (stand-in for QEMU), looked at, and stopped.
 */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CcProject, makeCcProject } from '../../lab/cc-project.ts';
import { flaredesk, mustFlaredesk } from '../../lab/flaredesk.ts';
import { newLabFolder } from '../../lab/keeper.ts';

interface Site {
  name: string;
  state: string;
  steps: { name: string; state: string; message: string }[];
  status?: {
    process: string;
    vm: { lock: string; serial: { stage: string; expected?: string; measurement?: string } };
  };
  error?: { code: string; message: string };
}
interface Host {
  name: string;
  state: string;
  probes: { id: string; state: string; summary: string; command?: string; output?: string }[];
}

let cc: CcProject;
beforeAll(async () => {
  cc = await makeCcProject(await newLabFolder('cc-e2e'));
}, 60_000);
afterAll(() => cc.stop());

const desk = <Value>(...args: string[]) =>
  mustFlaredesk<Value>(args, { env: cc.env, cwd: join(cc.project, '..') });
const sites = async (verb: string, ...more: string[]) =>
  (await desk<{ sites: Site[] }>('sites', verb, '-p', cc.project, ...more)).sites;
const states = (found: Site[]) => Object.fromEntries(found.map(({ name, state }) => [name, state]));
const step = (site: Site | undefined, name: string) => site?.steps.find((one) => one.name === name);

test('from files to two verified bundles', async () => {
  const checked = await desk<{ findings: { severity: string; code: string }[] }>(
    'project',
    'check',
    cc.project,
  );
  expect(checked.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  await desk('provision', '-p', cc.project);
  const prod = join(cc.project, '../workspace/example_project/prod_00');
  expect(readdirSync(prod).sort()).toEqual(expect.arrayContaining(['admin@nvidia.com', 'server1', 'site-1']));
  const root = new X509Certificate(readFileSync(join(prod, 'admin@nvidia.com/startup/rootCA.pem')));
  const fingerprint = root.fingerprint256;
  for (const name of ['server1', 'site-1']) {
    // What the reference's packager leaves: the archive alone, the kit is inside it.
    expect(readdirSync(join(prod, name))).toContain(`${name}.tgz`);
    expect(existsSync(join(prod, name, 'startup'))).toBe(false);
    const listed = execFileSync('tar', ['-tzf', join(prod, name, `${name}.tgz`)], { encoding: 'utf8' });
    expect(listed.split('\n').filter((line) => /cvm_[0-9a-f]{12}\/./.test(line))).toHaveLength(9);
    // Signed here, verified as the receiving site would: by the root fingerprint alone.
    const archive = join(prod, name, `${name}.tgz`);
    await desk('cvm', 'inspect', archive, '-p', cc.project, '--sign', 'root');
    const verified = await desk<{ problems: unknown[] }>(
      'cvm',
      'verify',
      archive,
      '--root-fingerprint',
      fingerprint,
    );
    expect(verified.problems).toEqual([]);
  }
}, 120_000);

test('the hosts are probed; what they lack is told, nothing is changed', async () => {
  const answer = await flaredesk<{ hosts: Host[] }>(['host', 'check', '-p', cc.project], { env: cc.env });
  if (!answer.ok) throw new Error(answer.error.message);
  const { hosts } = answer.value;
  expect(hosts.map(({ name }) => name)).toEqual(['server1', 'site-1']);
  for (const host of hosts) {
    expect(host.probes).toHaveLength(33);
    const of = (id: string) => host.probes.find((probe) => probe.id === id);
    expect(of('qemu')).toMatchObject({ state: 'ok', summary: '9.2.1' });
    expect(of('vm-process')?.state).toBe('not_applicable');
    expect(of('image-lock')).toMatchObject({ state: 'not_applicable', summary: 'no image is delivered' });
  }
  // These hosts are no SEV-SNP machines, and are not shown as such.
  expect(hosts.every(({ state }) => state === 'bad')).toBe(true);
  expect(answer.code).toBe(1);
}, 60_000);

test('delivered, started with the server first, measured as expected, and stopped', async () => {
  expect((await flaredesk(['sites', 'start', '-p', cc.project], { env: cc.env })).code).toBe(1);
  expect(states(await sites('check'))).toEqual({ server1: 'ready', 'site-1': 'ready' });
  expect(states(await sites('distribute'))).toEqual({ server1: 'delivered', 'site-1': 'delivered' });
  expect(states(await sites('distribute'))).toEqual({ server1: 'already_there', 'site-1': 'already_there' });
  const started = await sites('start');
  expect(states(started)).toEqual({ server1: 'running', 'site-1': 'running' });
  const client = started.find(({ name }) => name === 'site-1');
  // The server was up before: its sealed address answers.
  expect(step(client, 'names')).toMatchObject({ state: 'ok' });
  for (const { home } of [cc.server, cc.site]) {
    const record = readFileSync(join(home, '.cvm-host.record'), 'utf8').trim().split('\n');
    expect(record).toHaveLength(1);
  }
  const looked = await sites('status');
  for (const site of looked) {
    expect(site.status).toMatchObject({
      process: 'running',
      vm: { lock: 'held', serial: { stage: 'unlocked' } },
    });
    // What the arguments of the started program measure is what the inspection of the archive expected.
    expect(site.status?.vm.serial.expected).toBe('equal');
  }
  const probed = await flaredesk<{ hosts: Host[] }>(
    ['host', 'check', '-p', cc.project, '--probe', 'vm-process,image-lock,boot-log,vm-ports,ovmf'],
    { env: cc.env },
  );
  if (!probed.ok) throw new Error(probed.error.message);
  for (const host of probed.value.hosts)
    for (const id of ['vm-process', 'image-lock', 'boot-log', 'ovmf'])
      expect(
        host.probes.find((probe) => probe.id === id),
        `${host.name} ${id}`,
      ).toMatchObject({ state: 'ok' });
  expect(states(await sites('start'))).toEqual({ server1: 'already_running', 'site-1': 'already_running' });

  // No FLARE server answers in these VMs: without a word of a person nothing is ended.
  const refused = await flaredesk<{ sites: Site[] }>(['sites', 'stop', '-p', cc.project], { env: cc.env });
  if (!refused.ok) throw new Error(refused.error.message);
  expect(refused.code).toBe(1);
  expect(refused.value.sites.map(({ error }) => error?.code)).toEqual([
    'needs_confirmation',
    'needs_confirmation',
  ]);
  expect(refused.value.sites[0]?.error?.message).toContain('stops the whole federation');
  expect(states(await sites('status'))).toEqual({ server1: 'running', 'site-1': 'running' });
  const stopped = await sites('stop', '--force');
  expect(states(stopped)).toEqual({ server1: 'stopped', 'site-1': 'stopped' });
  expect(step(stopped[0], 'leave')).toMatchObject({ state: 'warning' });
  expect(states(await sites('status'))).toEqual({ server1: 'stopped', 'site-1': 'stopped' });
}, 180_000);

test('no secret is in any answer or record of this program', () => {
  const state = join(cc.env['XDG_STATE_HOME'] ?? '', 'flaredesk');
  const text = readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
  expect(text).not.toMatch(/PRIVATE KEY/);
  expect(text).not.toMatch(/Retrieved key: [0-9a-f]{100}/);
});
