/**
 * Our provisioning against the real `nvflare provision` of both lines: the projects of the vectors and seeded generated
 * ones. FLAREDESK_DIFF_COUNT = how many generated projects per line (default 12), FLAREDESK_DIFF_SEED = the first seed.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flareVersions, newLabFolder } from '../../lab/nvflare.ts';
import { compare } from './compare.ts';
import { decisionDeviations, deviations, unexcused } from './deviations.ts';
import { type Fields, type GeneratedProject, generateProject } from './generate.ts';
import { provisionOurs } from './ours.ts';
import { type Reference, startReference } from './reference.ts';
import { snapshotOf, writeProject } from './workbench.ts';

const count = Number(process.env.FLAREDESK_DIFF_COUNT ?? 12);
const firstSeed = Number(process.env.FLAREDESK_DIFF_SEED ?? 1);
const vectors = fileURLToPath(new URL('../../fixtures/vectors/provision/', import.meta.url));

describe.each(flareVersions)('provisioning compared with nvflare provision, %s', (line) => {
  let reference: Reference;
  let folder = '';
  const used = new Set<string>();

  beforeAll(async () => {
    folder = await newLabFolder('differential');
    reference = await startReference(line);
  });

  afterAll(async () => {
    await reference.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Provisions with both; gives what differs without an excuse, as text. Nothing stays on disk. */
  const differencesOf = async (generated: GeneratedProject, label: string): Promise<string[]> => {
    const place = join(folder, label.replaceAll(/\W/g, '-'));
    const context = { line, project: generated.project, files: generated.files };
    try {
      const project = await writeProject(place, generated);
      const request = {
        project,
        cwd: place,
        ...(generated.addClient === undefined ? {} : { addClient: join(place, generated.addClient) }),
        genScripts: generated.genScripts === true,
        ...(generated.addUser === undefined ? {} : { addUser: join(place, generated.addUser) }),
      };
      const theirs = await reference.provision({ ...request, workspace: join(place, 'theirs') });
      const ours = await provisionOurs(line, { ...request, workspace: join(place, 'ours') });
      if (theirs.ok !== ours.ok) {
        const refusedBy = theirs.ok ? 'ours' : 'reference';
        const output = theirs.ok ? ours.output : theirs.output;
        const isKnown = decisionDeviations.some(
          (deviation) => deviation.refusedBy === refusedBy && deviation.excuses(context, output),
        );
        return isKnown ? [] : [`${label}: refused by ${refusedBy} alone: ${output}`];
      }
      if (!theirs.ok) return [];
      const [reference_, own] = await Promise.all(
        ['theirs', 'ours'].map((workspace) => snapshotOf(join(place, workspace), generated.project.name)),
      );
      if (!reference_ || !own) return [`${label}: a prod folder is missing`];
      return unexcused(compare(reference_, own), context, used).map(
        (difference) => `${label}: ${JSON.stringify(difference)}`,
      );
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  };

  it(`${count} generated projects from seed ${firstSeed}`, { timeout: 60_000 + count * 5000 }, async () => {
    const differences: string[] = [];
    for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
      differences.push(...(await differencesOf(generateProject(line, seed), `seed ${seed}`)));
    }
    expect(differences).toEqual([]);
    // Enough projects of the line with all deviations: one that excuses nothing is no longer true.
    if (line === '2.7.2' && count >= 200) {
      expect(deviations.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
    }
  });

  it('the sample projects of the vectors', async () => {
    const names = (await readdir(vectors)).filter((name) => /^(plain|cc-kits)-.*\.json$/.test(name));
    expect(names.length).toBeGreaterThan(3);
    const differences: string[] = [];
    for (const name of names) {
      const vector = JSON.parse(await readFile(join(vectors, name), 'utf8')) as Vector;
      differences.push(
        ...(await differencesOf({ seed: 0, files: vector.files ?? {}, project: vector.project }, name)),
      );
    }
    expect(differences).toEqual([]);
  });

  it('every project of the validation matrix that both accept', { timeout: 300_000 }, async () => {
    const text = await readFile(join(vectors, 'project-validation-matrix.json'), 'utf8');
    const matrix = JSON.parse(text) as { standard_builders: Fields[]; cases: MatrixCase[] };
    const differences: string[] = [];
    let compared = 0;
    for (const { id, project, files, args, pre_existing, ...results } of matrix.cases) {
      const produced = (results as unknown as Record<string, { kits_produced: boolean } | undefined>)[line]
        ?.kits_produced;
      if (!produced || project?.builders === undefined || args || pre_existing) continue;
      const builders = project.builders === '<STANDARD>' ? matrix.standard_builders : project.builders;
      const generated = { seed: 0, files: files ?? {}, project: { ...project, builders } };
      // Which of them only the reference accepts is the matter of the validation tests.
      const found = await differencesOf(generated, id);
      if (found.some((text_) => text_.includes('refused by ours alone'))) continue;
      compared += 1;
      differences.push(...found);
    }
    expect(compared).toBeGreaterThan(20);
    expect(differences).toEqual([]);
  });
});

interface Vector {
  project: GeneratedProject['project'];
  files?: Record<string, unknown>;
}

interface MatrixCase extends Partial<Vector> {
  id: string;
  args?: unknown;
  pre_existing?: unknown;
}
