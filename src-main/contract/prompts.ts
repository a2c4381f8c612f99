/** What main asks a person. Without an answer in time the answer is no. */
import { z } from 'zod';
import { definePrompt } from './kernel.ts';

const aboutTask = { task: z.string().optional(), target: z.string().optional() };

export const prompts = {
  hostKey: definePrompt({
    name: 'prompts.host_key',
    deadlineMs: 120_000,
    question: z.strictObject({
      ...aboutTask,
      host: z.string(),
      port: z.int(),
      key_type: z.string(),
      fingerprint: z.string(),
      /** How to compare it, and what is odd. */
      notes: z.array(z.string()),
    }),
    answer: z.strictObject({ accept: z.boolean() }),
  }),
  passphrase: definePrompt({
    name: 'prompts.passphrase',
    deadlineMs: 120_000,
    question: z.strictObject({ ...aboutTask, what: z.string(), attempt: z.int() }),
    /** Null: the person gave up. */
    answer: z.strictObject({ passphrase: z.string().max(4096).nullable() }),
  }),
  confirm: definePrompt({
    name: 'prompts.confirm',
    deadlineMs: 120_000,
    question: z.strictObject({
      ...aboutTask,
      question: z.string(),
      /** The text the person must type, for far-reaching acts. */
      typed: z.string().optional(),
    }),
    answer: z.strictObject({ yes: z.boolean() }),
  }),
};
