/** Long work, seen from outside: its record, its flow of events, and the few things one may do to it. */
import { z } from 'zod';
import { errorCodes } from './errors.ts';
import { idField, timeText } from './fields.ts';
import { defineCall, defineState, defineStream } from './kernel.ts';

/**
 * `partly_done`: the task ran to its end, some of its sites failed, the result says which.
 * `interrupted`: the process that ran it died.
 */
export const taskStatuses = [
  'queued',
  'running',
  'waiting_for_user',
  'cancelling',
  'succeeded',
  'partly_done',
  'failed',
  'cancelled',
  'interrupted',
] as const;

export const progressSchema = z.strictObject({
  step: z.string(),
  target: z.string().optional(),
  done: z.number().optional(),
  total: z.number().optional(),
  unit: z.enum(['bytes', 'files', 'sites', 'keys']).optional(),
  message: z.string().optional(),
});

export const errorSchema = z.strictObject({
  code: z.enum(errorCodes),
  message: z.string(),
  hint: z.string().optional(),
  retryable: z.boolean(),
  fields: z
    .array(
      z.strictObject({
        file: z.string().optional(),
        line: z.int().optional(),
        column: z.int().optional(),
        path: z.string().optional(),
        message: z.string(),
        hint: z.string().optional(),
      }),
    )
    .optional(),
});

export const stepSchema = z.strictObject({
  name: z.string(),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'skipped']),
  started_at: timeText.optional(),
  ended_at: timeText.optional(),
});

export const taskSchema = z.strictObject({
  id: z.string(),
  kind: z.string(),
  title: z.string(),
  target: z.string().optional(),
  parent: z.string().optional(),
  status: z.enum(taskStatuses),
  steps: z.array(stepSchema),
  progress: progressSchema.optional(),
  error: errorSchema.optional(),
  result: z.unknown().optional(),
  actions: z.array(z.enum(['cancel', 'retry', 'resume'])),
  created_at: timeText,
  ended_at: timeText.optional(),
});

const byId = z.strictObject({ id: idField });

export const tasks = {
  list: defineCall({
    name: 'tasks.list',
    effect: 'read',
    deadlineMs: 10_000,
    input: z.strictObject({ limit: z.int().positive().max(1000).optional() }),
    output: z.strictObject({ tasks: z.array(taskSchema) }),
  }),
  get: defineCall({
    name: 'tasks.get',
    effect: 'read',
    deadlineMs: 10_000,
    input: byId,
    output: z.strictObject({ task: taskSchema, children: z.array(taskSchema) }),
  }),
  cancel: defineCall({
    name: 'tasks.cancel',
    effect: 'write',
    deadlineMs: 10_000,
    input: byId,
    output: z.strictObject({ status: z.enum(taskStatuses) }),
  }),
  /** Starts the same work again (`retry`), or goes on where its record stops (`resume`). Answers the new task. */
  retry: defineCall({
    name: 'tasks.retry',
    effect: 'write',
    deadlineMs: 10_000,
    input: byId,
    output: z.strictObject({ id: z.string() }),
  }),
  watch: defineStream({
    name: 'tasks.watch',
    input: byId,
    item: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('task'), task: taskSchema }),
      z.strictObject({ kind: z.literal('progress'), id: z.string(), progress: progressSchema }),
    ]),
    up: z.never(),
  }),
  /** The task's own log from its beginning, then live until it ends. */
  log: defineStream({
    name: 'tasks.log',
    input: byId,
    item: z.strictObject({ lines: z.array(z.string()) }),
    up: z.never(),
  }),
  /** The newest tasks, newest first, without their results. */
  recent: defineState({ name: 'tasks.recent', value: z.strictObject({ tasks: z.array(taskSchema) }) }),
};
