import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseSites, prodOf } from '../../../src-main/core/site-targets.ts';
import { soundProject } from '../../../src-main/core/sound-project.ts';
import { projectText } from '../../lab/project-text.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'core-sites-'));
  await writeFile(
    join(folder, 'project.yml'),
    projectText
      .replace('name: unit_study', 'name: study')
      .replace('admin@nvidia.com', 'admin@study.org')
      .replace(
        '  - { name: admin',
        `  - { name: site-2, type: client, org: nvidia, connect_to: { host: proxy.example, port: 9000 } }
  - { name: site-3, type: client, org: nvidia }
  - { name: admin`,
      ),
  );
  await writeFile(
    join(folder, 'desk.yml'),
    `version: 1
flare: "2.8.1"
defaults: { user: flare, directory: /opt/flare }
hosts:
  server1: { ssh: 10.0.0.5, path: [/opt/bin] }
  site-1: { ssh: hospital-a, via: bastion, directory: /data/flare }
  site-2: { ssh: 10.0.2.7, port: 2222, host_key: "SHA256:${'A'.repeat(43)}" }
`,
  );
  for (const name of ['prod_00', 'prod_02', 'prod_10'])
    await mkdir(join(folder, 'workspace/study', name), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const choose = async (options: { only?: string[]; prod?: string } = {}) => {
  const { project, desk } = await soundProject({ file: join(folder, 'project.yml') });
  return chooseSites(project, desk, options);
};

describe('the sites to work on', () => {
  it('are all with a host, with kit, ports and where they connect to', async () => {
    const { targets, withoutHost } = await choose();
    expect(withoutHost).toEqual(['site-3']);
    expect(targets).toMatchObject([
      {
        name: 'server1',
        ssh: { host: '10.0.0.5', user: 'flare' },
        directory: '/opt/flare',
        path: ['/opt/bin'],
        kit: join(folder, 'workspace/study/prod_10/server1'),
        prod: 'prod_10',
        line: '2.8.1',
      },
      {
        name: 'site-1',
        ssh: { host: 'hospital-a', via: 'bastion' },
        directory: '/data/flare',
        reaches: [{ host: 'server1', port: 8002 }],
      },
      {
        name: 'site-2',
        ssh: { port: 2222, hostKey: `SHA256:${'A'.repeat(43)}` },
        reaches: [{ host: 'proxy.example', port: 9000 }],
      },
    ]);
    expect(targets[0]?.ports).toContain(8002);
    expect(targets[0]).not.toHaveProperty('reaches');
  });

  it('are those asked for, or an error that names what is wrong', async () => {
    expect((await choose({ only: ['site-2'] })).targets.map(({ name }) => name)).toEqual(['site-2']);
    await expect(choose({ only: ['site-9'] })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('site-9') as string,
    });
    await expect(choose({ only: ['admin@study.org'] })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(choose({ only: ['site-1', 'site-3'] })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('site-3') as string,
    });
  });

  it('take the kits of the run that was asked for', async () => {
    expect((await choose({ prod: '2' })).targets[0]?.prod).toBe('prod_02');
    expect((await choose({ prod: 'prod_00' })).targets[0]?.prod).toBe('prod_00');
    await expect(choose({ prod: '7' })).rejects.toMatchObject({
      code: 'not_found',
      hint: expect.stringContaining('prod_10') as string,
    });
  });

  it('have no kit before anything was provisioned', () => {
    expect(prodOf(join(folder, 'nowhere'), undefined)).toBeUndefined();
  });
});
