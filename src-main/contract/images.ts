/** The application image of confidential participants: written, built with Docker, looked into without it. */
import { z } from 'zod';
import { flareVersionField, nameField, placeField } from './fields.ts';
import { defineCall, defineTask } from './kernel.ts';
import { placeSchema } from './places.ts';

const packageField = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\0\r\n]*$/, 'a requirement is one line');
const tagField = z
  .string()
  .max(128)
  .regex(/^[a-z0-9]+(?:[._/:-][a-z0-9]+)*$/, 'an image name is lower case letters, digits and . _ - / :');

export const appImageFactsSchema = z.strictObject({
  format: z.enum(['docker', 'oci']),
  tags: z.array(z.string()),
  id: z.string(),
  created: z.string().optional(),
  architecture: z.string().optional(),
  os: z.string().optional(),
  entrypoint: z.array(z.string()),
  command: z.array(z.string()),
  layers: z.array(
    z.strictObject({ digest: z.string(), bytes: z.number(), created_by: z.string().optional() }),
  ),
  unpacked_bytes: z.number(),
  bytes: z.number(),
  sha256: z.string(),
  nvflare: z.string().optional(),
  gpu_sdk: z.string().optional(),
  python: z.string().optional(),
});

const findingSchema = z.strictObject({
  severity: z.enum(['error', 'warning']),
  message: z.string(),
  hint: z.string(),
});

/** A project says the line, whether a GPU issuer is set, and the smallest root drive; the other fields say it without one. */
const wishes = {
  file: placeField.optional(),
  flare: flareVersionField.optional(),
  gpu: z.boolean().optional(),
};

export const images = {
  /** Writes Dockerfile and requirements.txt. A folder `code` beside them goes into the image. */
  write: defineCall({
    name: 'images.write',
    effect: 'write',
    deadlineMs: 30_000,
    places: ['folder', 'file'],
    input: z.strictObject({
      folder: placeField,
      ...wishes,
      base_image: packageField.optional(),
      packages: z.array(packageField).max(1000).optional(),
      replace: z.boolean().optional(),
    }),
    output: z.strictObject({ files: z.array(placeSchema), flare: z.string(), gpu: z.boolean() }),
  }),
  /** `docker build` and `docker save | gzip`, here or on a builder of desk.yml. The task's log is Docker's output. */
  build: defineTask({
    name: 'images.build',
    effect: 'write',
    places: ['folder', 'file'],
    input: z.strictObject({
      folder: placeField,
      tag: tagField,
      /** Absolute path of the archive on the machine that builds. Missing: beside the Dockerfile (here only). */
      archive: placeField.optional(),
      file: placeField.optional(),
      /** A builder of the project's desk.yml; missing: this machine. */
      on: nameField.optional(),
    }),
    output: z.strictObject({
      archive: z.string(),
      host: z.string(),
      /** Missing when it lies on another machine. */
      facts: appImageFactsSchema.optional(),
    }),
  }),
  inspect: defineTask({
    name: 'images.inspect',
    effect: 'read',
    places: ['archive', 'file'],
    input: z.strictObject({
      archive: placeField,
      ...wishes,
      /** GB it must fit in. */
      root_drive: z.number().positive().optional(),
    }),
    output: z.strictObject({ facts: appImageFactsSchema, findings: z.array(findingSchema) }),
  }),
};
