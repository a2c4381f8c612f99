/** What main asks a person. Without an answer in time the answer is no. */
import { z } from 'zod';
import { placeField } from './fields.ts';
import { definePrompt } from './kernel.ts';
import { placePurposes } from './places.ts';

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
    question: z.strictObject({
      ...aboutTask,
      what: z.string(),
      attempt: z.int(),
      /** This computer can keep it safe, if the person wishes. */
      can_remember: z.boolean().default(false),
    }),
    /** Null: the person gave up. */
    answer: z.strictObject({ passphrase: z.string().max(4096).nullable(), remember: z.boolean().optional() }),
  }),
  /** A host without dialogs of its own (the web host) asks for the path as text. Null: changed their mind. */
  place: definePrompt({
    name: 'prompts.place',
    deadlineMs: 600_000,
    question: z.strictObject({
      purpose: z.enum(placePurposes),
      suggested: z.string(),
      problem: z.string().optional(),
    }),
    answer: z.strictObject({ path: placeField.nullable() }),
  }),
  /** A new passphrase, typed twice by the person; null: gave up. */
  newPassphrase: definePrompt({
    name: 'prompts.new_passphrase',
    deadlineMs: 300_000,
    question: z.strictObject({ ...aboutTask, what: z.string() }),
    answer: z.strictObject({ passphrase: z.string().min(8).max(4096).nullable() }),
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
