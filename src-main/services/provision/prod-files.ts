import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type KitFile, renderOptionalProdFiles, requirementsFileOf } from '../../domain/kit/index.ts';
import type { BuilderSpec, Project } from '../../domain/project/model.ts';

/** Writes what stands beside the kits: the outputs of optional builders, and `more`. */
export async function writeProdFiles(
  folder: string,
  project: Project,
  more: readonly KitFile[],
): Promise<void> {
  const files = [...more];
  for (const builder of project.builders) {
    const requirements = await requirementsOf(builder, project);
    files.push(
      ...renderOptionalProdFiles(project, builder, requirements === undefined ? {} : { requirements }),
    );
  }
  for (const { path, mode, content } of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode });
  }
}

/** A missing requirements file is allowed. Relative to the project file. */
async function requirementsOf(builder: BuilderSpec, project: Project): Promise<string | undefined> {
  const name = requirementsFileOf(builder);
  if (name === undefined) return undefined;
  try {
    return await readFile(resolve(dirname(project.file), name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
