/** Attestation: what each site proved, by whom, until when; the chip certificates behind it. */
import { z } from 'zod';
import { idField, nameField, namesField, placeField, timeText } from './fields.ts';
import { defineCall, defineState, defineTask } from './kernel.ts';

const evidenceClass = z.enum(['H', 'K', 'F', 'L', 'S', 'I', 'P']);

/** One badge of the table: what it rests on and what it does not prove. */
export const badgeSchema = z.strictObject({
  id: z.string(),
  label: z.string(),
  colour: z.enum(['green', 'green_outline', 'blue', 'grey', 'amber', 'red', 'striped']),
  class: evidenceClass,
  condition: z.string(),
  proof: z.string(),
  limit: z.string(),
});

const checkSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  state: z.enum(['passed', 'failed', 'not_checked']),
  message: z.string(),
  hint: z.string().optional(),
});

export const verdictSchema = z.strictObject({
  outcome: z.enum(['verified', 'genuine', 'unchecked', 'refused', 'mock']),
  cause: z.string().optional(),
  message: z.string(),
  hint: z.string().optional(),
  /** A test root vouches for it: nothing about real hardware. */
  simulated: z.boolean(),
  checks: z.array(checkSchema),
  measurement: z.string().optional(),
  report_id: z.string().optional(),
  chip_id: z.string().optional(),
  product: z.string().optional(),
  tcb: z.string().optional(),
});

const fieldSchema = z.strictObject({
  offset: z.int(),
  size: z.int(),
  name: z.string(),
  value: z.string(),
  meaning: z.string().optional(),
});

export const siteStatusSchema = z.strictObject({
  site: z.string(),
  badge: z.string(),
  label: z.string(),
  colour: badgeSchema.shape.colour,
  class: evidenceClass,
  message: z.string(),
  hint: z.string().optional(),
  limit: z.string(),
  at: timeText.optional(),
  until: timeText.optional(),
  source: z.string().optional(),
  /** Words, not evidence: when it was last verified, in this run or an earlier one. */
  last_verified_at: timeText.optional(),
  peers_due_at: timeText.optional(),
  /** No more requests until a person asks, because two in a row were not answered. */
  paused: z.boolean(),
  claims: z.array(
    z.strictObject({
      class: evidenceClass,
      claim: z.string(),
      source: z.string(),
      at: timeText,
      until: timeText.optional(),
      counts: z.boolean(),
      good: z.boolean(),
    }),
  ),
  stages: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['ok', 'bad', 'busy', 'unknown']),
      text: z.string(),
      class: evidenceClass.optional(),
      at: timeText.optional(),
      source: z.string().optional(),
    }),
  ),
  contradictions: z.array(z.strictObject({ id: z.string(), message: z.string() })),
});

const alarmSchema = z.strictObject({
  key: z.string(),
  kind: z.string(),
  severity: z.enum(['bad', 'warn']),
  message: z.string(),
  site: z.string().optional(),
  hint: z.string().optional(),
});

const level = z.int().min(0).max(255).optional();
const tcbSchema = z.strictObject({
  boot_loader: level,
  tee: level,
  snp: level,
  microcode: level,
  /** Turin alone has it. */
  fmc: level,
});

/** What a project demands beyond the image: read and set for the project that is watched or open. */
export const rulesSchema = z.strictObject({
  minimum_tcb: z.strictObject({
    Milan: tcbSchema.optional(),
    Genoa: tcbSchema.optional(),
    Turin: tcbSchema.optional(),
  }),
  allow_smt: z.boolean(),
  allow_migration: z.boolean(),
});

