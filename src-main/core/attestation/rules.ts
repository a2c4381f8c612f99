/** What a project demands beyond the image, kept by its name in the state folder. */
import type { z } from 'zod';
import { rulesSchema } from '../../contract/attestation.ts';
import { amdProducts, type Expectations } from '../../domain/attestation/index.ts';
import type { DocumentRepository } from '../../services/store/index.ts';

export type Rules = z.output<typeof rulesSchema>;

/** FLARE's own policy allows hyper-threading and forbids migration (docs/reference/confidential-computing.md §1.7). */
const usual: Rules = { minimum_tcb: {}, allow_smt: true, allow_migration: false };
const keyOf = (project: string): string => `attestation-rules:${project}`;

export const readRules = async (documents: DocumentRepository, project: string): Promise<Rules> =>
  rulesSchema.safeParse(await documents.read(keyOf(project))).data ?? usual;

export const writeRules = (documents: DocumentRepository, project: string, rules: Rules): Promise<void> =>
  documents.write(keyOf(project), rules);

export function expectationsBy({ minimum_tcb: minimum, allow_smt: smt, allow_migration: migration }: Rules) {
  const minimumTcb: NonNullable<Expectations['minimumTcb']> = {};
  for (const product of amdProducts) {
    const { boot_loader: bootLoader, tee, snp, microcode, fmc } = minimum[product] ?? {};
    const parts = Object.entries({ bootLoader, tee, snp, microcode, fmc }).filter(
      ([, value]) => value !== undefined,
    );
    minimumTcb[product] = Object.fromEntries(parts);
  }
  return { minimumTcb, allowSmt: smt, allowMigration: migration } satisfies Expectations;
}
