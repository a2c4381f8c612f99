import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { flareLines } from '../../../../src-main/domain/project/model.ts';
import type { FlareLine } from '../../../../src-main/domain/project/model.ts';
import { loadProject } from '../../../../src-main/services/projects/index.ts';
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

/** These succeed or fail by what lies in the workspace, which is the plan's subject, not the project file's. */
const workspaceCases = ['prod_bad_suffix', 'prod_99_exists'];

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
  const cases = (matrix.cases as MatrixCase[]).filter((one) => !workspaceCases.includes(one.id));
  it.each(cases.map((one) => [one.id, one] as const))('%s', async (id, one) => {
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
});

it('has no deviation without a case', () => {
  const ids = new Set(matrix.cases.map((one) => one.id));
  expect(Object.keys(deviations).filter((id) => !ids.has(id))).toEqual([]);
});
