/** The admin session: who am I, and the console. */
import { z } from 'zod';
import { lineField, nameField, placeField } from './fields.ts';
import { defineCall, defineStream } from './kernel.ts';

const identity = { user: z.string(), org: z.string(), role: z.string(), study: z.string().optional() };

export const replySchema = z.strictObject({
  line: z.string(),
  ok: z.boolean(),
  status: z.string(),
  message: z.string().optional(),
  items: z.array(z.looseObject({ type: z.string() })),
  meta: z.record(z.string(), z.unknown()),
});

export const commandSchema = z.strictObject({
  scope: z.string(),
  name: z.string(),
  description: z.string(),
  usage: z.string(),
  confirm: z.string(),
  client_command: z.string().optional(),
});

export const session = {
  info: defineCall({
    name: 'session.info',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['kit'],
    input: z.strictObject({ kit: placeField, study: nameField.optional() }),
    output: z.strictObject({
      ...identity,
      server: z.looseObject({
        version: z.string(),
        status: z.string(),
        clients: z.array(
          z.strictObject({
            name: z.string(),
            fqcn: z.string().optional(),
            last_connected: z.string().optional(),
          }),
        ),
        /** Why the server did not tell, when the role may not ask. */
        refused: z.string().optional(),
      }),
    }),
  }),
  /** One admin session per stream: lines go up, replies come down, in order. */
  console: defineStream({
    name: 'session.console',
    places: ['kit'],
    input: z.strictObject({
      kit: placeField,
      study: nameField.optional(),
      /** How long the server waits for sites, seconds. */
      site_timeout: z.number().positive().max(86_400).optional(),
    }),
    item: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('opened'),
        ...identity,
        project: z.string(),
        version: z.string(),
        commands: z.array(commandSchema),
        /** Lines typed into this project's consoles before, oldest first. */
        history: z.array(z.string()),
      }),
      z.strictObject({ kind: z.literal('reply'), reply: replySchema }),
      z.strictObject({
        kind: z.literal('refused'),
        line: z.string(),
        code: z.string(),
        message: z.string(),
        hint: z.string().optional(),
      }),
      z.strictObject({
        kind: z.literal('progress'),
        line: z.string(),
        done: z.number(),
        total: z.number().optional(),
      }),
      /** Not run yet: send the line again with `confirmed` when the person agrees (`auth`: typed the user name). */
      z.strictObject({ kind: z.literal('confirm'), line: z.string(), how: z.enum(['yesno', 'auth']) }),
      z.strictObject({ kind: z.literal('state'), state: z.string() }),
      z.strictObject({ kind: z.literal('ended'), reason: z.string() }),
    ]),
    up: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('line'), line: lineField, confirmed: z.boolean().optional() }),
      /** No more lines: what was sent is answered, then the session ends. */
      z.strictObject({ kind: z.literal('finish') }),
      /** Stop waiting for the reply to the running line. */
      z.strictObject({ kind: z.literal('interrupt') }),
    ]),
  }),
};
