import { z } from 'zod';

/** One result of a check: where it is, what is wrong, and the fix. Lines and columns count from 1. */
export const findingSchema = z.strictObject({
  severity: z.enum(['error', 'warning', 'info']),
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  file: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
  path: z.string().optional(),
});

export type Finding = z.infer<typeof findingSchema>;
