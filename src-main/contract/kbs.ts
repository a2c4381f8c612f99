/** The Trustee key broker of a project: its state, and its resource policy as a text that is read, questioned, compared and set. */
import { z } from 'zod';
import { idField, timeText } from './fields.ts';
import { findingSchema } from './finding.ts';
import { brokerOfFile as file, releaseField, typedName, writeDeadlineMs } from './kbs-fields.ts';
import { kbsHoldings } from './kbs-holdings.ts';
import { defineCall, defineState } from './kernel.ts';
import { errorSchema } from './tasks.ts';

const sha256Field = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 has 64 lower-case hex digits');
const policyField = z.string().max(1024 * 1024);

const countersSchema = z.strictObject({
  at: timeText,
  /** Reads by resource path, counted after the policy said yes and before the secret was fetched. */
  reads: z.record(z.string(), z.number()),
  policy_approvals: z.number(),
  policy_violations: z.number(),
  policy_errors: z.number(),
  attestation_successes: z.number(),
  attestation_failures: z.number(),
});

const vaultSchema = z.strictObject({
  at: timeText,
  address: z.string(),
  state: z.enum([
    'active',
    'standby',
    'performance_standby',
    'dr_secondary',
    'not_initialised',
    'sealed',
    'unreachable',
    'unclear',
  ]),
  version: z.string().optional(),
  message: z.string().optional(),
  hint: z.string().optional(),
});

export const kbsStatusSchema = z.strictObject({
  at: timeText,
  address: z.string(),
  /** Null: it could not be found out; name it as `kbs.profile` in desk.yml. */
  release: releaseField.nullable(),
  /** False: the oldest release that fits what was seen. */
  release_sure: z.boolean(),
  build_version: z.string().optional(),
  admin: z.enum(['ok', 'refused', 'not_configured', 'failed']),
  findings: z.array(findingSchema),
  counters: countersSchema.optional(),
  /** Missing: desk.yml names no vault. */
  vault: vaultSchema.optional(),
});

const answer = z.enum(['allow', 'deny', 'error', 'unknown']);

/** A CVM of the inventory and what a policy answers when it asks for its own disk key. */
export const cvmAnswerSchema = z.strictObject({
  participant: z.string(),
  /** Null: its image was not inspected, or none was built. */
  vm_id: z.string().nullable(),
  answer,
  reason: z.string().optional(),
});

export const simulatedSchema = z.strictObject({
  participant: z.string(),
  vm_id: z.string().nullable(),
  before: answer,
  after: answer,
  change: z.enum(['loses', 'gains', 'unknown', 'same']),
  reason: z.string().optional(),
});

/** The policy there is not the one known here. */
const changedElsewhere = z.strictObject({
  /** When it was first seen here. */
  at: timeText,
  /** The text that was last set from here, or the first that was seen. */
  known_sha256: z.string(),
  known_at: timeText,
});

const diffLine = z.strictObject({ kind: z.enum(['same', 'added', 'removed']), text: z.string() });

const recordSchema = z.strictObject({
  id: z.string(),
  at: timeText,
  /** `seen`: read and not ours; `backup`: replaced by us; `set`: written by us and read back. */
  kind: z.enum(['seen', 'backup', 'set']),
  sha256: z.string(),
  actor: z.string(),
  note: z.string().optional(),
  text: z.string(),
});

const writing = {
  file,
  /** SHA-256 of the policy that the person saw: another one there is a `conflict`. */
  read_sha256: sha256Field,
  confirm: typedName,
};
const written = z.strictObject({
  /** False: the text stood there already. */
  changed: z.boolean(),
  sha256: z.string(),
  at: timeText,
  findings: z.array(findingSchema),
  /** Those that lose their key first. */
  cvms: z.array(simulatedSchema),
});

