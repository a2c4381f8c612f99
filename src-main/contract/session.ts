/** The admin session: who am I, and the console. */
import { z } from 'zod';
import { lineField, nameField, placeField, timeText } from './fields.ts';
import { defineCall, defineState, defineStream } from './kernel.ts';

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
  /** Connections that are open or coming back, for the status bar and the overview. */
  connections: defineState({
    name: 'session.connections',
    value: z.strictObject({
      sessions: z.array(
        z.strictObject({
          id: z.string(),
          ...identity,
          project: z.string(),
          version: z.string(),
          state: z.enum(['connecting', 'connected', 'reconnecting', 'closed']),
          /** When the session logs out by itself unless something is typed. */
          idle_at: timeText.optional(),
          message: z.string().optional(),
        }),
      ),
    }),
  }),
  /** What may stand at the cursor: commands, job ids, sites, studies, transfer folders, file paths on the server. */
  complete: defineCall({
    name: 'session.complete',
    effect: 'read',
    deadlineMs: 10_000,
    places: ['kit'],
    input: z.strictObject({
      kit: placeField,
      line: z.string().max(65_536),
      cursor: z.int().min(0).max(65_536),
    }),
    output: z.strictObject({
      /** The part of the line the candidates replace. */
      from: z.int(),
      candidates: z.array(
        z.strictObject({
          text: z.string(),
          kind: z.enum(['command', 'job', 'site', 'study', 'folder', 'file', 'option']),
          about: z.string().optional(),
        }),
      ),
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
