/** The hosts of the participants: the same step on every one, side by side. */
import { z } from 'zod';
import { nameField, namesField, placeField } from './fields.ts';
import { defineTask } from './kernel.ts';

export const siteVerbs = ['check', 'distribute', 'start', 'stop', 'status'] as const;

const errorSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  retryable: z.boolean().optional(),
  fields: z.array(z.looseObject({ message: z.string() })).optional(),
});

export const siteResultSchema = z.looseObject({
  name: z.string(),
  state: z.string(),
  steps: z.array(z.looseObject({ name: z.string(), state: z.string() })),
  error: errorSchema.optional(),
});

const hostKeyField = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a host key is named SHA256:… as ssh-keygen -l prints it');

export const sites = {
  run: defineTask({
    name: 'sites.run',
    effect: 'write',
    places: ['file'],
    input: z.strictObject({
      verb: z.enum(siteVerbs),
      /** `project.yml`; `desk.yml` lies beside it. */
      file: placeField,
      only: namesField.optional(),
      /** `prod_03` or `3`; the newest when missing. */
      prod: z
        .string()
        .regex(/^(prod_)?\d{1,6}$/, 'a run is named prod_NN or NN')
        .optional(),
      /** Participant name → the host key the person accepts for first contact. */
      accept_host_keys: z.record(nameField, hostKeyField).optional(),
    }),
    output: z.strictObject({ sites: z.array(siteResultSchema) }),
  }),
};
