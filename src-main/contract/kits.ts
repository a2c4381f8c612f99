/** Startup kits and certificates: what they are, and whether every signature holds. */
import { z } from 'zod';
import { placeField } from './fields.ts';
import { defineCall } from './kernel.ts';

/** One certificate of the project's state or of a kit in its newest prod folder. */
export const certificateSchema = z.looseObject({
  /** The participant's name; of the root, the project's. */
  name: z.string(),
  /** `root`, `participant`, or `listener` (the second pair of relays and listening clients). */
  kind: z.string(),
  not_after: z.string(),
  /** Whole days; negative after the end. */
  days_left: z.int(),
  state: z.enum(['ok', 'expiring', 'expired', 'not_yet_valid']),
  file: z.string(),
});

const problemSchema = z.looseObject({ file: z.string(), problem: z.string() });

export const kits = {
  inspect: defineCall({
    name: 'kits.inspect',
    effect: 'read',
    deadlineMs: 30_000,
    places: ['kit'],
    input: z.strictObject({ kit: placeField }),
    output: z.looseObject({
      kind: z.string(),
      name: z.string().nullable(),
      org: z.string().nullish(),
      role: z.string().nullish(),
      flare: z.string().nullish(),
      root_fingerprint: z.string().nullish(),
      not_after: z.string().nullish(),
    }),
  }),
  verify: defineCall({
    name: 'kits.verify',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['kit'],
    input: z.strictObject({
      kit: placeField,
      root_fingerprint: z
        .string()
        .max(200)
        .regex(/^(SHA256:)?[0-9A-Fa-f: ]{64,}$/, 'a SHA-256 fingerprint has 64 hex digits, colons allowed')
        .optional(),
    }),
    output: z.strictObject({
      checked: z.int(),
      problems: z.array(problemSchema),
      /** What could not be verified and why, and what deserves a look. */
      notes: z.array(z.strictObject({ file: z.string(), note: z.string() })),
      root_fingerprint: z.string().nullable(),
    }),
  }),
};

export const certificates = {
  list: defineCall({
    name: 'certificates.list',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['file', 'workspace'],
    input: z.strictObject({ file: placeField, workspace: placeField.optional() }),
    output: z.strictObject({ certificates: z.array(certificateSchema), problems: z.array(problemSchema) }),
  }),
};
