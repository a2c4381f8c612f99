/** Bundles of confidential VMs: looked into, measured, handed over with a signed record, verified. */
import { z } from 'zod';
import { nameField, placeField, timeText } from './fields.ts';
import { defineTask } from './kernel.ts';

const fingerprintField = z
  .string()
  .max(200)
  .regex(/^(SHA256:)?[0-9A-Fa-f: ]{64,}$/, 'a SHA-256 fingerprint has 64 hex digits, colons allowed');

const findingSchema = z.strictObject({
  severity: z.enum(['problem', 'warning', 'unknown', 'note']),
  /** File of the bundle, or `.` for the whole. */
  file: z.string(),
  line: z.int().optional(),
  message: z.string(),
  hint: z.string().optional(),
});

const fileSchema = z.strictObject({ name: z.string(), size: z.number(), sha256: z.string() });

const measurementSchema = z.discriminatedUnion('computed', [
  z.strictObject({
    computed: z.literal(true),
    /** SEV features 0x1, 96 hex digits. */
    plain: z.string(),
    /** SEV features 0x21: hosts with debug swap. */
    with_debug_swap: z.string(),
    /** The same as the key broker up to v0.17 wants them. */
    plain_base64: z.string(),
    with_debug_swap_base64: z.string(),
  }),
  z.strictObject({ computed: z.literal(false), reason: z.string() }),
]);

export const bundles = {
  inspect: defineTask({
    name: 'bundles.inspect',
    effect: 'write',
    places: ['bundle', 'file', 'workspace', 'admin_kit'],
    input: z.strictObject({
      /** `<site>.tgz`, or the folder it was unpacked to. */
      bundle: placeField,
      /** The project it belongs to: its root and its changes since. */
      file: placeField.optional(),
      workspace: placeField.optional(),
      /** Default: the archive's name. */
      participant: nameField.optional(),
      root_fingerprint: fingerprintField.optional(),
      /** Writes `<site>.bundle.json` beside the archive. */
      keep: z.boolean().optional(),
      /** Signs that record: with the project's root key, or with a project admin's kit. */
      sign: z.enum(['root', 'admin']).optional(),
      admin_kit: placeField.optional(),
    }),
    output: z.strictObject({
      bundle: z.string(),
      participant: z.string(),
      source: z.enum(['archive', 'folder']),
      archive: fileSchema.optional(),
      files: z.array(fileSchema),
      launch: z.strictObject({
        vm_id: z.string().optional(),
        cores: z.int().optional(),
        cpu: z.string().optional(),
        memory: z.string().optional(),
        append: z.string().optional(),
        c_bit_position: z.int().optional(),
        policy: z.number().optional(),
        kernel_hashes: z.boolean().optional(),
        forwards: z.array(z.strictObject({ host: z.int(), guest: z.int() })),
        drives: z.array(z.string()),
        gpus: z.array(z.string()),
      }),
      kernel_hashes: z.boolean().nullable(),
      debug_allowed: z.boolean().nullable(),
      drives: z.array(z.strictObject({ name: z.string(), virtual_size: z.number(), check: z.string() })),
      measurement: measurementSchema,
      kit: z
        .strictObject({
          name: z.string().nullable(),
          kind: z.string(),
          org: z.string().nullable(),
          flare: z.string().nullable(),
          root_fingerprint: z.string(),
          fingerprint: z.string(),
          not_after: z.string(),
          server: z.string().nullable(),
          checked: z.int(),
        })
        .nullable(),
      findings: z.array(findingSchema),
      /** The record beside the bundle: its base name, and whether it carries a signature. */
      record: z.strictObject({ name: z.string(), signed: z.boolean() }).optional(),
    }),
  }),
  verify: defineTask({
    name: 'bundles.verify',
    effect: 'read',
    places: ['bundle', 'record', 'file', 'workspace'],
    input: z.strictObject({
      bundle: placeField,
      /** Default: `<site>.bundle.json` beside the bundle. */
      record: placeField.optional(),
      /** Of the project's root certificate, learned another way than with the bundle. Default: that of the project `file`. */
      root_fingerprint: fingerprintField.optional(),
      file: placeField.optional(),
      workspace: placeField.optional(),
    }),
    output: z.strictObject({
      participant: z.string(),
      bundle: z.string(),
      root_fingerprint: z.string(),
      signed_by: z.string(),
      created_at: timeText,
      files: z.int(),
      measurement: measurementSchema,
      problems: z.array(findingSchema),
      notes: z.array(findingSchema),
    }),
  }),
};
