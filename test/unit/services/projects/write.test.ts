import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addParticipant, setHost, setProperty } from '../../../../src-main/domain/project/edit.ts';
import { flareLines } from '../../../../src-main/domain/project/model.ts';
import { projectNameFor } from '../../../../src-main/domain/project/starter.ts';
import { editFile, loadProject, newProject } from '../../../../src-main/services/projects/index.ts';
import { folderWith, projectWith } from './project-folder.ts';

describe('newProject', () => {
  it.each(flareLines)('begins a project that passes its own check, FLARE %s', async (flare) => {
    const folder = await folderWith({});
    const { files } = await newProject(join(folder, 'deep/study'), { flare });
    expect(files).toEqual([join(folder, 'deep/study/project.yml'), join(folder, 'deep/study/desk.yml')]);
    const { project, findings, line } = await loadProject({ file: files[0] ?? '' });
    expect(line).toBe(flare);
    expect(project?.name).toBe('study');
    expect(findings.map(({ code }) => code)).toEqual(['participant_without_host']);
  });

  it.each(flareLines)('with confidential-computing files, FLARE %s', async (flare) => {
    const folder = await folderWith({});
    const { files } = await newProject(folder, { flare, confidential: true });
    const names = ['server1.example.org', 'site-1', 'site-2'].map((name) => `cc_${name}.yml`);
    expect(files).toEqual([...names, 'project.yml', 'desk.yml'].map((name) => join(folder, name)));
    const { project, findings } = await loadProject({ file: join(folder, 'project.yml') });
    expect(project?.participants.map(({ ccConfig }) => ccConfig !== undefined)).toEqual([
      true,
      true,
      true,
      false,
    ]);
    const alarms = findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code);
    // The application archive and the image builder are yet to be had.
    expect(new Set(alarms)).toEqual(
      new Set([
        'cc_archive_missing',
        'cc_packager_missing',
        ...(flare === '2.7.2' ? ['cc_workspace_plain'] : []),
      ]),
    );
  });

  it('never overwrites a confidential-computing file', async () => {
    const folder = await folderWith({ 'cc_site-1.yml': 'mine' });
    await expect(newProject(folder, { confidential: true })).rejects.toMatchObject({ code: 'conflict' });
    expect(await readdir(folder)).toEqual(['cc_site-1.yml']);
  });

  it.each(['project.yml', 'desk.yml'])('never overwrites %s', async (name) => {
    const folder = await folderWith({ [name]: 'mine' });
    await expect(newProject(folder)).rejects.toMatchObject({ code: 'conflict' });
    expect(await readdir(folder)).toEqual([name]);
    expect(await readFile(join(folder, name), 'utf8')).toBe('mine');
  });

  it('does not follow a dangling link', async () => {
    const folder = await folderWith({});
    await symlink('elsewhere.yml', join(folder, 'project.yml'));
    await expect(newProject(folder)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('starts from a checked file, word for word', async () => {
    const text = `# mine\n${projectWith('- {name: site-7, type: client, org: a}\n')}`;
    const folder = await folderWith({ 'old.yml': text });
    const { files } = await newProject(join(folder, 'new'), { from: join(folder, 'old.yml') });
    expect(await readFile(files[0] ?? '', 'utf8')).toBe(text);
    expect(await readFile(files[1] ?? '', 'utf8')).toContain('# site-7: { ssh:');
  });

  it('refuses to start from a file with errors, or from one that needs its neighbours', async () => {
    const folder = await folderWith({
      'bad.yml': projectWith('- {name: a b, type: client, org: a}\n'),
      'needs.yml': `include: rest.yml\n${projectWith('')}`,
      'rest.yml': 'description: x\n',
    });
    await expect(newProject(join(folder, 'n'), { from: join(folder, 'bad.yml') })).rejects.toMatchObject({
      code: 'invalid_input',
      fields: [{ line: 12 }],
    });
    await expect(newProject(join(folder, 'n'), { from: join(folder, 'needs.yml') })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    await expect(newProject(join(folder, 'n'), { from: join(folder, 'nope.yml') })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await readdir(folder)).toEqual(['bad.yml', 'needs.yml', 'rest.yml']);
  });

  it.each([
    ['Our Study!', 'Our_Study'],
    ['café-1', 'caf_-1'],
    ['___', 'my_project'],
    ['x'.repeat(80), 'x'.repeat(63)],
  ])('names the project after the folder %s', (folder, name) => {
    expect(projectNameFor(folder)).toBe(name);
  });
});

describe('editFile', () => {
  it('replaces the file in one step and keeps its mode', async () => {
    const folder = await folderWith({ 'project.yml': projectWith('') });
    const file = join(folder, 'project.yml');
    await chmod(file, 0o640);
    await editFile(file, addParticipant({ name: 'site-1', type: 'client', org: 'a' }));
    expect((await loadProject({ file })).project?.participants).toHaveLength(2);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readdir(folder)).toEqual(['project.yml']);
  });

  it('changes the target of a link', async () => {
    const folder = await folderWith({ 'real.yml': 'version: 1\n' });
    await symlink('real.yml', join(folder, 'desk.yml'));
    await editFile(join(folder, 'desk.yml'), setHost('a', { ssh: 'b' }));
    expect(await readFile(join(folder, 'real.yml'), 'utf8')).toContain('hosts:\n  a: { ssh: b }\n');
  });

  it('never touches a file that does not parse', async () => {
    const folder = await folderWith({ 'desk.yml': 'version: 1\nhosts: [\n' });
    await expect(editFile(join(folder, 'desk.yml'), setHost('a', { ssh: 'b' }))).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect(await readFile(join(folder, 'desk.yml'), 'utf8')).toBe('version: 1\nhosts: [\n');
  });

  it('does not overwrite what somebody else just wrote', async () => {
    const folder = await folderWith({ 'desk.yml': 'version: 1\n' });
    const file = join(folder, 'desk.yml');
    const slow = (text: string, name: string) => setProperty('workspace', 'w')(text, name);
    const { writeFileSync } = await import('node:fs');
    await expect(
      editFile(file, (text, name) => {
        writeFileSync(file, 'version: 1\nflare: "2.7.2"\n');
        return slow(text, name);
      }),
    ).rejects.toMatchObject({ code: 'conflict', retryable: true });
    expect(await readFile(file, 'utf8')).toContain('2.7.2');
  });

  it('says what is missing', async () => {
    const folder = await folderWith({});
    await expect(editFile(join(folder, 'x.yml'), setProperty('a', 1))).rejects.toMatchObject({
      code: 'not_found',
    });
    await writeFile(join(folder, 'x.yml'), 'a: 1\n');
    await expect(editFile(join(folder, 'x.yml'), setProperty('b.c', undefined))).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});
