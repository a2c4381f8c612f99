/** Startup kits and certificates: what they are, and whether every signature holds. */
import { z } from 'zod';
import { placeField } from './fields.ts';
import { defineCall } from './kernel.ts';

export const certificateSchema = z.strictObject({
  /** `project`, or the participant's name. */
  name: z.string(),
  kind: z.string(),
  subject: z.string(),
  org: z.string().optional(),
  role: z.string().optional(),
  not_before: z.string(),
  not_after: z.string(),
  days_left: z.int(),
  fingerprint: z.string(),
  file: z.string(),
});

export const kits = {
  inspect: defineCall({
    name: 'kits.inspect',
    effect: 'read',
    deadlineMs: 30_000,
    places: ['kit'],
    input: z.strictObject({ kit: placeField }),
    output: z.looseObject({
      kind: z.string(),
      name: z.string(),
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
      problems: z.array(z.strictObject({ file: z.string(), problem: z.string() })),
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
    output: z.strictObject({ certificates: z.array(certificateSchema) }),
  }),
};
