/** The hosts of the participants: the same step on every one, side by side. */
import { z } from 'zod';
import { nameField, namesField, placeField } from './fields.ts';
import { defineTask } from './kernel.ts';
import { siteVerbs } from './names.ts';
import { errorSchema } from './tasks.ts';

const siteResultSchema = z.strictObject({
  name: z.string(),
  /** `failed`, `cancelled`, `no_host` (not in desk.yml), or how the site stands: `delivered`, `running`, … */
  state: z.string(),
  steps: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['ok', 'warning', 'failed', 'skipped']),
      message: z.string(),
      hint: z.string().optional(),
      seconds: z.number(),
    }),
  ),
  status: z.looseObject({ process: z.string(), folder: z.string() }).optional(),
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
      /** Host (`host` or `[host]:port`) or participant → the host key a person accepts for first contact. */
      accept_host_keys: z
        .record(nameField, hostKeyField)
        .refine((keys) => Object.keys(keys).length <= 1000, 'at most 1000 host keys')
        .optional(),
    }),
    output: z.strictObject({ sites: z.array(siteResultSchema) }),
  }),
};
