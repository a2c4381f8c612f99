import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../../src-main/services/store/database.ts';
import { openStore, type TaskRecord } from '../../../../src-main/services/store/index.ts';
import { migrations } from '../../../../src-main/services/store/migrations.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'core-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const file = () => join(folder, 'flaredesk.sqlite');
const record = (id: string, more: Partial<TaskRecord> = {}): TaskRecord => ({
  id,
  kind: 'test.work',
  title: 'Work',
  status: 'succeeded',
  input: { file: 'p' },
  steps: [{ name: 'one', state: 'done' }],
  created_at: `2026-01-01T00:00:${id.padStart(2, '0')}.000Z`,
  owner: { pid: 1, birth: 'b' },
  ...more,
});

describe('the store', () => {
  it('is for its owner alone', async () => {
    const inner = join(folder, 'state');
    openStore(inner).close();
    expect((await stat(inner)).mode & 0o777).toBe(0o700);
    expect((await stat(join(inner, 'flaredesk.sqlite'))).mode & 0o777).toBe(0o600);
  });

  it('gives records back as they were', async () => {
    const store = openStore(folder);
    const full = record('1', {
      target: 't',
      progress: { step: 'one', done: 1 },
      error: { code: 'timeout', message: 'm', retryable: true },
      result: { a: [1] },
      ended_at: '2026-01-01T00:00:02.000Z',
    });
    await store.tasks.save(full);
    await store.tasks.save(record('2'));
    await store.tasks.save(record('3', { parent: '1' }));
    expect(await store.tasks.get('1')).toEqual(full);
    expect(await store.tasks.get('none')).toBeUndefined();
    expect((await store.tasks.list({ limit: 10 })).map(({ id }) => id)).toEqual(['2', '1']);
    const { result: _left, ...light } = full;
    expect((await store.tasks.list({ limit: 10, results: false })).at(-1)).toEqual(light);
    expect((await store.tasks.list({ limit: 10, parent: '1' })).map(({ id }) => id)).toEqual(['3']);
    store.close();
  });

  it('forgets the oldest finished tasks with their children, never one at work', async () => {
    const store = openStore(folder);
    await store.tasks.save(record('1', { status: 'running' }));
    await store.tasks.save(record('2'));
    await store.tasks.save(record('3', { parent: '2' }));
    await store.tasks.save(record('4'));
    await store.tasks.prune(1);
    expect((await store.tasks.list({ limit: 10 })).map(({ id }) => id)).toEqual(['4', '1']);
    expect(await store.tasks.get('3')).toBeUndefined();
    store.close();
  });

  it('keeps console history per project, newest last', async () => {
    const store = openStore(folder);
    for (const line of ['a', 'b', 'c']) await store.history.add('p', line, 'now');
    await store.history.add('q', 'other', 'now');
    expect(await store.history.newest('p', 2)).toEqual(['b', 'c']);
    store.close();
  });

  it('is opened by two processes at once', async () => {
    const script = `
      import { openStore } from '${join(import.meta.dirname, '../../../../src-main/services/store/index.ts')}';
      const store = openStore(process.argv[1]);
      for (let i = 0; i < 30; i++) await store.history.add('p', process.pid + ' ' + i, 'now');
      store.close();`;
    const run = () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, folder], {
        timeout: 15_000,
      });
    await Promise.all([run(), run(), run()]);
    const store = openStore(folder);
    expect(await store.history.newest('p', 1000)).toHaveLength(90);
    store.close();
  });
});

describe('migration', () => {
  it('keeps what was there, and a copy from before', async () => {
    const first = openDatabase(folder);
    first.exec("INSERT INTO console_history (project, line, at) VALUES ('p', 'kept', 'now')");
    first.close();
    const second = openDatabase(folder, [...migrations, 'CREATE TABLE more (id INTEGER) STRICT']);
    expect(second.prepare('SELECT line FROM console_history').all()).toEqual([{ line: 'kept' }]);
    expect(second.prepare('SELECT count(*) AS n FROM more').get()).toEqual({ n: 0 });
    second.close();
    const copy = `${file()}.before-${migrations.length + 1}`;
    expect((await stat(copy)).mode & 0o777).toBe(0o600);
    const old = new DatabaseSync(copy);
    expect(old.prepare('PRAGMA user_version').get()).toEqual({ user_version: migrations.length });
    expect(old.prepare('SELECT line FROM console_history').all()).toEqual([{ line: 'kept' }]);
    old.close();
    expect((await readdir(folder)).filter((name) => name.includes('.copy-'))).toEqual([]);
  });

  it('that fails leaves the database as it was', () => {
    openDatabase(folder).close();
    expect(() => openDatabase(folder, [...migrations, 'CREATE TABLE half (id INTEGER); NONSENSE'])).toThrow(
      expect.objectContaining({ code: 'integrity' }),
    );
    const after = openDatabase(folder);
    expect(after.prepare("SELECT name FROM sqlite_master WHERE name = 'half'").all()).toEqual([]);
    after.close();
  });

  it('refuses a newer form in words, untouched', () => {
    openDatabase(folder, [...migrations, 'CREATE TABLE future (id INTEGER)']).close();
    expect(() => openStore(folder)).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('newer') as string }),
    );
    openDatabase(folder, [...migrations, 'CREATE TABLE future (id INTEGER)']).close();
  });
});

describe('a file that cannot be used', () => {
  it('is refused when it is no database, and kept', async () => {
    await writeFile(file(), 'this is not a database, it only has the name of one');
    expect(() => openStore(folder)).toThrow(expect.objectContaining({ code: 'integrity' }));
    expect((await stat(file())).size).toBe(51);
  });

  it('is refused in words when its folder cannot be made', async () => {
    await writeFile(join(folder, 'taken'), '');
    expect(() => openStore(join(folder, 'taken'))).toThrow(expect.objectContaining({ code: 'denied' }));
  });

  it('is refused in words when it cannot be opened', async () => {
    await mkdir(file());
    expect(() => openStore(folder)).toThrow(expect.objectContaining({ code: 'denied' }));
  });
});
