/** A YAML file with its includes, read as NVFlare reads it. */
import { dirname, relative, resolve, sep } from 'node:path';
import type { Finding } from '../../contract/finding.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import { expandIncludes } from '../../domain/project/yaml/include.ts';
import type { IncludedFile } from '../../domain/project/yaml/include.ts';
import type { YamlNode } from '../../domain/project/yaml/node.ts';
import { readYaml } from '../../domain/project/yaml/read.ts';
import { readTextFile, realPathOf, type TextOverlay } from './text-file.ts';

export interface YamlFile {
  /** Missing when the file could not be read or understood. */
  root?: YamlNode;
  findings: Finding[];
}

/**
 * Reads a YAML file, `include` and merge keys resolved. `path` is absolute and is what findings show. Never throws for a bad file.
 */
export async function readYamlFile(
  path: string,
  line: FlareLine,
  overlay?: TextOverlay,
  consulted?: Set<string>,
): Promise<YamlFile> {
  consulted?.add(path);
  const file = await readTextFile(path, overlay);
  if (!file.ok) {
    const { code, message, hint, line: row, column } = file;
    return {
      findings: [
        { severity: 'error', code, message: `${path} ${message}`, hint, file: path, line: row, column },
      ],
    };
  }
  const { root, findings } = readYaml(file.text, path);
  if (!root) return { findings };
  const identity = (await realPathOf(path)) ?? path;
  const included = (item: string, from: string) => readIncluded(item, from, consulted);
  const expanded = await expandIncludes(root, { identity, line, read: included }, findings);
  return { root: expanded, findings };
}

async function readIncluded(
  item: string,
  from: string,
  consulted: Set<string> | undefined,
): Promise<IncludedFile> {
  const folder = dirname(from);
  const path = resolve(folder, item);
  consulted?.add(path);
  const identity = (await realPathOf(path)) ?? path;
  const way = relative(folder, identity);
  const escapes = way === '..' || way.startsWith(`..${sep}`);
  const file = await readTextFile(identity);
  if (!file.ok)
    return { ok: false, identity, escapes, message: file.message, hint: file.hint ?? `Looked for ${path}.` };
  return { ok: true, identity, escapes, ...{ root: undefined, ...readYaml(file.text, identity) } };
}
