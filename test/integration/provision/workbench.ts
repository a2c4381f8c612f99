/** Projects on disk, provisioned by the reference and by us, each in a workspace of its own. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { GeneratedProject } from './generate.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

/** Writes project.yml and what it names into the folder; gives the path of project.yml. */
export async function writeProject(folder: string, generated: GeneratedProject): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(generated.files)) {
    await writeFile(join(folder, name), typeof content === 'string' ? content : toYaml(content));
  }
  const file = join(folder, 'project.yml');
  await writeFile(file, toYaml(generated.project));
  return file;
}

/** YAML 1.1, so that texts like `yes` and `012` are quoted. */
function toYaml(value: unknown): string {
  return stringify(value, { version: '1.1' });
}

/** The snapshot of the newest prod folder in a workspace; undefined when nothing was provisioned. */
export async function snapshotOf(workspace: string, projectName: string): Promise<Snapshot | undefined> {
  // Longer project names are cut (docs/reference/provisioning.md §2.2).
  const folder = join(workspace, projectName.slice(0, 63));
  const prods = (await readdir(folder).catch((): string[] => [])).filter((name) => name.startsWith('prod_'));
  const newest = prods.toSorted().at(-1);
  return newest === undefined ? undefined : await takeSnapshot(folder, newest);
}
