/** The open project stays true to its files and to the tasks, and reads the files only when they changed. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { createBusyStages } from '../../../src-main/core/workspace/busy-stages.ts';
import { dressed } from '../../../src-main/core/workspace/picture.ts';
import type { TaskRecord } from '../../../src-main/services/store/index.ts';
import { makeCore } from './bench.ts';
import { projectText } from '../../lab/project-text.ts';

const reads = vi.hoisted(() => ({ count: 0 }));
vi.mock('../../../src-main/services/projects/index.ts', async (original) => {
  const real = await original<typeof import('../../../src-main/services/projects/index.ts')>();
  return {
    ...real,
    loadProject: (...args: Parameters<typeof real.loadProject>) => {
      reads.count += 1;
      return real.loadProject(...args);
    },
  };
});

/** Sites that end when the test says so. */
const gates = vi.hoisted(() => new Map<string, (state: 'delivered' | 'failed') => void>());
vi.mock('../../../src-main/services/sites/index.ts', async (original) => {
  const real = await original<typeof import('../../../src-main/services/sites/index.ts')>();
  const runSites: typeof real.runSites = async ({ targets, step }, { report, ended } = {}) => {
    const sites = targets.map(async ({ name }) => {
      report?.({ step, target: name, done: 1, total: 2, unit: 'bytes' });
      const state = await new Promise<'delivered' | 'failed'>((resolve) => gates.set(name, resolve));
      const error = { code: 'remote_failed', message: 'The disk is full.', retryable: false } as const;
      const result = { name, state, steps: [], ...(state === 'failed' ? { error } : {}) };
      ended?.(result);
      return result;
    });
    return { sites: await Promise.all(sites) };
  };
  return { ...real, runSites };
});

type Open = NonNullable<StateValue<'workspace.current'>['open']>;

async function openStudy() {
  const bench = await makeCore();
  const folder = join(bench.folder, 'study');
  await mkdir(folder);
  const file = join(folder, 'project.yml');
  await writeFile(file, projectText);
  let told: Open | null = null;
  let tellings = 0;
  bench.client.subscribe('workspace.current', ({ value }) => {
    told = value.open;
    tellings += 1;
  });
  expect(await bench.client.call('workspace.open', { place: file })).toMatchObject({ ok: true });
  return { ...bench, file, told: () => told, tellings: () => tellings };
}

describe('the open project', () => {
  it('is read once, and told of new kits when provisioning has ended', async () => {
    const { client, file, told } = await openStudy();
    expect(told()?.participants.map(({ name }) => name)).toEqual(['server1', 'site-1', 'admin@nvidia.com']);
    expect(told()).not.toHaveProperty('prod');
    const before = reads.count;
    await client.start('provisioning.run', { file });
    await expect.poll(() => told()?.prod, { timeout: 10_000 }).toBe('prod_00');
    expect(told()?.participants[1]?.kit).toMatchObject({ state: 'ok' });
    // Once by the provisioning itself, once for the picture, whatever was reported in between.
    expect(reads.count - before).toBe(2);
  });

  it('is not read again for a task that fails', async () => {
    const { client, file, tellings } = await openStudy();
    const before = reads.count;
    const seen = tellings();
    // Without desk.yml there is no host.
    await client.start('sites.run', { verb: 'check', file });
    await expect.poll(tellings, { timeout: 10_000 }).toBeGreaterThan(seen);
    expect(reads.count - before).toBe(1);
  });

  it('shows how each site stands as soon as its part has ended', async () => {
    const { client, file, told } = await openStudy();
    const hosts = ['server1', 'site-1'].map((name) => `  ${name}: { ssh: ${name}, directory: /srv }\n`);
    await writeFile(join(file, '../desk.yml'), `version: 1\nproject: project.yml\nhosts:\n${hosts.join('')}`);
    await client.start('provisioning.run', { file });
    await expect.poll(() => told()?.prod, { timeout: 10_000 }).toBe('prod_00');
    const delivered = () =>
      told()
        ?.participants.slice(0, 2)
        .map((site) => site.delivered?.text);
    await client.start('sites.run', { verb: 'distribute', file });
    await expect.poll(delivered, { timeout: 10_000 }).toEqual(['50 %', '50 %']);
    gates.get('server1')?.('delivered');
    await expect.poll(delivered, { timeout: 10_000 }).toEqual(['delivered', '50 %']);
    gates.get('site-1')?.('failed');
    await expect.poll(delivered, { timeout: 10_000 }).toEqual(['delivered', 'failed']);
    expect(told()?.attention).toContainEqual(
      expect.objectContaining({ target: 'site-1', message: 'The disk is full.' }),
    );
  });

  it('is not read again while its sites are worked on, whoever looks', async () => {
    const { client, file, told, tellings } = await openStudy();
    await writeFile(
      join(file, '../desk.yml'),
      'version: 1\nproject: project.yml\nhosts:\n  site-1: { ssh: h, directory: /srv }\n',
    );
    await client.start('provisioning.run', { file });
    await expect.poll(() => told()?.prod, { timeout: 10_000 }).toBe('prod_00');
    let boards = 0;
    const stop = client.subscribe('builds.board', () => (boards += 1));
    await expect.poll(() => boards, { timeout: 5000 }).toBeGreaterThan(1);
    await client.start('sites.run', { verb: 'distribute', file });
    const delivered = () => told()?.participants.find(({ name }) => name === 'site-1')?.delivered?.text;
    await expect.poll(delivered, { timeout: 10_000 }).toBe('50 %');
    const before = { reads: reads.count, boards, tellings: tellings() };
    gates.get('site-1')?.('delivered');
    await expect.poll(delivered, { timeout: 10_000 }).toBe('delivered');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(tellings()).toBeGreaterThan(before.tellings);
    expect(reads.count).toBe(before.reads);
    expect(boards).toBe(before.boards);
    stop();
  });

  it('notices what another program changes', { timeout: 15_000 }, async () => {
    const { file, told } = await openStudy();
    await writeFile(file, (await readFile(file, 'utf8')).replace('site-1', 'clinic-1'));
    await expect.poll(() => told()?.participants[1]?.name, { timeout: 8000 }).toBe('clinic-1');
  });

  it('notices a change of any file that the project names, also of one that was missing', {
    timeout: 30_000,
  }, async () => {
    const { file, told } = await openStudy();
    const own = join(file, '../cc_site-1.yml');
    const named = (await readFile(file, 'utf8')).replace(
      'site-1, type',
      'site-1, cc_config: cc_site-1.yml, type',
    );
    await writeFile(file, named);
    const errors = () => told()?.errors ?? 0;
    await expect.poll(errors, { timeout: 8000 }).toBeGreaterThan(0);
    const missing = errors();
    await writeFile(own, 'compute_env: mock\n');
    await expect.poll(errors, { timeout: 8000 }).toBeLessThan(missing);
    const readable = errors();
    await writeFile(own, 'compute_env: [nowhere\n');
    await expect.poll(errors, { timeout: 8000 }).toBeGreaterThan(readable);
  });
});

