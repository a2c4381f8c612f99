/** Jobs: checked before anything is sent, submitted, followed to the end, fetched. */
import { z } from 'zod';
import { findingSchema } from './finding.ts';
import { nameField, placeField, timeText } from './fields.ts';
import { defineCall, defineState, defineTask } from './kernel.ts';
import { placeSchema } from './places.ts';
import { errorSchema } from './tasks.ts';

const jobIdField = z.string().regex(/^[A-Za-z0-9._-]{4,128}$/, 'a job id is letters, digits and dashes');
const onServer = { kit: placeField, study: nameField.optional() };

const resultSchema = z.looseObject({ folder: z.string() });

export const followSchema = z.looseObject({
  job_id: z.string(),
  status: z.string(),
  /** The downloaded result; null when none was asked for or there is none. */
  result: resultSchema.nullable(),
});

/** A job folder in the admin kit's transfer folder. */
export const transferFolderSchema = z.strictObject({
  name: z.string(),
  files: z.int(),
  bytes: z.number(),
  changed_at: timeText,
  errors: z.int(),
  warnings: z.int(),
  /** The first thing that is wrong. */
  message: z.string().optional(),
});

/** A job on the server as last seen. */
export const boardJobSchema = z.strictObject({
  job_id: z.string(),
  name: z.string(),
  status: z.string(),
  /** `done` ended well, `failed` ended badly, `busy` goes on, `unknown` for a status this version does not know. */
  phase: z.enum(['waiting', 'busy', 'done', 'failed', 'unknown']),
  submitter: z.string().optional(),
  study: z.string().optional(),
  submitted_at: timeText.optional(),
  /** Seconds. */
  duration: z.number().optional(),
  rounds: z.strictObject({ done: z.int(), total: z.int().optional() }).optional(),
  /** The task here that follows, fetches or submitted it. */
  task: z.string().optional(),
  /** Where its result was fetched to. */
  result: placeSchema.optional(),
});

export const jobs = {
  /** The jobs of the server of the open project's chosen admin, kept fresh while somebody looks. */
  board: defineState({
    name: 'jobs.board',
    value: z.strictObject({
      jobs: z.array(boardJobSchema),
      /** When the server last answered; the list is stale after that. */
      seen_at: timeText.optional(),
      error: errorSchema.optional(),
    }),
  }),
  /** Which admin kit the board looks through; null stops looking. */
  look: defineCall({
    name: 'jobs.look',
    effect: 'read',
    deadlineMs: 30_000,
    places: ['kit'],
    input: z.strictObject({ kit: placeField.nullable() }),
    output: z.strictObject({}),
  }),
  /** The job folders of the kit's transfer folder, each with its check. */
  transfer: defineCall({
    name: 'jobs.transfer',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({ kit: placeField }),
    output: z.strictObject({ folder: placeSchema, jobs: z.array(transferFolderSchema) }),
  }),
  /** All that is known of one job: meta, deploy detail and schedule history from the server, first error lines of its logs. */
  detail: defineCall({
    name: 'jobs.detail',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({ ...onServer, job_id: jobIdField }),
    output: z.strictObject({
      job: boardJobSchema,
      meta: z.record(z.string(), z.unknown()),
      timeline: z.array(z.strictObject({ at: timeText.optional(), what: z.string() })),
      sites: z.array(z.strictObject({ name: z.string(), state: z.string(), message: z.string().optional() })),
      reason: z.string().optional(),
      log: z.string().optional(),
    }),
  }),
  check: defineCall({
    name: 'jobs.check',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['kit'],
    input: z.strictObject({
      ...onServer,
      /** A folder path, or a name in the kit's transfer folder. */
      job: placeField,
      /** Also hold the deploy map against the sites that are connected now. */
      live: z.boolean().optional(),
    }),
    output: z.looseObject({ job: z.string(), findings: z.array(findingSchema) }),
  }),
  list: defineCall({
    name: 'jobs.list',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({
      ...onServer,
      name: z.string().max(255).optional(),
      limit: z.int().positive().max(100_000).optional(),
    }),
    output: z.strictObject({ jobs: z.array(z.looseObject({ job_id: z.string() })) }),
  }),
  abort: defineCall({
    name: 'jobs.abort',
    effect: 'write',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({ ...onServer, job_id: jobIdField }),
    output: z.looseObject({ job_id: z.string() }),
  }),
  delete: defineCall({
    name: 'jobs.delete',
    effect: 'write',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({ ...onServer, job_id: jobIdField }),
    output: z.looseObject({ job_id: z.string() }),
  }),
  clone: defineCall({
    name: 'jobs.clone',
    effect: 'write',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({ ...onServer, job_id: jobIdField }),
    output: z.looseObject({ job_id: z.string(), cloned_from: z.string() }),
  }),
  submit: defineTask({
    name: 'jobs.submit',
    effect: 'write',
    places: ['kit', 'download'],
    input: z.strictObject({
      ...onServer,
      job: placeField,
      follow: z.boolean().optional(),
      /** Fetch the result into the kit's download folder when the job is done; implies following it. */
      fetch: z.boolean().optional(),
      /** Fetch the result into this folder when the job is done; implies following it. */
      download: placeField.optional(),
    }),
    output: followSchema,
  }),
  follow: defineTask({
    name: 'jobs.follow',
    effect: 'read',
    places: ['kit', 'download'],
    input: z.strictObject({ ...onServer, job_id: jobIdField, download: placeField.optional() }),
    output: followSchema,
  }),
  download: defineTask({
    name: 'jobs.download',
    effect: 'read',
    places: ['kit', 'into'],
    input: z.strictObject({ ...onServer, job_id: jobIdField, into: placeField.optional() }),
    output: z.looseObject({ job_id: z.string(), folder: z.string() }),
  }),
};
