import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { blockingFindings, checkJob } from '../../../../src-main/services/jobs/index.ts';
import { newFolder, sampleFiles, writeTree } from './workbench.ts';

const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown;

describe('checkJob', () => {
  test('takes a good folder, by path or by its name in the transfer folder', async () => {
    const kit = { folder: await newFolder(), uploadDir: 'transfer' };
    const folder = await writeTree(join(kit.folder, 'transfer', 'sample'), sampleFiles);
    for (const checked of [
      await checkJob('sample', { kit, line: '2.8.1' }),
      await checkJob(`${folder}/`, { line: '2.8.1' }),
    ]) {
      expect(checked).toMatchObject({
        folder,
        folderName: 'sample',
        jobName: 'sample',
        byoc: false,
        files: 3,
        findings: [],
      });
    }
  });

  test('says where it looked for a job that is not there', async () => {
    const kit = { folder: await newFolder(), uploadDir: 'transfer' };
    await expect(checkJob('gone', { kit })).rejects.toThrow(join(kit.folder, 'transfer', 'gone'));
    await expect(checkJob('gone', { kit })).rejects.toEqual(code('not_found'));
    await expect(checkJob('', { kit })).rejects.toEqual(code('invalid_input'));
    // The folder this process runs in plays no part, and a name does not lead out of the transfer folder.
    await expect(checkJob('src-main', { kit })).rejects.toEqual(code('not_found'));
    for (const name of ['../transfer', 'a/../..', '.', '..'])
      await expect(checkJob(name, { kit })).rejects.toThrow('leads out of the transfer folder');
    await expect(checkJob('src-main')).rejects.toEqual(code('invalid_input'));
  });

  test('says that an archive is no job folder', async () => {
    const folder = await writeTree(await newFolder(), { 'job.zip': 'PK' });
    await expect(checkJob(join(folder, 'job.zip'))).rejects.toEqual(code('invalid_input'));
  });

  test('names links, pipes and sockets, and does not follow or open them', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), sampleFiles);
    await symlink('/etc', join(folder, 'app', 'link'));
    await symlink('/nowhere', join(folder, 'app', 'config', 'broken'));
    execFileSync('mkfifo', [join(folder, 'app', 'pipe')]);
    const socket = createServer().listen(join(folder, 'app', 'socket'));
    onTestFinished(() => void socket.close());
    await new Promise((resolve) => socket.once('listening', resolve));

    const { findings, files } = await checkJob(folder, { line: '2.8.1' });
    expect(files).toBe(3);
    expect(findings.filter((finding) => finding.code === 'job_entry_kind').map(({ file }) => file)).toEqual([
      join(folder, 'app/config/broken'),
      join(folder, 'app/link'),
      join(folder, 'app/pipe'),
      join(folder, 'app/socket'),
    ]);
  });

  if (process.getuid?.() !== 0)
    test('names a file it may not read', async () => {
      const folder = await writeTree(join(await newFolder(), 'job'), sampleFiles);
      await chmod(join(folder, 'app/config/config_fed_client.json'), 0o000);
      const { findings } = await checkJob(folder);
      expect(findings.map((finding) => finding.code)).toContain('job_file_unreadable');
    });

  test('names a file name that is no UTF-8', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), sampleFiles);
    await mkdir(Buffer.concat([Buffer.from(`${folder}/app/`), Buffer.from([0x66, 0xff, 0x66])]));
    expect((await checkJob(folder)).findings).toEqual([code('job_entry_name')]);
  });

  test('gives the absolute file and the line', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), {
      ...sampleFiles,
      'meta.json': '{\n"deploy_map": {}\n}',
    });
    const { findings } = await checkJob(folder);
    expect(findings).toEqual([code('job_deploy_map_empty')]);
    expect(findings[0]).toMatchObject({ file: join(folder, 'meta.json'), line: 2 });
  });

  test('stops at its limits', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), sampleFiles);
    await expect(checkJob(folder, { limits: { maxEntries: 3, maxBytes: 1e9 } })).rejects.toEqual(
      code('too_large'),
    );
    await expect(checkJob(folder, { limits: { maxEntries: 100, maxBytes: 10 } })).rejects.toEqual(
      code('too_large'),
    );
    const deep = join(await newFolder(), 'job');
    await mkdir(join(deep, 'd/'.repeat(70)), { recursive: true });
    await expect(checkJob(deep)).rejects.toEqual(code('too_large'));
  });

  test('is cancelled', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), sampleFiles);
    await expect(checkJob(folder, { signal: AbortSignal.abort() })).rejects.toEqual(code('cancelled'));
  });

  test('learns sites and class lists from the kits beside the admin kit', async () => {
    const prod = await newFolder();
    const resources = (list: string[]) =>
      JSON.stringify({ class_allow_list: list, class_list_enforcement_mode: 'enforce' });
    await writeTree(prod, {
      'admin@x.org/startup/fed_admin.json': '{}',
      'server1/startup/fed_server.json': '{}',
      'server1/local/resources.json.default': resources(['nvflare.']),
      'site-1/startup/fed_client.json': '{}',
      'site-1/local/resources.json.default': resources(['nothing.']),
      'site-1/local/resources.json': resources(['nvflare.']),
      'site-2/startup/fed_client.json': '{}',
      'site-2/local/resources.json.default': resources(['other.']),
    });
    const kit = { folder: join(prod, 'admin@x.org'), uploadDir: 'transfer' };
    const folder = await writeTree(join(await newFolder(), 'job'), sampleFiles);
    const { findings } = await checkJob(folder, { kit });
    expect(findings.map(({ message }) => message)).toEqual([
      'Class nvflare.app_common.np.np_trainer.NPTrainer is not allowed on site-2.',
    ]);
    const meta = JSON.stringify({ deploy_map: { app: ['server', 'site-3'] } });
    await writeTree(folder, { 'meta.json': meta });
    const wrong = await checkJob(folder, { kit });
    expect(wrong.findings).toContainEqual(code('job_site_unknown'));
    expect(blockingFindings(wrong.findings)).not.toEqual([]);
    expect(blockingFindings(wrong.findings, true)).toEqual([]);
  });
});
