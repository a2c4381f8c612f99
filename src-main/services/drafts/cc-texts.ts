/** The confidential-computing files of a draft: those that project.yml names and that lie below its folder. */
import { join } from 'node:path';
import { isOwnCcFile } from '../../domain/cc/enable.ts';
import { child, textOf } from '../../domain/project/yaml/node.ts';
import { readYaml } from '../../domain/project/yaml/read.ts';
import { type DraftTexts, draftFiles } from './operations.ts';
import type { DraftRecord } from './record.ts';

/** Names of the files, each once, in the order of the participants. */
export function ccNamesIn(project: string): string[] {
  const participants = child(readYaml(project, draftFiles.project).root, 'participants');
  if (participants?.kind !== 'sequence') return [];
  const names = participants.items.map((item) => textOf(child(item, 'cc_config')));
  return [...new Set(names.filter((name) => name !== undefined && isOwnCcFile(name)))] as string[];
}

/** The texts of the files that are named, by absolute path. */
export function ccOverlay(folder: string, texts: DraftTexts): [string, string][] {
  return ccNamesIn(texts.project).flatMap((name): [string, string][] => {
    const text = texts.cc[name];
    return text === undefined ? [] : [[join(folder, name), text]];
  });
}

/**
 * Takes in the named files that the draft does not hold yet, as they are on disk. A file that is not there stays out:
 * a finding says so. `more` = further names to look for.
 */
export async function takeCcFilesIn(
  draft: DraftRecord,
  readText: (path: string) => Promise<string | undefined>,
  more: readonly string[] = [],
): Promise<DraftRecord> {
  const texts = { ...draft.texts.cc };
  const base = { ...draft.base.cc };
  for (const name of [...ccNamesIn(draft.texts.project), ...more]) {
    if (texts[name] !== undefined || !isOwnCcFile(name)) continue;
    const text = base[name] ?? (await readText(join(draft.folder, name)).catch(() => undefined));
    if (text === undefined) continue;
    base[name] = text;
    texts[name] = text;
  }
  return { ...draft, base: { ...draft.base, cc: base }, texts: { ...draft.texts, cc: texts } };
}
