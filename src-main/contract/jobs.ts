/** Jobs: checked before anything is sent, submitted, followed to the end, fetched. */
import { z } from 'zod';
import { findingSchema } from './finding.ts';
import { nameField, placeField, timeText } from './fields.ts';
import { defineCall, defineState, defineTask } from './kernel.ts';
import { placeSchema } from './places.ts';
import { errorSchema } from './tasks.ts';

const jobIdField = z.string().regex(/^[A-Za-z0-9._-]{4,128}$/, 'a job id is letters, digits and dashes');
const onServer = { kit: placeField, study: nameField.optional() };

/** Which job folder: a name in the kit's transfer folder, or a path. */
const jobFolder = {
  job: z
    .string()
    .min(1)
    .max(255)
    .regex(/^(?!\.{1,2}$)[^/\\\0\r\n]+$/, 'a name in the transfer folder has no slash')
    .optional(),
  folder: placeField.optional(),
};
const oneJob = (input: { job?: string | undefined; folder?: string | undefined }): boolean =>
  (input.job === undefined) !== (input.folder === undefined);
const oneJobMessage = 'name either a job of the transfer folder or a folder';

/** Fetch the result when the job is done; `into` is the kit's download folder when missing. */
const fetchResult = { download: z.boolean().optional(), into: placeField.optional() };

const resultSchema = z.looseObject({
  /** Absolute path of the unpacked result. */
  folder: z.string(),
  files: z.array(z.string()),
  /** Those of `files` that look like models. */
  models: z.array(z.string()),
  bytes: z.number(),
});

const siteDeploymentSchema = z.looseObject({ site: z.string(), ok: z.boolean() });

export const followSchema = z.looseObject({
  job_id: z.string(),
  name: z.string().optional(),
  /** The server's word: `FINISHED:COMPLETED`; `SUBMITTED` when it was not followed. */
  status: z.string(),
  phase: z.string().optional(),
  duration: z.string().optional(),
  rounds: z.looseObject({}).optional(),
  deployment: z.array(siteDeploymentSchema).optional(),
  /** Why it did not complete. */
  reason: z.looseObject({ summary: z.string() }).optional(),
  /** The downloaded result; null when none was asked for or the job did not complete. */
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
    places: ['kit', 'folder'],
    input: z
      .strictObject({
        ...onServer,
        ...jobFolder,
        /** Without a login: the deploy map is not held against the sites that are connected now. */
        offline: z.boolean().optional(),
      })
      .refine(oneJob, oneJobMessage),
    output: z.strictObject({
      job: z.string(),
      folder: z.string(),
      byoc: z.boolean(),
      files: z.int(),
      bytes: z.number(),
      findings: z.array(findingSchema),
      /** The findings that keep it from being submitted. */
      blocking: z.int(),
    }),
  }),
  list: defineCall({
    name: 'jobs.list',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({
      ...onServer,
      /** Only jobs whose name starts so. */
      name: z.string().max(255).optional(),
      mine: z.boolean().optional(),
      limit: z.int().positive().max(100_000).optional(),
    }),
    output: z.strictObject({
      jobs: z.array(
        z.looseObject({
          job_id: z.string(),
          name: z.string(),
          status: z.string(),
          phase: z.string(),
          submit_time: z.string().optional(),
          duration: z.string().optional(),
        }),
      ),
    }),
  }),
  abort: defineCall({
    name: 'jobs.abort',
    effect: 'write',
    // The job is watched until it has ended.
    deadlineMs: 90_000,
    places: ['kit'],
    input: z.strictObject({ ...onServer, job_id: jobIdField }),
    /** `info`: the server's word; `status`: where the job stands now, not `FINISHED:…` when it goes on. */
    output: z.strictObject({ job_id: z.string(), info: z.string(), status: z.string() }),
  }),
  delete: defineCall({
    name: 'jobs.delete',
    effect: 'write',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({ ...onServer, job_id: jobIdField }),
    /** `info`: the server's word. */
    output: z.strictObject({ job_id: z.string(), info: z.string() }),
  }),
  clone: defineCall({
    name: 'jobs.clone',
    effect: 'write',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({ ...onServer, job_id: jobIdField }),
    output: z.strictObject({ job_id: z.string(), cloned_from: z.string() }),
  }),
  submit: defineTask({
    name: 'jobs.submit',
    effect: 'write',
    places: ['kit', 'folder', 'into'],
    input: z
      .strictObject({
        ...onServer,
        ...jobFolder,
        /** Wait for the end of the job. */
        follow: z.boolean().optional(),
        ...fetchResult,
        /** Submit in spite of findings that only foretell (absent sites, classes a site may refuse). */
        force: z.boolean().optional(),
      })
      .refine(oneJob, oneJobMessage),
    output: followSchema,
  }),
  follow: defineTask({
    name: 'jobs.follow',
    effect: 'read',
    places: ['kit', 'into'],
    input: z.strictObject({ ...onServer, job_id: jobIdField, ...fetchResult }),
    output: followSchema,
  }),
  download: defineTask({
    name: 'jobs.download',
    effect: 'read',
    places: ['kit', 'into'],
    input: z.strictObject({ ...onServer, job_id: jobIdField, into: placeField.optional() }),
    output: resultSchema.extend({ job_id: z.string() }),
  }),
};
