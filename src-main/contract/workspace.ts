/** The open project as one picture: every participant at every stage, each cell with the time it was last known. */
import { z } from 'zod';
import { idField, nameField, placeField, timeText } from './fields.ts';
import { defineCall, defineState } from './kernel.ts';
import { placeSchema } from './places.ts';

/** What the last look said. `unknown` is never shown as healthy. */
export const stageSchema = z.strictObject({
  state: z.enum(['ok', 'busy', 'warn', 'bad', 'unknown']),
  /** A short word for the cell: `prod_03`, `running`, `unreachable`. */
  text: z.string(),
  /** When it was last known. */
  at: timeText.optional(),
  /** Since when it is so (running since). */
  since: timeText.optional(),
  /** What happened and what to do, for the detail. */
  message: z.string().optional(),
  hint: z.string().optional(),
  /** The task that works on it, or that found it. */
  task: z.string().optional(),
});

export const hostSchema = z.strictObject({
  ssh: z.string(),
  user: z.string().optional(),
  port: z.int().optional(),
  identity: z.string().optional(),
  via: z.string().optional(),
  directory: z.string().optional(),
  host_key: z.string().optional(),
  path: z.array(z.string()).optional(),
});

export const workspaceParticipantSchema = z.strictObject({
  name: z.string(),
  type: z.enum(['server', 'client', 'relay', 'admin']),
  org: z.string(),
  role: z.string().optional(),
  host: hostSchema.optional(),
  problems: z.int(),
  kit: stageSchema.optional(),
  /** Runs in a confidential VM: an image of it is built, delivered and started instead of its kit. */
  confidential: z.boolean().optional(),
  image: stageSchema.optional(),
  /** For opening the kit: inspect, verify, console. */
  kit_place: placeSchema.optional(),
  certificate_days_left: z.int().optional(),
  reachable: stageSchema.optional(),
  delivered: stageSchema.optional(),
  running: stageSchema.optional(),
  connected: stageSchema.optional(),
});

export const openProjectSchema = z.strictObject({
  /** `project`: project.yml (and kits); `workspace`: kits of an existing provisioning run without a project file; `kit`: one admin kit. */
  kind: z.enum(['project', 'workspace', 'kit']),
  name: z.string(),
  /** The folder as text, for reading only. */
  label: z.string(),
  /** `project.yml`; missing for `workspace` and `kit`. */
  file: placeSchema.optional(),
  flare: z.string(),
  state: z.enum(['ok', 'missing', 'unreadable', 'read_only', 'newer_version', 'changed_outside']),
  message: z.string().optional(),
  errors: z.int(),
  warnings: z.int(),
  participants: z.array(workspaceParticipantSchema),
  /** The newest run: `prod_03`; missing before the first. */
  prod: z.string().optional(),
  /** Address of the key broker that desk.yml names. */
  key_broker: z.string().optional(),
  /** What needs attention now, worst first. `target` is a participant, `targets` several with the same; `action` what the window offers. */
  attention: z.array(
    z.strictObject({
      severity: z.enum(['bad', 'warn', 'info']),
      message: z.string(),
      target: z.string().optional(),
      targets: z.array(z.string()).optional(),
      action: z
        .enum(['edit_project', 'provision', 'deliver', 'start', 'check', 'reissue', 'reload'])
        .optional(),
      task: z.string().optional(),
    }),
  ),
});

export const workspace = {
  current: defineState({
    name: 'workspace.current',
    value: z.strictObject({
      open: openProjectSchema.nullable(),
      recent: z.array(
        z.strictObject({
          id: z.string(),
          name: z.string(),
          label: z.string(),
          kind: z.enum(['project', 'workspace', 'kit']),
          opened_at: timeText,
          available: z.boolean(),
        }),
      ),
    }),
  }),
  /** Opens `project.yml`, a folder that holds one, a workspace made by `nvflare provision`, or a lone admin kit. */
  open: defineCall({
    name: 'workspace.open',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['place'],
    input: z.strictObject({ place: placeField }),
    output: z.strictObject({ name: z.string(), kind: z.enum(['project', 'workspace', 'kit']) }),
  }),
  openRecent: defineCall({
    name: 'workspace.open_recent',
    effect: 'read',
    deadlineMs: 60_000,
    input: z.strictObject({ id: idField }),
    output: z.strictObject({ name: z.string(), kind: z.enum(['project', 'workspace', 'kit']) }),
  }),
  forgetRecent: defineCall({
    name: 'workspace.forget_recent',
    effect: 'write',
    deadlineMs: 10_000,
    input: z.strictObject({ id: idField }),
    output: z.strictObject({}),
  }),
  close: defineCall({
    name: 'workspace.close',
    effect: 'read',
    deadlineMs: 10_000,
    input: z.strictObject({}),
    output: z.strictObject({}),
  }),
  /** Reads the project's files again (also after "changed outside"). */
  reload: defineCall({
    name: 'workspace.reload',
    effect: 'read',
    deadlineMs: 60_000,
    input: z.strictObject({}),
    output: z.strictObject({}),
  }),
  /** Log of one participant on its host: the last lines as they are there. */
  siteLog: defineCall({
    name: 'workspace.site_log',
    effect: 'read',
    deadlineMs: 60_000,
    input: z.strictObject({ participant: nameField, lines: z.int().positive().max(100_000).optional() }),
    output: z.strictObject({ path: z.string(), text: z.string(), truncated: z.boolean() }),
  }),
};
