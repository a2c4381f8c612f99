/** Images of confidential participants: built one at a time per builder host, followed, kept in `prod_NN/<site>/<site>.tgz`. */
import { z } from 'zod';
import { idField, nameField, namesField, placeField, timeText } from './fields.ts';
import { defineCall, defineState, defineStream, defineTask } from './kernel.ts';
import { placeSchema } from './places.ts';
import { projectInput } from './projects.ts';
import { errorSchema } from './tasks.ts';

const prodField = z.string().regex(/^(prod_)?\d{1,6}$/, 'a run is named prod_NN or NN');

export const buildStateSchema = z.enum([
  'queued',
  'checking',
  'waiting',
  'sending',
  'building',
  'fetching',
  'verifying',
  'built',
  'failed',
  'cancelled',
  'interrupted',
]);

const leftOverSchema = z.strictObject({
  kind: z.enum(['process', 'nbd', 'luks']),
  name: z.string(),
  /** What puts it away; nothing of this is done by itself. */
  command: z.string(),
  /** False: it appeared while the build ran, but may belong to something else. */
  certain: z.boolean(),
});

export const buildSchema = z.strictObject({
  /** Missing: nothing was built yet for this participant. */
  id: z.string().optional(),
  site: z.string(),
  prod: z.string(),
  state: buildStateSchema.or(z.literal('none')),
  host: z.string().optional(),
  /** As its log says it: `root_drive`, `user_config`, `encrypt`, `measure`, `policy`, `pack`. */
  stage: z.string().optional(),
  /** Why it waits, what is odd. */
  note: z.string().optional(),
  queued_at: timeText.optional(),
  started_at: timeText.optional(),
  ended_at: timeText.optional(),
  /** `from`: how many earlier builds it comes from; 0 = the guide's figure. */
  expected: z.strictObject({ seconds: z.number(), from: z.int() }).optional(),
  /** Bytes of the result fetched so far. */
  fetched: z.strictObject({ done: z.number(), total: z.number() }).optional(),
  error: errorSchema.optional(),
  left_overs: z.array(leftOverSchema).optional(),
  archive: z
    .strictObject({
      place: placeSchema,
      bytes: z.number(),
      sha256: z.string().optional(),
      notes: z.array(z.string()),
      /** Where the builder left its own copy. */
      on_builder: z.string().optional(),
    })
    .optional(),
  task: z.string().optional(),
  actions: z.array(z.enum(['cancel', 'retry', 'resume', 'build'])),
});

const builderSchema = z.strictObject({
  name: z.string(),
  /** Missing: this machine. */
  ssh: z.string().optional(),
  command: z.string(),
  directory: z.string(),
});

export const builds = {
  /**
   * Builds the images of a run. Images that are there already are left alone; builds that an earlier run of the program
   * began are found on their hosts and followed.
   */
  run: defineTask({
    name: 'builds.run',
    effect: 'write',
    places: ['file', 'add_clients', 'add_users', 'workspace'],
    input: z.strictObject({
      ...projectInput,
      workspace: placeField.optional(),
      prod: prodField.optional(),
      only: namesField.optional(),
      /** Builder hosts of desk.yml to use; all when missing. */
      on: namesField.optional(),
      /** Build again what has been begun or finished; a finished one needs its kit. */
      anew: z.boolean().optional(),
      /** Also on hosts where virtual machines run: image builders may end them. */
      allow_running_vms: z.boolean().optional(),
    }),
    output: z.strictObject({ prod: z.string(), images: z.array(buildSchema) }),
  }),
  list: defineCall({
    name: 'builds.list',
    effect: 'read',
    deadlineMs: 60_000,
    places: ['file', 'add_clients', 'add_users', 'workspace'],
    input: z.strictObject({ ...projectInput, workspace: placeField.optional(), prod: prodField.optional() }),
    output: z.strictObject({
      prod: z.string().optional(),
      builders: z.array(builderSchema),
      builds: z.array(buildSchema),
    }),
  }),
  /** Ends a build, in this program or, when whoever followed it is gone, on its host. */
  cancel: defineCall({
    name: 'builds.cancel',
    effect: 'write',
    deadlineMs: 60_000,
    places: ['file'],
    input: z.strictObject({ file: placeField, site: nameField, prod: prodField.optional() }),
    output: z.strictObject({
      site: z.string(),
      state: buildStateSchema,
      left_overs: z.array(leftOverSchema),
    }),
  }),
  /** The builds of the open project's newest run. */
  board: defineState({
    name: 'builds.board',
    value: z.strictObject({
      prod: z.string().optional(),
      builders: z.array(builderSchema),
      builds: z.array(buildSchema),
      /** Why nothing can be built: no packager, a project with errors. */
      problem: z.string().optional(),
    }),
  }),
  /** A build's output from its beginning, then live. */
  log: defineStream({
    name: 'builds.log',
    input: z.strictObject({ id: idField }),
    item: z.strictObject({
      lines: z.array(
        z.strictObject({
          at: timeText,
          from: z.enum(['stdout', 'stderr', 'desk']),
          text: z.string(),
        }),
      ),
    }),
    up: z.never(),
  }),
};