export const boardSchema = z.strictObject({
  watching: z.boolean(),
  /** A test root is accepted: nothing here is about real hardware. */
  simulated: z.boolean(),
  project: z.string().optional(),
  server: z.enum(['up', 'down', 'unknown']),
  sites: z.array(siteStatusSchema),
  alarms: z.array(alarmSchema),
  /** Why the federation stopped, as far as any source tells. */
  report: z
    .strictObject({
      stopped_at: timeText,
      reason: z.string(),
      first: z
        .strictObject({
          site: z.string(),
          line: z.string(),
          at: timeText,
          class: evidenceClass,
          source: z.string(),
        })
        .optional(),
      last_words: z.array(
        z.strictObject({
          class: evidenceClass,
          site: z.string(),
          said: z.string(),
          source: z.string(),
          at: timeText,
        }),
      ),
      ghost_jobs: z.array(z.strictObject({ id: z.string(), name: z.string(), status: z.string() })),
      start_order: z.array(z.string()),
    })
    .optional(),
  /** How the last post to the webhook went; missing: none was sent. */
  webhook: z
    .strictObject({ state: z.enum(['ok', 'failed']), at: timeText, message: z.string().optional() })
    .optional(),
  error: z.string().optional(),
});

const entrySchema = z.strictObject({
  id: z.int(),
  site: z.string(),
  at: timeText,
  class: z.string(),
  kind: z.string(),
  source: z.string(),
  actor: z.string(),
  outcome: z.string().optional(),
  cause: z.string().optional(),
  message: z.string(),
  has_evidence: z.boolean(),
});

const hex = z.string().regex(/^[0-9a-fA-F]{96}$/, 'a launch measurement has 96 hex digits');

export const attestation = {
  board: defineState({ name: 'attestation.board', value: boardSchema }),
  /** Watches the federation of an admin kit from now on; without one it ends. */
  look: defineCall({
    name: 'attestation.look',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({ kit: placeField.optional() }),
    output: z.strictObject({ sites: z.int() }),
  }),
  /** One round: asks the sites named (all when missing), one after the other, and answers with the board. */
  check: defineCall({
    name: 'attestation.check',
    effect: 'read',
    deadlineMs: 1_800_000,
    input: z.strictObject({ sites: namesField.optional() }),
    output: boardSchema,
  }),
  rules: defineCall({
    name: 'attestation.rules',
    effect: 'read',
    deadlineMs: 5_000,
    input: z.strictObject({}),
    output: z.strictObject({ project: z.string(), rules: rulesSchema }),
  }),
  /** Replaces them; what is watched is judged anew by them at once. */
  setRules: defineCall({
    name: 'attestation.set_rules',
    effect: 'write',
    deadlineMs: 30_000,
    input: z.strictObject({ rules: rulesSchema }),
    output: z.strictObject({ project: z.string(), rules: rulesSchema }),
  }),
  badges: defineCall({
    name: 'attestation.badges',
    effect: 'read',
    deadlineMs: 5_000,
    input: z.strictObject({}),
    output: z.strictObject({ badges: z.array(badgeSchema) }),
  }),
  /** Verifies a report in a file, with nothing else known: bytes, hex or base64. */
  verifyFile: defineCall({
    name: 'attestation.verify_file',
    effect: 'read',
    deadlineMs: 30_000,
    places: ['file', 'certificate'],
    input: z.strictObject({
      file: placeField,
      /** In place of the store's. */
      certificate: placeField.optional(),
      measurement: hex.optional(),
    }),
    output: z.strictObject({
      verdict: verdictSchema,
      fields: z.array(fieldSchema),
      vcek_address: z.string().optional(),
    }),
  }),
  timeline: defineCall({
    name: 'attestation.timeline',
    effect: 'read',
    deadlineMs: 10_000,
    input: z.strictObject({
      site: nameField.optional(),
      before: z.int().positive().optional(),
      limit: z.int().positive().max(1000).optional(),
    }),
    output: z.strictObject({ entries: z.array(entrySchema) }),
  }),
  /** One piece of evidence, decoded. */
  evidence: defineCall({
    name: 'attestation.evidence',
    effect: 'read',
    deadlineMs: 10_000,
    input: z.strictObject({ id: z.int().positive() }),
    output: z.strictObject({
      entry: entrySchema,
      checks: z.array(checkSchema),
      fields: z.array(fieldSchema),
      /** Tokens beside the report, as they stand: nobody vouches for their claims. */
      tokens: z.array(
        z.strictObject({
          namespace: z.string(),
          signature: z.string(),
          nonce: z.string().optional(),
          claims: z.array(z.strictObject({ name: z.string(), value: z.string() })),
        }),
      ),
      /** Raw, hex. */
      raw: z.string().optional(),
    }),
  }),
  /** The timeline of a project as JSON lines in a new file. */
  export: defineCall({
    name: 'attestation.export',
    effect: 'write',
    deadlineMs: 120_000,
    places: ['file', 'kit'],
    input: z.strictObject({
      file: placeField,
      kit: placeField.optional(),
      mask_chips: z.boolean().optional(),
    }),
    output: z.strictObject({ entries: z.int(), file: z.string() }),
  }),
  /** Every certificate of a project, its kits, its chips and its key broker, the first to end at the top. */
  calendar: defineCall({
    name: 'attestation.calendar',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['file'],
    input: z.strictObject({ file: placeField.optional() }),
    output: z.strictObject({
      endings: z.array(
        z.strictObject({
          kind: z.enum(['root', 'participant', 'listener', 'VCEK', 'VLEK', 'kbs', 'kbs_ca']),
          name: z.string(),
          /** A file within the project, the store, or the address that shows it. */
          where: z.string(),
          not_after: timeText,
          /** Whole days; negative after the end. */
          days_left: z.int(),
          level: z.enum(['ended', 'within_7_days', 'within_30_days', 'within_90_days', 'later']),
        }),
      ),
      /** What could not be looked at. */
      problems: z.array(z.strictObject({ what: z.string(), message: z.string() })),
    }),
  }),
  /** Brings the lines of FLARE's own check into reach for a while, reads them, and puts logging back. Audited. */
  sampleLogs: defineTask({
    name: 'attestation.sample_logs',
    effect: 'write',
    input: z.strictObject({ seconds: z.int().min(5).max(3600).optional() }),
    output: z.strictObject({ lines: z.int(), restored: z.boolean() }),
  }),
};

