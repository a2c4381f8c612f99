import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadProject } from '../../../../src-main/services/projects/index.ts';
import { builders, folderWith, load } from './project-folder.ts';

const head = 'api_version: 3\nname: p\n';
const server = '- {name: server1, type: server, org: nvidia}\n';

describe('include', () => {
  it('merges at any depth, later keys win, positions stay', async () => {
    const { project, errors, folder } = await load({
      'project.yml': `api_version: 3
include: [parts/builders.yml, parts/names.yml]
name: own
participants:
${server}- include: parts/site.yml
  org: own_org
`,
      'parts/builders.yml': builders,
      'parts/names.yml': 'name: other\ndescription: from names\n',
      'parts/site.yml': '# a site\nname: site-1\ntype: client\norg: their_org\ninclude: deeper.yml\n',
      'parts/deeper.yml': 'capacity: {num_of_gpus: 3}\n',
    });
    expect(errors).toEqual([]);
    expect(project).toMatchObject({ name: 'own', description: 'from names' });
    expect(project?.participants[1]).toMatchObject({
      name: 'site-1',
      org: 'own_org',
      capacity: { numOfGpus: 3 },
    });
    expect(project?.builders[0]?.source).toEqual({
      file: join(folder, 'parts/builders.yml'),
      line: 2,
      column: 3,
    });
  });

  it('points into the included file', async () => {
    const { errors, folder } = await load({
      'project.yml': `${head}${builders}participants:\n${server}- include: site.yml\n`,
      'site.yml': 'name: site-1\ntype: client\norg: a-b\n',
    });
    expect(errors).toMatchObject([
      {
        code: 'org_invalid',
        file: join(folder, 'site.yml'),
        line: 3,
        column: 6,
        path: 'participants[1].org',
      },
    ]);
  });

  it.each([
    ['an including file that includes itself', { 'project.yml': `${head}include: project.yml\n` }],
    [
      'a circle of three',
      {
        'project.yml': `${head}include: a.yml\n`,
        'a.yml': 'x: {include: b.yml}\n',
        'b.yml': 'y: [{include: a.yml}]\n',
      },
    ],
  ])('refuses %s and names the chain', async (_, files) => {
    const { errors } = await load(files);
    expect(errors.filter(({ code }) => code === 'include_cycle')).toMatchObject([
      { message: expect.stringMatching(/\.yml → .*\.yml/) as string },
    ]);
  });

  it.each([
    ['a missing file', 'include: nope.yml', 'include_unreadable', 3],
    ['a folder', 'include: .', 'include_unreadable', 3],
    ['a number', 'include: 5', 'include_invalid', 3],
    ['nothing', 'include:', 'include_invalid', 3],
    ['a mapping in the list', 'include: [{a: 1}]', 'include_invalid', 3],
    ['a list file', 'include: list.yml', 'include_invalid', 3],
  ])('refuses %s', async (_, line, code, at) => {
    const { errors } = await load({ 'project.yml': `${head}${line}\n`, 'list.yml': '- a\n' });
    expect(errors.find((one) => one.code === code)).toMatchObject({ line: at });
  });

  it('reports what is wrong inside an included file, with its own position', async () => {
    const { errors, folder } = await load({
      'project.yml': `${head}include: bad.yml\n`,
      'bad.yml': 'a: 1\na: 2\n',
    });
    expect(errors).toContainEqual(
      expect.objectContaining({ code: 'duplicate_key', file: join(folder, 'bad.yml'), line: 2 }),
    );
  });

  it('may leave its folder in 2.7 only', async () => {
    const folder = await folderWith({
      'in/project.yml': `${head}include: ../out.yml\nparticipants:\n${server}`,
      'out.yml': builders,
    });
    const file = join(folder, 'in/project.yml');
    const old = await loadProject({ file, flare: '2.7.2' });
    expect(old.project).toBeDefined();
    expect(old.findings.map(({ code, severity }) => [code, severity])).toContainEqual([
      'include_escapes',
      'warning',
    ]);
    const now = await loadProject({ file, flare: '2.8.1' });
    expect(now.findings.map(({ code, severity }) => [code, severity])).toContainEqual([
      'include_escapes',
      'error',
    ]);
  });

  it('counts a link to outside as leaving', async () => {
    const folder = await folderWith({
      'in/project.yml': `${head}include: link.yml\nparticipants:\n${server}`,
      'out.yml': builders,
    });
    await symlink('../out.yml', join(folder, 'in/link.yml'));
    const { findings } = await loadProject({ file: join(folder, 'in/project.yml'), flare: '2.8.1' });
    expect(findings.map(({ code }) => code)).toContain('include_escapes');
  });
});
