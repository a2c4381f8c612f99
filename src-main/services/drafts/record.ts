/** How a draft is kept between runs. */
import { z } from 'zod';
import type { DocumentRepository } from '../store/index.ts';

const textsSchema = z.object({
  project: z.string(),
  desk: z.string(),
  /** Confidential-computing files by their path in the project's folder. */
  cc: z.record(z.string(), z.string()).default({}),
});

const recordSchema = z.object({
  id: z.string(),
  revision: z.int(),
  kind: z.enum(['new', 'edit']),
  /** Absolute path of the project's folder. */
  folder: z.string(),
  step: z.string(),
  /** As on disk when the draft began; empty texts for a new project. */
  base: textsSchema,
  texts: textsSchema,
  undo: z.array(textsSchema),
  redo: z.array(textsSchema),
});
export type DraftRecord = z.infer<typeof recordSchema>;

const keyOf = (folder: string): string => `draft:${folder}`;
const currentKey = 'draft-current';

/** What is kept of undo: enough for a person, bounded for the store. */
export const mostUndo = 50;

export interface DraftShelf {
  read(folder: string): Promise<DraftRecord | undefined>;
  write(record: DraftRecord): Promise<void>;
  remove(folder: string): Promise<void>;
  /** The folder whose draft is being edited. */
  current(): Promise<string | undefined>;
  setCurrent(folder: string | undefined): Promise<void>;
}

export function createShelf(documents: DocumentRepository): DraftShelf {
  return {
    read: async (folder) => recordSchema.safeParse(await documents.read(keyOf(folder))).data,
    write: (record) => documents.write(keyOf(record.folder), record),
    remove: (folder) => documents.remove(keyOf(folder)),
    current: async () => {
      const folder = await documents.read(currentKey);
      return typeof folder === 'string' ? folder : undefined;
    },
    setCurrent: (folder) =>
      folder === undefined ? documents.remove(currentKey) : documents.write(currentKey, folder),
  };
}
