import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadProject, newProject } from '../../../src-main/services/projects/index.ts';
import { flareVersions, newLabFolder } from '../../lab/nvflare.ts';
import { Random } from '../provision/random.ts';
import { startReference } from '../provision/reference.ts';
import { acceptances, refusals } from './deviations.ts';
import { faultyProject } from './faulty-project.ts';

const perLine = Number(process.env.FLAREDESK_DECISIONS ?? 100);

describe.each(flareVersions)('decisions of nvflare provision %s', (version) => {
  it(`are ours for ${perLine} generated projects, bar the deviations`, { timeout: 600_000 }, async () => {
    const folder = await newLabFolder('decisions');
    const reference = await startReference(version);
    const random = new Random(version === '2.7.2' ? 272 : 281);
    const differences: unknown[] = [];
    const accepted = { ours: 0, theirs: 0 };
    try {
      for (let index = 0; index < perLine; index += 1) {
        const project = faultyProject(random, version);
        const file = join(folder, 'project.yml');
        const workspace = join(folder, `w${index}`);
        await mkdir(workspace);
        await writeFile(file, stringify(project, { version: '1.1', aliasDuplicateObjects: false }));
        const theirs = await reference.provision({ project: file, workspace, cwd: folder });
        const ours = await loadProject({ file, flare: version });
        await rm(workspace, { recursive: true });
        if (theirs.ok) accepted.theirs += 1;
        if (ours.project) accepted.ours += 1;
        const errors = ours.findings.filter(({ severity }) => severity === 'error');
        if (theirs.ok === (ours.project !== undefined)) continue;
        const isExcused = theirs.ok
          ? errors.every(({ code, path }) =>
              refusals.some((one) => one.code === code && (one.path?.test(path ?? '') ?? true)),
            )
          : acceptances.some(({ says }) => says.test(theirs.output));
        if (!isExcused) differences.push({ index, project, errors, theirs });
      }
    } finally {
      await reference.close();
      await rm(folder, { recursive: true, force: true });
    }
    expect(differences).toEqual([]);
    expect(Math.min(accepted.ours, accepted.theirs)).toBeGreaterThan(perLine / 8);
  });

  it('accept the project that `project new` begins', async () => {
    const folder = await newLabFolder('new-project');
    const reference = await startReference(version);
    try {
      const { files } = await newProject(join(folder, 'study'), { flare: version });
      const workspace = join(folder, 'w');
      await mkdir(workspace);
      const answer = await reference.provision({ project: files[0] ?? '', workspace, cwd: folder });
      expect(answer).toMatchObject({ ok: true });
    } finally {
      await reference.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
