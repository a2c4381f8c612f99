/** Bundles and drives as a page asks for them: by tokens, answered without a folder of this machine. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StreamItem } from '../../../src-main/contract/index.ts';
import { tarOf } from '../../integration/cvm-bundle/kits.ts';
import { projectText } from '../../lab/project-text.ts';
import { loose, makeCore, page } from './bench.ts';

type Task = Extract<StreamItem<'tasks.watch'>, { kind: 'task' }>['task'];

/** A bundle with a script alone: enough to be looked into, with much to be found. */
async function makeDesk() {
  const bench = await makeCore();
  const folder = join(bench.folder, 'home of ada');
  mkdirSync(folder);
  const archive = join(folder, 'site-1.tgz');
  const script = '#!/bin/bash\nqemu-system-x86_64 -smp 4 -cpu EPYC-v4\n';
  writeFileSync(
    archive,
    await tarOf([{ header: { name: 'cvm_0123456789ab/launch_vm.sh' }, content: script }]),
  );
  writeFileSync(join(folder, 'project.yml'), projectText);
  writeFileSync(join(folder, 'no-drive.qcow2'), 'no drive');
  const tokens = {
    archive,
    project: join(folder, 'project.yml'),
    absent: join(folder, 'absent.csv'),
    record: join(folder, 'absent.bundle.json'),
    drive: join(folder, 'no-drive.qcow2'),
    kit: join(folder, 'kit'),
  };
  const client = bench.core.clientFor(page(tokens));
  const run = async (name: string, payload: unknown): Promise<Task> => {
    const started = await loose(client).start(name, payload);
    if (!started.ok) throw new Error(started.error.message);
    const opened = await client.open('tasks.watch', { id: String(started.value['id']) });
    if (!opened.ok) throw new Error(opened.error.message);
    let last: Task | undefined;
    for await (const item of opened.value.items) if (item.kind === 'task') last = item.task;
    if (!last) throw new Error('no task');
    return last;
  };
  return { run, folder, client };
}

describe('a bundle asked for by a page', () => {
  it('is answered by base names: the record, the target, the findings', async () => {
    const { run, folder } = await makeDesk();
    const task = await run('bundles.inspect', { bundle: 'archive', keep: true });
    expect(task).toMatchObject({
      status: 'succeeded',
      target: 'site-1.tgz',
      result: {
        participant: 'site-1',
        bundle: 'cvm_0123456789ab',
        record: { name: 'site-1.bundle.json', signed: false },
        measurement: { computed: false },
        kit: null,
      },
    });
    const { findings } = task.result as { findings: { severity: string; file: string }[] };
    expect(findings.filter(({ severity }) => severity === 'problem').map(({ file }) => file)).toContain(
      'vmlinuz',
    );
    expect(JSON.stringify(task)).not.toContain(folder);
  });

  it('cannot be named by a path', async () => {
    const { client, folder } = await makeDesk();
    const answer = await loose(client).start('bundles.inspect', { bundle: join(folder, 'site-1.tgz') });
    expect(answer).toMatchObject({ ok: false, error: { code: 'denied' } });
  });

  it.each([
    ['bundles.inspect', { bundle: 'absent' }, 'not_found', 'absent.csv does not exist.'],
    [
      'bundles.inspect',
      { bundle: 'archive', sign: 'admin', admin_kit: 'kit' },
      'not_found',
      'kit is no admin kit',
    ],
    [
      'bundles.verify',
      { bundle: 'archive', root_fingerprint: 'AB'.repeat(32) },
      'not_found',
      'site-1.bundle.json',
    ],
    [
      'bundles.verify',
      { bundle: 'archive', record: 'record', root_fingerprint: 'AB'.repeat(32) },
      'not_found',
      'absent.bundle.json does not exist.',
    ],
    ['user_data.put', { drive: 'drive', source: 'absent' }, 'not_found', 'absent.csv is no file.'],
  ])('%s %j fails without a folder in its words', async (name, payload, code, words) => {
    const { run, folder } = await makeDesk();
    const task = await run(name, payload);
    expect(task.error?.code).toBe(code);
    expect(task.error?.message).toContain(words);
    expect(JSON.stringify(task)).not.toContain(folder);
  });

  it.each([
    ['bundles.verify', { bundle: 'archive' }, 'bad_usage', 'root_fingerprint'],
    ['bundles.inspect', { bundle: 'archive', sign: 'admin' }, 'bad_usage', 'admin_kit'],
    ['user_data.put', { drive: 'drive', source: 'absent' }, 'not_found', 'source'],
    ['user_data.list', {}, 'bad_usage', 'drive'],
    ['user_data.list', { site: 'site-1' }, 'bad_usage', 'host_path'],
    ['user_data.check_mount', { nfs: 'nowhere' }, 'invalid_input', 'nfs'],
    ['user_data.mount_conf', { drive: 'drive', nfs: 'a:/../b' }, 'invalid_input', 'nfs'],
    ['user_data.resize', { drive: 'drive', size: 0.008 }, 'integrity', undefined],
  ])('%s %j says what is wrong at its field', async (name, payload, code, path) => {
    const { run, folder } = await makeDesk();
    const { error } = await run(name, payload);
    expect(error?.code).toBe(code);
    expect(error?.fields?.[0]?.path).toBe(path);
    expect(JSON.stringify(error)).not.toContain(folder);
  });

  it('of a project without a root certificate cannot be verified by that', async () => {
    const { run } = await makeDesk();
    const { error } = await run('bundles.verify', { bundle: 'archive', file: 'project' });
    expect(error).toMatchObject({ code: 'not_found', hint: expect.stringContaining('Paste') as string });
  });
});

describe('an export asked for by a page', () => {
  it('is told with the line to write on the server, and from where it was tried', async () => {
    const { run } = await makeDesk();
    const { result } = await run('user_data.check_mount', { nfs: '127.0.0.1:/exports' });
    expect(result).toMatchObject({
      host: '127.0.0.1',
      path: '/exports',
      line: '127.0.0.1:/exports',
      exports_line: '/exports CLIENTS(rw,insecure,sync)',
      from: 'this machine',
    });
    expect((result as { reached: { port: number }[] }).reached.map(({ port }) => port)).toEqual([111, 2049]);
  });

  it('by a name without address is a warning', async () => {
    const { run } = await makeDesk();
    const { result } = await run('user_data.check_mount', { nfs: 'nowhere.invalid:/exports' });
    expect((result as { findings: { message: string }[] }).findings.map(({ message }) => message)).toContain(
      'The name nowhere.invalid is not known on this machine.',
    );
  });
});
