/** Records of image builds and how long they took, among the documents of the store. */
import { z } from 'zod';
import { keptDurations } from '../../domain/cc/build-times.ts';
import type { BuildRecord, BuildStore } from '../../services/cvm/index.ts';
import type { DocumentRepository } from '../../services/store/index.ts';

const recordSchema = z.looseObject({
  id: z.string(),
  site: z.string(),
  prod: z.string(),
  state: z.string(),
  queuedAt: z.number(),
});
const durationsSchema = z.record(z.string(), z.array(z.number()));

const keyOf = (prod: string, site: string): string => `build:${prod}:${site}`;
const durationsKey = 'build-durations';

export function createBuildStore(documents: DocumentRepository): BuildStore {
  const durations = async () => durationsSchema.safeParse(await documents.read(durationsKey)).data ?? {};
  return {
    read: async (prod, site) =>
      recordSchema.safeParse(await documents.read(keyOf(prod, site))).data as BuildRecord | undefined,
    write: (record) => documents.write(keyOf(record.prod, record.site), record),
    durations,
    async addDuration(host, seconds) {
      const known = await durations();
      known[host] = [...(known[host] ?? []), seconds].slice(-keptDurations);
      await documents.write(durationsKey, known);
    },
  };
}