const chipSchema = z.strictObject({
  kind: z.enum(['VCEK', 'VLEK']),
  product: z.string(),
  chip_id: z.string().optional(),
  tcb: z.string(),
  not_after: timeText,
  days_left: z.int(),
  fingerprint: z.string(),
});

export const vcek = {
  list: defineCall({
    name: 'vcek.list',
    effect: 'read',
    deadlineMs: 30_000,
    input: z.strictObject({}),
    output: z.strictObject({ certificates: z.array(chipSchema) }),
  }),
  /** A file or every file below a folder; what AMD did not sign is refused. */
  import: defineCall({
    name: 'vcek.import',
    effect: 'write',
    deadlineMs: 300_000,
    places: ['from'],
    input: z.strictObject({ from: placeField }),
    output: z.strictObject({
      files: z.array(
        z.strictObject({
          file: z.string(),
          state: z.enum(['added', 'known', 'intermediate', 'refused']),
          message: z.string().optional(),
        }),
      ),
    }),
  }),
  /** Asks AMD's key service, slowly. Only ever done because a person asked for it. */
  fetch: defineTask({
    name: 'vcek.fetch',
    effect: 'write',
    places: ['report'],
    input: z
      .strictObject({
        /** As `snphost show vcek-url` prints them. */
        addresses: z.array(z.string().min(1).max(500)).max(2000).optional(),
        /** The chip that signed the report in this file. */
        report: placeField.optional(),
        /** The chips of the newest evidence of these sites. */
        sites: z.array(idField).max(1000).optional(),
      })
      .refine((input) => input.addresses ?? input.report ?? input.sites, 'name addresses, a report or sites'),
    output: z.strictObject({
      chips: z.array(
        z.strictObject({
          chip_id: z.string(),
          state: z.enum(['added', 'known', 'failed']),
          message: z.string().optional(),
        }),
      ),
    }),
  }),
  /** The layout of Trustee's offline store. */
  export: defineCall({
    name: 'vcek.export',
    effect: 'write',
    deadlineMs: 120_000,
    places: ['folder'],
    input: z.strictObject({ folder: placeField }),
    output: z.strictObject({ folder: z.string(), chips: z.int(), certificates: z.int() }),
  }),
};