const task = (more: Partial<TaskRecord>): TaskRecord => ({
  id: 'root',
  kind: 'sites.run',
  title: '',
  status: 'running',
  input: { verb: 'distribute', file: '/p' },
  steps: [],
  created_at: '',
  owner: { pid: 1, birth: '' },
  ...more,
});
const child = (id: string, target: string, more: Partial<TaskRecord> = {}): TaskRecord =>
  task({ id, target, parent: 'root', input: null, ...more });

describe('the stages that are worked on', () => {
  const stages = () =>
    createBusyStages(({ kind, input }) =>
      kind === 'sites.run' ? (input as { verb: 'distribute'; file: string }) : undefined,
    );
  const hear = (busy: ReturnType<typeof stages>, ...records: TaskRecord[]) => {
    for (const record of records) busy.hear({ kind: 'task', task: record });
  };

  it('follow the progress of each site until it ends', () => {
    const busy = stages();
    hear(busy, task({}), child('1', 'site-1'), child('2', 'site-2'));
    busy.hear({ kind: 'progress', id: '1', progress: { step: 'upload', done: 1, total: 3 } });
    busy.hear({ kind: 'progress', id: 'unheard-of', progress: { step: 'upload' } });
    expect(Object.fromEntries(busy.of('/p'))).toEqual({
      'site-1': { delivered: { state: 'busy', text: '33 %', task: 'root' } },
      'site-2': { delivered: { state: 'busy', text: 'working', task: 'root' } },
    });
    expect(busy.of('/other').size).toBe(0);
    hear(busy, child('1', 'site-1', { status: 'succeeded' }));
    expect([...busy.of('/p').keys()]).toEqual(['site-2']);
    hear(busy, task({ status: 'failed' }));
    expect(busy.of('/p').size).toBe(0);
  });

  it('pass over tasks about something else', () => {
    const busy = stages();
    hear(busy, task({ kind: 'jobs.submit' }), child('1', 'site-1'));
    expect(busy.of('/p').size).toBe(0);
  });

  it('stand in the picture before what was last known, and need no attention', () => {
    const picture = {
      kind: 'project',
      name: 'p',
      label: '/p',
      flare: '2.8.1',
      state: 'ok',
      errors: 0,
      warnings: 0,
      participants: [{ name: 'site-1', type: 'client', org: 'o', problems: 0 }],
    } as const;
    const busy = stages();
    hear(busy, task({}), child('1', 'site-1'));
    const open = dressed(
      { ...picture, participants: [...picture.participants] },
      {
        facts: {
          'site-1': {
            delivered: { state: 'ok', text: 'delivered' },
            running: { state: 'ok', text: 'running' },
          },
        },
        connected: { names: new Set(), at: '2026-01-01T00:00:00Z' },
        busy: busy.of('/p'),
      },
    );
    expect(open.participants[0]).toMatchObject({
      delivered: { state: 'busy' },
      running: { state: 'ok' },
      connected: { state: 'warn' },
    });
    expect(open.attention.filter(({ target }) => target === 'site-1')).toEqual([]);
  });
});
