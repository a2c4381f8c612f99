/** What a participant's `cc_config` file says, for those who need a word of it. What is wrong in it `project check` tells. */
import type { Project } from '../domain/project/model.ts';
import { toPlain } from '../domain/project/yaml/node.ts';
import { isRecord } from '../domain/record.ts';

/** Its settings by name; empty for a file that is not there or holds none. */
export async function ccSettings(
  file: string,
  { line }: Pick<Project, 'line'>,
): Promise<Record<string, unknown>> {
  const { readYamlFile } = await import('../services/projects/index.ts');
  const { root } = await readYamlFile(file, line);
  const settings = root === undefined ? undefined : toPlain(root);
  return isRecord(settings) ? settings : {};
}

/** The ports of a list of them; undefined when there is no list. */
export const portsIn = (written: unknown): number[] | undefined =>
  Array.isArray(written) ? written.filter((port) => typeof port === 'number') : undefined;

/** `hosts_entries`, also under the name that NVFlare's guide gives it by a slip. */
export function hostsEntriesIn(settings: Record<string, unknown>): Record<string, unknown> {
  const written = settings['hosts_entries'] ?? settings['host_entries'];
  return isRecord(written) ? written : {};
}
