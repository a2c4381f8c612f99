/** A draft and the files it stands for: read, compared, written. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import { loadProject, readTextFile, replaceFile } from '../projects/index.ts';
import { ccNamesIn, ccOverlay } from './cc-texts.ts';
import { draftFiles } from './operations.ts';
import type { DraftRecord } from './record.ts';

/** Texts on disk that are not those the draft began with. */
export interface DraftConflict {
  project?: string;
  desk?: string;
  cc?: Record<string, string>;
}

export const fileOf = (folder: string, which: 'project' | 'desk'): string => join(folder, draftFiles[which]);

/** A file's text; undefined when it is not there. Throws `denied` or `invalid_input` when it cannot be read as text. */
export async function textOnDisk(path: string): Promise<string | undefined> {
  const read = await readTextFile(path);
  if (read.ok) return read.text;
  if (read.code === 'file_missing') return undefined;
  throw new DeskError(
    read.code === 'file_unreadable' ? 'denied' : 'invalid_input',
    `${path} ${read.message}`,
    {
      ...(read.hint === undefined ? {} : { hint: read.hint }),
    },
  );
}

/** What another program changed since the draft began; undefined when nothing. */
export async function conflictOf(draft: DraftRecord): Promise<DraftConflict | undefined> {
  const differing: DraftConflict = {};
  for (const which of ['project', 'desk'] as const) {
    const onDisk = (await textOnDisk(fileOf(draft.folder, which))) ?? '';
    if (onDisk !== draft.base[which]) differing[which] = onDisk;
  }
  for (const name of ccNamesIn(draft.texts.project)) {
    if (draft.texts.cc[name] === undefined) continue;
    const onDisk = (await textOnDisk(join(draft.folder, name))) ?? '';
    if (onDisk !== (draft.base.cc[name] ?? '')) differing.cc = { ...differing.cc, [name]: onDisk };
  }
  return Object.keys(differing).length > 0 ? differing : undefined;
}

/** Writes what differs from the disk, each file whole. Throws `denied` for a folder that cannot be made. */
export async function writeDraft(draft: DraftRecord): Promise<void> {
  await mkdir(draft.folder, { recursive: true }).catch((error: unknown) => {
    throw new DeskError(
      'denied',
      `${draft.folder} cannot be made: ${(error as NodeJS.ErrnoException).code ?? ''}.`,
    );
  });
  const writes: [string, string][] = [
    // What project.yml names is there before it is named.
    ...ccOverlay(draft.folder, draft.texts),
    [fileOf(draft.folder, 'project'), draft.texts.project],
    [fileOf(draft.folder, 'desk'), draft.texts.desk],
  ];
  for (const [path, text] of writes) {
    if (text === '' || text === (await textOnDisk(path))) continue;
    await mkdir(dirname(path), { recursive: true });
    const mode = await stat(path).then(
      (facts) => facts.mode & 0o777,
      () => 0o644,
    );
    await replaceFile(path, text, mode);
  }
}

/** A desk.yml that a newer version of this program wrote is read, never rewritten. */
export async function refuseNewer(file: string): Promise<void> {
  const { findings } = await loadProject({ file, currentFolder: dirname(file) });
  const newer = findings.find(
    (finding) =>
      finding.path === 'version' && finding.file?.endsWith(draftFiles.desk) && finding.severity === 'error',
  );
  if (newer)
    throw new DeskError('unsupported', newer.message, { ...(newer.hint ? { hint: newer.hint } : {}) });
}
