/** What the machines of confidential participants have and lack: the probe table, asked over SSH. Nothing is changed there. */
import { z } from 'zod';
import { hostKeysField, idField, namesField, placeField, timeText } from './fields.ts';
import { defineState, defineTask } from './kernel.ts';
import { errorSchema } from './tasks.ts';

export const probeSchema = z.strictObject({
  /** Row of the table in docs/reference/confidential-computing.md §5. */
  number: z.int(),
  id: z.string(),
  title: z.string(),
  group: z.enum(['platform', 'tools', 'vm', 'resources', 'network', 'gpu']),
  /** `unknown`: no answer, no rights, or not understood. `not_applicable`: nothing to look at. */
  state: z.enum(['ok', 'warn', 'bad', 'unknown', 'not_applicable']),
  summary: z.string(),
  meaning: z.string().optional(),
  /** Commands are for a person to read and run; this program runs none of them. */
  fix: z.strictObject({ text: z.string(), commands: z.array(z.string()).optional() }).optional(),
  source: z.string(),
  command: z.string().optional(),
  /** Exit status; null when it did not end. */
  code: z.int().nullable().optional(),
  output: z.string().optional(),
  at: timeText,
  seconds: z.number(),
});

export const hostCheckSchema = z.strictObject({
  name: z.string(),
  /** The worst of its probes; `failed`: the host could not be asked. */
  state: z.enum(['ok', 'warn', 'bad', 'unknown', 'failed', 'cancelled']),
  probes: z.array(probeSchema),
  error: errorSchema.optional(),
});

export const hosts = {
  check: defineTask({
    name: 'hosts.check',
    effect: 'read',
    places: ['file'],
    input: z.strictObject({
      /** `project.yml`; `desk.yml` lies beside it. */
      file: placeField,
      only: namesField.optional(),
      /** Only these probes. */
      probes: z.array(idField).max(64).optional(),
      accept_host_keys: hostKeysField.optional(),
    }),
    output: z.strictObject({ hosts: z.array(hostCheckSchema) }),
  }),
  /** The last answers of the open project's hosts. */
  matrix: defineState({
    name: 'hosts.matrix',
    value: z.strictObject({
      hosts: z.array(z.strictObject({ ...hostCheckSchema.shape, at: timeText })),
    }),
  }),
};
