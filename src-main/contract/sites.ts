/** The hosts of the participants: the same step on every one, side by side. */
import { z } from 'zod';
import { hostKeysField, namesField, placeField } from './fields.ts';
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

export const sites = {
  run: defineTask({
    name: 'sites.run',
    effect: 'write',
    places: ['file', 'kit'],
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
      accept_host_keys: hostKeysField.optional(),
      /** Admin kit that takes confidential sites out of the federation before their VMs are ended; one of the run when missing. */
      kit: placeField.optional(),
      /** End a confidential VM although its site could not be taken out first: the whole federation may stop. */
      force: z.boolean().optional(),
    }),
    output: z.strictObject({ sites: z.array(siteResultSchema) }),
  }),
};
