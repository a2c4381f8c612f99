/** Jobs: checked before anything is sent, submitted, followed to the end, fetched. */
import { z } from 'zod';
import { findingSchema } from './finding.ts';
import { nameField, placeField } from './fields.ts';
import { defineCall, defineTask } from './kernel.ts';

const jobIdField = z.string().regex(/^[A-Za-z0-9._-]{4,128}$/, 'a job id is letters, digits and dashes');
const onServer = { kit: placeField, study: nameField.optional() };

const resultSchema = z.looseObject({ folder: z.string() });

export const followSchema = z.looseObject({
  job_id: z.string(),
  status: z.string(),
  /** The downloaded result; null when none was asked for or there is none. */
  result: resultSchema.nullable(),
});

export const jobs = {
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
