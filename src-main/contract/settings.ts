/** What a person sets once for this machine. */
import { z } from 'zod';
import { defineCall } from './kernel.ts';

const fields = {
  appearance: z.enum(['system', 'light', 'dark']),
  /** The FLARE line of new projects. */
  flare: z.enum(['2.7.2', '2.8.1']),
  log_level: z.enum(['debug', 'info', 'warn', 'error']),
  /** Size of one log file in MiB; five are kept. */
  log_mebibytes: z.int().min(1).max(100),
};

export const settingsSchema = z.strictObject({
  appearance: fields.appearance.default('system'),
  flare: fields.flare.default('2.8.1'),
  log_level: fields.log_level.default('info'),
  log_mebibytes: fields.log_mebibytes.default(5),
});

export type Settings = z.output<typeof settingsSchema>;

export const settings = {
  get: defineCall({
    name: 'settings.get',
    effect: 'read',
    deadlineMs: 5_000,
    input: z.strictObject({}),
    output: settingsSchema,
  }),
  set: defineCall({
    name: 'settings.set',
    effect: 'write',
    deadlineMs: 5_000,
    input: z.strictObject(fields).partial(),
    output: settingsSchema,
  }),
};
