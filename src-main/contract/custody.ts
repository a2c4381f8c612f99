/** Who can use the project's CA key: in clear as NVFlare keeps it, or wrapped by a passphrase of its own. */
import { z } from 'zod';
import { timeText } from './fields.ts';
import { defineCall, defineState } from './kernel.ts';

export const custodySchema = z.strictObject({
  /** `none`: no CA yet. `plain`: in clear in `state/cert.json`, so that `nvflare provision` can use it too. */
  form: z.enum(['none', 'plain', 'wrapped']),
  /** A wrapped key that is unlocked locks itself at this time. */
  unlocked_until: timeText.optional(),
  root_fingerprint: z.string().optional(),
  message: z.string().optional(),
});

const empty = z.strictObject({});

/** Passphrases are asked by a prompt of main, never sent with a call. */
export const custody = {
  current: defineState({ name: 'custody.current', value: custodySchema }),
  state: defineCall({
    name: 'custody.state',
    effect: 'read',
    deadlineMs: 30_000,
    input: empty,
    output: custodySchema,
  }),
  /** Wraps the key by a passphrase; `nvflare provision` can no longer use this project's state until it is unwrapped. */
  wrap: defineCall({
    name: 'custody.wrap',
    effect: 'write',
    deadlineMs: 300_000,
    input: empty,
    output: custodySchema,
  }),
  /** Back to NVFlare's own plain form. */
  unwrap: defineCall({
    name: 'custody.unwrap',
    effect: 'write',
    deadlineMs: 300_000,
    input: empty,
    output: custodySchema,
  }),
  unlock: defineCall({
    name: 'custody.unlock',
    effect: 'write',
    deadlineMs: 300_000,
    input: empty,
    output: custodySchema,
  }),
  lock: defineCall({
    name: 'custody.lock',
    effect: 'write',
    deadlineMs: 10_000,
    input: empty,
    output: custodySchema,
  }),
};
