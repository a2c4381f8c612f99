/**
 * Editing a project. A draft is the text of `project.yml` and `desk.yml`, held and saved by main at every step, so that a
 * wizard left half-way is there again. A form is a view on these texts: each change is an operation that keeps comments,
 * order and everything the form does not know.
 */
import { z } from 'zod';
import { nameField, placeField } from './fields.ts';
import { findingSchema } from './finding.ts';
import { defineCall, defineState } from './kernel.ts';
import { placeSchema } from './places.ts';

const textField = z.string().max(5_000_000);
const valueField: z.ZodType = z.json();

/** Which of the draft's files: `cc:NAME` is a confidential-computing file that a participant names. */
export const draftFileField = z.union([
  z.enum(['project', 'desk']),
  z.templateLiteral(['cc:', z.string().min(1).max(255)]),
]);

/** Step by step into a mapping: `['participants', 2, 'org']`. */
const pathField = z.array(z.union([z.string().max(255), z.int().min(0).max(100_000)])).max(20);

export const draftOperationSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('set'), file: draftFileField, path: pathField, value: valueField }),
  z.strictObject({ op: z.literal('unset'), file: draftFileField, path: pathField }),
  /** Makes a list say this: entries that are equal stay as they are written, with their comments. */
  z.strictObject({
    op: z.literal('set_list'),
    file: draftFileField,
    path: pathField,
    value: z.array(valueField).max(10_000),
  }),
  /** Gives a key another name; its value and comments stay. */
  z.strictObject({
    op: z.literal('rename_key'),
    file: draftFileField,
    path: pathField,
    key: z.string().min(1).max(255),
  }),
  /** Names a confidential-computing file for a server or client, made from a commented example unless it is there. */
  z.strictObject({
    op: z.literal('enable_cc'),
    name: nameField,
    environment: z.enum(['onprem_cvm', 'mock', 'azure_cvm', 'azure_confidential_container']).optional(),
    docker_archive: z.string().min(1).max(4096).optional(),
    check_frequency: z.int().min(1).max(1_000_000).optional(),
    kbs_port: z.int().min(1).max(65_535).optional(),
    /** Python classes. */
    issuers: z.array(z.string().max(255)).max(20).optional(),
  }),
  /** The participant names no confidential-computing file any more; the file itself stays. */
  z.strictObject({ op: z.literal('disable_cc'), name: nameField }),
  z.strictObject({
    op: z.literal('add_participant'),
    participant: z.record(z.string().max(255), valueField),
  }),
  /** Rewrites the given keys of one participant (null removes a key); a new `name` renames it in `desk.yml` too. */
  z.strictObject({
    op: z.literal('change_participant'),
    name: nameField,
    changes: z.record(z.string().max(255), valueField),
  }),
  z.strictObject({ op: z.literal('remove_participant'), name: nameField }),
  z.strictObject({
    op: z.literal('set_host'),
    name: nameField,
    host: z.record(z.string().max(255), valueField).nullable(),
  }),
]);
export type DraftOperation = z.input<typeof draftOperationSchema>;

export const draftParticipantSchema = z.strictObject({
  name: z.string(),
  type: z.string(),
  org: z.string(),
  /** Every key as written in `project.yml`. */
  properties: z.record(z.string(), z.unknown()),
  /** Its entry in `desk.yml`, as written. */
  host: z.record(z.string(), z.unknown()).optional(),
  /** Its confidential-computing file; `own` = edited in this draft. */
  cc: z
    .strictObject({
      file: z.string(),
      own: z.boolean(),
      /** Missing while the file does not parse. */
      values: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
});

export const draftSchema = z.strictObject({
  id: z.string(),
  /** Rises with every change; an edit names the one it builds on. */
  revision: z.int(),
  kind: z.enum(['new', 'edit']),
  label: z.string(),
  /** Where the person left the wizard. */
  step: z.string(),
  files: z.strictObject({
    project: z.strictObject({ text: z.string(), base: z.string() }),
    desk: z.strictObject({ text: z.string(), base: z.string() }),
    cc: z.array(z.strictObject({ name: z.string(), text: z.string(), base: z.string() })),
  }),
  /** What the texts say; missing while one of them does not parse. */
  model: z
    .strictObject({
      name: z.string(),
      description: z.string(),
      flare: z.string(),
      participants: z.array(draftParticipantSchema),
      defaults: z.record(z.string(), z.unknown()),
      /** What the project as a whole says about confidential computing. */
      confidential: z.strictObject({
        has_builder: z.boolean(),
        has_packager: z.boolean(),
        build_image_cmd: z.string(),
        builders: z.record(z.string(), z.unknown()),
        kbs: z.record(z.string(), z.unknown()),
      }),
    })
    .optional(),
  findings: z.array(findingSchema),
  can_undo: z.boolean(),
  can_redo: z.boolean(),
  /** Set when another program changed the file on disk since this draft began. */
  conflict: z
    .strictObject({
      project: z.string().optional(),
      desk: z.string().optional(),
      cc: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
});

export const issuerSchema = z.strictObject({
  path: z.string(),
  usual_id: z.string(),
  title: z.string(),
  proves: z.string(),
  environments: z.array(z.string()),
  packages: z.array(z.string()),
  remark: z.string().optional(),
  args: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(['text', 'count', 'seconds']),
      required: z.boolean(),
      fallback: z.union([z.string(), z.number()]).optional(),
      choices: z.array(z.string()).optional(),
      about: z.string(),
    }),
  ),
});

/**
 * What the site wizard asks for one participant and its host. A first check while typing; the rules that decide are
 * main's (the draft's findings).
 */
export const siteFormSchema = z.object({
  name: z
    .string()
    .min(1, 'A name is needed')
    .max(64, 'A name has at most 64 characters')
    .regex(
      /^[A-Za-z0-9_.@%+-]+$/,
      'Letters, digits, hyphen and underscore (dots for a server, an address for an admin)',
    ),
  org: z.string().regex(/^[A-Za-z0-9_]+$/, 'Letters, digits and underscore'),
  role: z.enum(['project_admin', 'org_admin', 'lead', 'member']).optional(),
  connect_to: z.string().max(255).optional(),
  fed_learn_port: z.int('A port is a number').min(1, 'From 1').max(65_535, 'Up to 65535').optional(),
  admin_port: z.int('A port is a number').min(1, 'From 1').max(65_535, 'Up to 65535').optional(),
  host_names: z.string().max(4096).optional(),
  ssh: z.string().max(255).optional(),
  user: z.string().max(64).optional(),
  port: z.int('A port is a number').min(1, 'From 1').max(65_535, 'Up to 65535').optional(),
  identity: z.string().max(4096).optional(),
  via: z.string().max(255).optional(),
  directory: z
    .string()
    .max(4096)
    .regex(/^(\/|~)/, 'An absolute folder on the host')
    .or(z.literal(''))
    .optional(),
  host_key: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'SHA256:… as "ssh-keygen -l" prints it')
    .or(z.literal(''))
    .optional(),
  path: z.string().max(4096).optional(),
  chip_id: z
    .string()
    .regex(
      /^(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{16})$/,
      '128 hex digits, or 16 where only part of the id is shown',
    )
    .or(z.literal(''))
    .optional(),
});
export type SiteForm = z.infer<typeof siteFormSchema>;

