import { readFile } from 'node:fs/promises';
import { DeskError } from '../../contract/errors.ts';
import type { Project } from '../../domain/project/model.ts';

/**
 * Reads the files the project names and kits contain, once and before any work begins.
 * Throws `not_found` or `denied` with the place in the project.
 */
export async function sourceReader(project: Project): Promise<(path: string) => Promise<Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const { name, customCaCert, source } of project.participants) {
    if (customCaCert === undefined || contents.has(customCaCert)) continue;
    try {
      contents.set(customCaCert, await readFile(customCaCert));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const message = `custom_ca_cert of ${name}: ${customCaCert} ${code === 'ENOENT' ? 'does not exist' : `cannot be read (${code ?? 'error'})`}.`;
      throw new DeskError(code === 'ENOENT' ? 'not_found' : 'denied', message, {
        hint: 'Give the path of a PEM file.',
        fields: [{ ...source, path: `${name}.custom_ca_cert`, message }],
        cause: error,
      });
    }
  }
  return async (path) => contents.get(path) ?? (await readFile(path));
}
