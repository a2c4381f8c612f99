/** Project files: begin one, check it, and say what provisioning would do. */
import { z } from 'zod';
import { flareVersionField, namesField, placeField, placesField } from './fields.ts';
import { findingSchema } from './finding.ts';
import { defineCall } from './kernel.ts';

/** What names a project and the files that add to it; the same for checking, planning and provisioning. */
export const projectInput = {
  file: placeField,
  flare: flareVersionField.optional(),
  add_clients: placesField.optional(),
  add_users: placesField.optional(),
};

export const projects = {
  create: defineCall({
    name: 'projects.create',
    effect: 'write',
    deadlineMs: 30_000,
    places: ['directory', 'from'],
    input: z.strictObject({
      directory: placeField,
      /** An existing `project.yml` to start from. */
      from: placeField.optional(),
      flare: flareVersionField.optional(),
      /** Also a commented confidential-computing file for the server and each client. */
      confidential: z.boolean().optional(),
    }),
    output: z.strictObject({ files: z.array(z.string()) }),
  }),
  check: defineCall({
    name: 'projects.check',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['file', 'add_clients', 'add_users'],
    input: z.strictObject(projectInput),
    output: z.strictObject({ findings: z.array(findingSchema), participants: z.int() }),
  }),
  plan: defineCall({
    name: 'projects.plan',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['file', 'add_clients', 'add_users', 'workspace'],
    input: z.strictObject({
      ...projectInput,
      workspace: placeField.optional(),
      reissue: namesField.optional(),
    }),
    output: z.strictObject({
      create: z.array(z.string()),
      reuse: z.array(z.string()),
      changed: z.array(z.strictObject({ participant: z.string(), why: z.string() })),
      /** The folder the next run writes: `prod_03`. */
      next: z.string(),
    }),
  }),
};
