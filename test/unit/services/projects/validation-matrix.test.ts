import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { flareLines } from '../../../../src-main/domain/project/model.ts';
import type { FlareLine, Project } from '../../../../src-main/domain/project/model.ts';
import { loadProject } from '../../../../src-main/services/projects/index.ts';
import { planProvision } from '../../../../src-main/services/provision/index.ts';
import matrix from '../../../fixtures/vectors/provision/project-validation-matrix.json' with { type: 'json' };
import { deviations } from '../../domain/project/deviations.ts';

interface MatrixCase {
  id: string;
  project?: Record<string, unknown>;
  project_yml_text?: string;
  files?: Record<string, string>;
  args?: string[];
  pre_existing?: string[];
  '2.7.2': { kits_produced: boolean };
  '2.8.1': { kits_produced: boolean };
}

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function layOut(one: MatrixCase): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), 'project-matrix-'));
  folders.push(base);
  const folder = join(base, 'case');
  await mkdir(folder);
  const put = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  };
  for (const [name, text] of Object.entries(one.files ?? {})) await put(name, text);
  for (const name of one.pre_existing ?? []) {
    if (name.endsWith('/')) await mkdir(join(folder, name), { recursive: true });
    else await put(name, '');
  }
  if (one.project_yml_text !== undefined) await put('project.yml', one.project_yml_text);
  else if (one.project) {
    const project = { ...one.project };
    if (project.builders === '<STANDARD>') project.builders = matrix.standard_builders;
    await put('project.yml', stringify(project, { version: '1.1' }));
  }
  return folder;
}

function valuesOf(args: string[], option: string): string[] {
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1] ?? ''] : []));
}

describe.each(flareLines)('project validation matrix, FLARE %s', (line: FlareLine) => {
  const cases = matrix.cases as MatrixCase[];
  const inFile = cases.filter((one) => !one.pre_existing);
  it.each(inFile.map((one) => [one.id, one] as const))('%s', async (id, one) => {
    const folder = await layOut(one);
    const args = one.args ?? ['-p', 'project.yml'];
    const loaded = await loadProject({
      file: valuesOf(args, '-p')[0] ?? 'project.yml',
      flare: line,
      addClients: valuesOf(args, '--add_client'),
      addUsers: valuesOf(args, '--add_user'),
      currentFolder: folder,
    });
    const deviation = deviations[id]?.lines.includes(line) ? deviations[id] : undefined;
    const accepted = loaded.project !== undefined;
    const errors = loaded.findings.filter((finding) => finding.severity === 'error');
    expect({ accepted, errors }).toMatchObject({ accepted: deviation?.accepts ?? one[line].kits_produced });
    expect(accepted).toBe(errors.length === 0);
    if (deviation) expect(errors.map((finding) => finding.code)).toContain(deviation.code);
    for (const finding of errors) {
      expect(finding.file).toContain(folder);
      if (id !== 'file_missing') expect(finding.line).toBeGreaterThan(0);
    }
  });

  const inWorkspace = cases.filter((one) => one.pre_existing);
  it.each(inWorkspace.map((one) => [one.id, one] as const))('%s', async (_, one) => {
    const folder = await layOut(one);
    const { project } = await loadProject({ file: 'project.yml', flare: line, currentFolder: folder });
    const plan = planProvision(project as Project, { workspace: join(folder, 'workspace') });
    if (one[line].kits_produced) await expect(plan).resolves.toMatchObject({ reuse: [], changed: [] });
    else await expect(plan).rejects.toMatchObject({ code: 'conflict' });
  });
});

it('has no deviation without a case', () => {
  const ids = new Set(matrix.cases.map((one) => one.id));
  expect(Object.keys(deviations).filter((id) => !ids.has(id))).toEqual([]);
});