export const kbs = {
  ...kbsHoldings,
  status: defineCall({
    name: 'kbs.status',
    effect: 'read',
    deadlineMs: 90_000,
    places: ['file'],
    input: z.strictObject({ file }),
    output: kbsStatusSchema,
  }),
  policyRead: defineCall({
    name: 'kbs.policy_read',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['file'],
    input: z.strictObject({ file }),
    output: z.strictObject({
      text: z.string(),
      sha256: z.string(),
      read_at: timeText,
      /** Null: it could not be found out, and nothing is said of the text. */
      release: releaseField.nullable(),
      findings: z.array(findingSchema),
      cvms: z.array(cvmAnswerSchema),
      changed_elsewhere: changedElsewhere.nullable(),
    }),
  }),
  policyLint: defineCall({
    name: 'kbs.policy_lint',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['file'],
    input: z.strictObject({ file, text: policyField }),
    output: z.strictObject({
      release: releaseField,
      findings: z.array(findingSchema),
      cvms: z.array(cvmAnswerSchema),
    }),
  }),
  /** Rules for every CVM of the inventory. */
  policyGenerate: defineCall({
    name: 'kbs.policy_generate',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['file'],
    input: z.strictObject({ file }),
    output: z.strictObject({
      text: z.string(),
      release: releaseField,
      /** CVMs that got no rule, and why. */
      left_out: z.array(z.strictObject({ participant: z.string(), reason: z.string() })),
    }),
  }),
  /** Base: the policy that was read, or the last one set from here. Ours: the text. Theirs: what stands there now. */
  policyCompare: defineCall({
    name: 'kbs.policy_compare',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['file'],
    input: z.strictObject({ file, text: policyField, read_sha256: sha256Field.optional() }),
    output: z.strictObject({
      /** Where the base comes from; `theirs`: nothing is known here, the comparison has two sides. */
      base: z.strictObject({
        from: z.enum(['read', 'last_set', 'theirs']),
        sha256: z.string(),
        at: timeText.optional(),
      }),
      theirs_sha256: z.string(),
      theirs_text: z.string(),
      conflict: z.boolean(),
      merged: z.string().optional(),
      /** What each side did to the base; every line. */
      ours: z.array(diffLine),
      theirs: z.array(diffLine),
    }),
  }),
  policySimulate: defineCall({
    name: 'kbs.policy_simulate',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['file'],
    input: z.strictObject({ file, text: policyField }),
    output: z.strictObject({
      release: releaseField,
      theirs_sha256: z.string(),
      cvms: z.array(simulatedSchema),
    }),
  }),
  /** The measurements of a text (default: the policy in force) beside those of the images. */
  policyMeasurements: defineCall({
    name: 'kbs.policy_measurements',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['file'],
    input: z.strictObject({ file, text: policyField.optional() }),
    output: z.strictObject({
      release: releaseField,
      images: z.array(
        cvmAnswerSchema.extend({
          /** 96 hex digits; null: not known. */
          measurement: z.string().nullable(),
          /** Where it stands in the text. */
          lines: z.array(z.number()),
        }),
      ),
      /** Measurements of the text that belong to no newest image. */
      stale: z.array(
        z.strictObject({
          measurement: z.string(),
          lines: z.array(z.number()),
          /** Whose disk key a machine with it gets; null: not known. */
          opens: z.array(z.string()).nullable(),
          /** The image it was of. */
          was: z
            .strictObject({ participant: z.string(), run: z.string(), debug_swap: z.boolean() })
            .nullable(),
        }),
      ),
    }),
  }),
  policySet: defineCall({
    name: 'kbs.policy_set',
    effect: 'write',
    deadlineMs: writeDeadlineMs,
    places: ['file'],
    input: z.strictObject({
      ...writing,
      text: policyField,
      /** Set it although the check found errors. */
      accept_findings: z.boolean().optional(),
    }),
    output: written,
  }),
  policyHistory: defineCall({
    name: 'kbs.policy_history',
    effect: 'read',
    deadlineMs: 30_000,
    places: ['file'],
    input: z.strictObject({ file }),
    /** Newest first. */
    output: z.strictObject({ records: z.array(recordSchema) }),
  }),
  policyRollBack: defineCall({
    name: 'kbs.policy_roll_back',
    effect: 'write',
    deadlineMs: writeDeadlineMs,
    places: ['file'],
    input: z.strictObject({ ...writing, id: idField, accept_findings: z.boolean().optional() }),
    output: written,
  }),
  /** The prepared text that releases nothing to anybody. */
  policyDenyAll: defineCall({
    name: 'kbs.policy_deny_all',
    effect: 'write',
    deadlineMs: writeDeadlineMs,
    places: ['file'],
    input: z.strictObject(writing),
    output: written,
  }),
  /** The key broker of the open project, asked only while somebody looks. */
  current: defineState({
    name: 'kbs.current',
    value: z.strictObject({
      /** Null: no project is open, or its desk.yml names no key broker. */
      address: z.string().nullable(),
      status: kbsStatusSchema.nullable(),
      policy: z
        .strictObject({
          sha256: z.string(),
          read_at: timeText,
          changed_elsewhere: changedElsewhere.nullable(),
        })
        .nullable(),
      counters: countersSchema.nullable(),
      /** Null: none is named, or it was not asked yet. */
      vault: vaultSchema.nullable(),
      /** Why the last look failed. */
      error: errorSchema.nullable(),
    }),
  }),
};