const changed = z.strictObject({ revision: z.int() });

export const drafts = {
  /** The draft of the open project, or of the new one; null when nothing is edited. */
  current: defineState({ name: 'drafts.current', value: z.strictObject({ draft: draftSchema.nullable() }) }),
  beginNew: defineCall({
    name: 'drafts.begin_new',
    effect: 'write',
    deadlineMs: 30_000,
    places: ['directory'],
    input: z.strictObject({
      directory: placeField,
      name: z.string().min(1).max(63),
      flare: z.enum(['2.7.2', '2.8.1']),
    }),
    output: z.strictObject({ id: z.string() }),
  }),
  /** Edits the open project; an unfinished draft of it is taken up again. */
  begin: defineCall({
    name: 'drafts.begin',
    effect: 'write',
    deadlineMs: 30_000,
    input: z.strictObject({}),
    output: z.strictObject({ id: z.string(), resumed: z.boolean() }),
  }),
  edit: defineCall({
    name: 'drafts.edit',
    effect: 'write',
    deadlineMs: 30_000,
    input: z.strictObject({ revision: z.int(), operations: z.array(draftOperationSchema).min(1).max(2000) }),
    output: changed,
  }),
  setText: defineCall({
    name: 'drafts.set_text',
    effect: 'write',
    deadlineMs: 30_000,
    input: z.strictObject({ revision: z.int(), file: draftFileField, text: textField }),
    output: changed,
  }),
  setStep: defineCall({
    name: 'drafts.set_step',
    effect: 'write',
    deadlineMs: 10_000,
    input: z.strictObject({ step: z.string().max(64) }),
    output: z.strictObject({}),
  }),
  undo: defineCall({
    name: 'drafts.undo',
    effect: 'write',
    deadlineMs: 10_000,
    input: z.strictObject({ direction: z.enum(['undo', 'redo']) }),
    output: changed,
  }),
  /** Sites from CSV: a header row with `name`, `org` and any of the known columns. Answers what each row became. */
  importCsv: defineCall({
    name: 'drafts.import_csv',
    effect: 'write',
    deadlineMs: 60_000,
    input: z.strictObject({ revision: z.int(), text: textField, apply: z.boolean() }),
    output: z.strictObject({
      rows: z.array(
        z.strictObject({
          line: z.int(),
          name: z.string(),
          action: z.enum(['add', 'change', 'same', 'refused']),
          message: z.string().optional(),
        }),
      ),
      revision: z.int(),
    }),
  }),
  exportCsv: defineCall({
    name: 'drafts.export_csv',
    effect: 'read',
    deadlineMs: 30_000,
    input: z.strictObject({}),
    output: z.strictObject({ text: z.string() }),
  }),
  /** The attesters NVFlare has, with their arguments: what a form can offer. */
  issuers: defineCall({
    name: 'drafts.issuers',
    effect: 'read',
    deadlineMs: 10_000,
    input: z.strictObject({}),
    output: z.strictObject({ issuers: z.array(issuerSchema) }),
  }),
  /** Writes the files (atomically) and opens the project. Refused with `conflict` when the disk changed, unless told what to keep. */
  save: defineCall({
    name: 'drafts.save',
    effect: 'write',
    deadlineMs: 30_000,
    input: z.strictObject({ keep: z.enum(['mine', 'disk']).optional() }),
    output: z.strictObject({ file: placeSchema }),
  }),
  discard: defineCall({
    name: 'drafts.discard',
    effect: 'write',
    deadlineMs: 10_000,
    input: z.strictObject({}),
    output: z.strictObject({}),
  }),
  /** What saving and provisioning this draft would do, without touching anything. */
  plan: defineCall({
    name: 'drafts.plan',
    effect: 'read',
    deadlineMs: 120_000,
    input: z.strictObject({}),
    output: z.strictObject({
      create: z.array(z.string()),
      reuse: z.array(z.string()),
      changed: z.array(z.strictObject({ participant: z.string(), why: z.string() })),
      next: z.string(),
    }),
  }),
};
