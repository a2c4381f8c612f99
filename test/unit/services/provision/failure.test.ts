import { hash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { provision } from '../../../../src-main/services/provision/index.ts';
import { participant, sampleProject } from '../../../lab/sample-project.ts';

/** What the file system refuses, by operation: from which call on, and with which error. */
const faults = vi.hoisted(() => new Map<string, { after: number; code: string; only?: RegExp }>());

vi.mock('node:fs/promises', async (load) => {
  const real: Record<string, unknown> = await load();
  const faulty =
    (name: string) =>
    (...args: unknown[]): unknown => {
      const fault = faults.get(name);
      if (fault !== undefined && (fault.only === undefined || fault.only.test(String(args[0])))) {
        fault.after -= 1;
        if (fault.after < 0) {
          const error = new Error(`${fault.code}: injected`);
          return Promise.reject(Object.assign(error, { code: fault.code, path: String(args[0]) }));
        }
      }
      return (real[name] as (...all: unknown[]) => unknown)(...args);
    };
  return {
    ...real,
    writeFile: faulty('writeFile'),
    mkdir: faulty('mkdir'),
    rename: faulty('rename'),
    open: faulty('open'),
    link: faulty('link'),
  };
});

let workspace: string;
const root = () => join(workspace, 'example_project');
const lock = () => join(root(), '.provision.lock');

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'provision-'));
});
afterEach(async () => {
  faults.clear();
  await rm(workspace, { recursive: true, force: true });
});

const project = () => sampleProject('2.7.2');
const withMore = () =>
  sampleProject('2.7.2', { participants: [...project().participants, participant('client', 'site-3')] });

async function everything(): Promise<Record<string, string>> {
  const entries = await readdir(workspace, { recursive: true, withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isDirectory() ? 'folder' : hash('sha256', await readFile(path))] as const;
    }),
  );
  return Object.fromEntries(found);
}

describe.each(['an empty workspace', 'a workspace in use'])('in %s', (kind) => {
  beforeEach(async () => {
    if (kind === 'a workspace in use') await provision(project(), { workspace });
  });

  it.each([
    ['the disk is full at the first kit file', 'writeFile', { after: 1, code: 'ENOSPC' }, 'too_large'],
    ['the disk is full in the middle', 'writeFile', { after: 30, code: 'ENOSPC' }, 'too_large'],
    ['the quota is used up', 'writeFile', { after: 20, code: 'EDQUOT' }, 'too_large'],
    ['folders cannot be made', 'mkdir', { after: 0, code: 'EACCES' }, 'denied'],
    ['the file system is read-only', 'writeFile', { after: 0, code: 'EROFS' }, 'denied'],
    ['a kit folder cannot be made', 'mkdir', { after: 0, code: 'EACCES', only: /wip\/site-2/ }, 'denied'],
    ['the state cannot be written', 'open', { after: 0, code: 'ENOSPC', only: /cert\.json/ }, 'too_large'],
    [
      'the state cannot be put in place',
      'rename',
      { after: 0, code: 'EACCES', only: /cert\.json/ },
      'denied',
    ],
    ['the kits cannot be put in place', 'rename', { after: 0, code: 'EACCES', only: /wip$/ }, 'denied'],
    ['the disk breaks', 'writeFile', { after: 5, code: 'EIO' }, 'internal'],
  ])('%s: everything is as it was', async (_what, operation, fault, code) => {
    const before = await everything();
    faults.set(operation, { ...fault });
    await expect(provision(withMore(), { workspace })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(workspace) as string,
      hint: expect.any(String) as string,
    });
    faults.clear();
    expect(await everything()).toEqual(before);
    await provision(withMore(), { workspace });
  });

  it.each(['at once', 'cert', 'kits', 'finalize'])(
    'a cancel (%s) leaves everything as it was',
    async (when) => {
      const before = await everything();
      const abort = new AbortController();
      if (when === 'at once') abort.abort();
      const work = provision(withMore(), {
        workspace,
        signal: abort.signal,
        report: ({ step }) => {
          if (step === when) abort.abort();
        },
      });
      await expect(work).rejects.toMatchObject({ code: 'cancelled' });
      expect(await everything()).toEqual(before);
    },
  );
});

describe('a cancel among many keys', () => {
  it('is heard long before they are made', async () => {
    const many = sampleProject('2.8.1', {
      participants: [
        participant('server', 'server1'),
        ...Array.from({ length: 1000 }, (_unused, index) => participant('client', `site-${index}`)),
      ],
    });
    const abort = new AbortController();
    let cancelled = 0;
    const work = provision(many, {
      workspace,
      signal: abort.signal,
      report: ({ done }) => {
        if (done !== 3) return;
        cancelled = performance.now();
        abort.abort();
      },
    });
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
    expect(performance.now() - cancelled).toBeLessThan(4000);
    expect(await everything()).toEqual({});
  });
});

describe('the lock', () => {
  it('lets one run at a time in, and the next one after it', async () => {
    const results = await Promise.allSettled([
      provision(project(), { workspace }),
      provision(project(), { workspace }),
    ]);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toMatchObject({
      code: 'locked',
      retryable: true,
      message: expect.stringContaining(String(process.pid)) as string,
    });
    expect((await provision(project(), { workspace })).prod).toBe(join(root(), 'prod_01'));
    expect((await readdir(root())).sort()).toEqual(['prod_00', 'prod_01', 'state']);
  });

  it('works where the file system has no hard links', async () => {
    faults.set('link', { after: 0, code: 'EPERM' });
    const results = await Promise.allSettled([
      provision(project(), { workspace }),
      provision(project(), { workspace }),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await readdir(root())).sort()).toEqual(['prod_00', 'state']);
  });

  it.each([
    ['of a process that is gone', () => ({ pid: 2 ** 22 + 1, host: hostname() })],
    [
      'of a process whose number was given out again',
      () => ({ pid: process.pid, host: hostname(), started: '1' }),
    ],
  ])('%s is taken over', async (_what, mark) => {
    await provision(project(), { workspace });
    await writeFile(lock(), JSON.stringify(mark()));
    expect((await provision(project(), { workspace })).prod).toBe(join(root(), 'prod_01'));
    expect((await readdir(root())).sort()).toEqual(['prod_00', 'prod_01', 'state']);
  });

  it.each([
    ['on another machine', () => JSON.stringify({ pid: 2 ** 22 + 1, host: 'elsewhere' })],
    ['nobody can read', () => 'garbage'],
    ['of a running process', () => JSON.stringify({ pid: process.ppid, host: hostname() })],
  ])('%s holds', async (_what, text) => {
    await provision(project(), { workspace });
    await writeFile(lock(), text());
    await expect(provision(project(), { workspace })).rejects.toMatchObject({
      code: 'locked',
      hint: expect.stringContaining(lock()) as string,
    });
    expect(await readFile(lock(), 'utf8')).toBe(text());
  });
});
