/** What happened here: the audit trail, and what one tells when asking for help. */
import { z } from 'zod';
import { placeField, timeText } from './fields.ts';
import { defineCall } from './kernel.ts';

export const auditEntrySchema = z.strictObject({
  seq: z.int(),
  at: timeText,
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  outcome: z.string(),
  detail: z.record(z.string(), z.unknown()),
  previous: z.string(),
  hash: z.string(),
});

export const diagnostics = {
  about: defineCall({
    name: 'diagnostics.about',
    effect: 'read',
    deadlineMs: 5_000,
    input: z.strictObject({}),
    output: z.strictObject({
      version: z.string(),
      node: z.string(),
      platform: z.string(),
      state_folder: z.string(),
      flare_lines: z.array(z.string()),
    }),
  }),
  audit: defineCall({
    name: 'diagnostics.audit',
    effect: 'read',
    deadlineMs: 60_000,
    input: z.strictObject({ limit: z.int().positive().max(10_000).optional() }),
    output: z.strictObject({
      entries: z.array(auditEntrySchema),
      /** Whether the whole chain holds; the first broken place otherwise. */
      intact: z.boolean(),
      broken_at: z.int().optional(),
      problem: z.string().optional(),
    }),
  }),
  /** What a diagnostics bundle would hold: shown before anything is saved. Redacted; no database, no kits, no keys. */
  bundle: defineCall({
    name: 'diagnostics.bundle',
    effect: 'read',
    deadlineMs: 30_000,
    input: z.strictObject({}),
    output: z.strictObject({
      files: z.array(
        z.strictObject({ name: z.string(), bytes: z.int(), about: z.string(), preview: z.string() }),
      ),
    }),
  }),
  saveBundle: defineCall({
    name: 'diagnostics.save_bundle',
    effect: 'write',
    deadlineMs: 60_000,
    places: ['file'],
    input: z.strictObject({ file: placeField, leave_out: z.array(z.string().max(255)).max(100).optional() }),
    output: z.strictObject({ files: z.int(), bytes: z.int() }),
  }),
  exportAudit: defineCall({
    name: 'diagnostics.export_audit',
    effect: 'write',
    deadlineMs: 120_000,
    places: ['file'],
    input: z.strictObject({ file: placeField }),
    output: z.strictObject({ file: z.string(), entries: z.int() }),
  }),
};
