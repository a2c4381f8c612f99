/** What a key broker holds beside its policy: reference values, and resources (secrets) of which only the path is ever shown. */
import { z } from 'zod';
import { placeField, timeText } from './fields.ts';
import { brokerOfFile as file, releaseField, typedName, writeDeadlineMs } from './kbs-fields.ts';
import { defineCall } from './kernel.ts';

const part = '[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}';
/** `repository/type/tag`. */
const resourcePath = z
  .string()
  .regex(new RegExp(`^${part}/${part}/${part}$`), 'a resource is named repository/type/tag');
const referenceName = z
  .string()
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,254}$/, 'a reference value has a name of letters, digits and _.:-');
const referenceText = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[\x20-\x7e]*$/, 'a reference value is printable text');

const onResource = { file, path: resourcePath, confirm: typedName };
const resourceChange = z.strictObject({
  path: z.string(),
  at: timeText,
  /** Whose disk key this is. */
  participant: z.string().nullable(),
});

export const kbsHoldings = {
  /** Up to v0.15 all of them; from v0.16 the named ones and those registered from here. */
  referenceRead: defineCall({
    name: 'kbs.reference_read',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['file'],
    input: z.strictObject({ file, names: z.array(referenceName).max(100).optional() }),
    output: z.strictObject({
      release: releaseField,
      /** True: these are all. False: the release answers for a name only. */
      complete: z.boolean(),
      values: z.array(
        z.strictObject({
          name: z.string(),
          /** JSON as the key broker answers it; null: none of this name is there. */
          value: z.string().nullable(),
          registered_at: timeText.nullable(),
        }),
      ),
    }),
  }),
  /** Replaces what stands under the name: by these values, or by the measurements of the project's images. */
  referenceRegister: defineCall({
    name: 'kbs.reference_register',
    effect: 'write',
    deadlineMs: writeDeadlineMs,
    places: ['file'],
    input: z.strictObject({
      file,
      name: referenceName,
      values: z.array(referenceText).max(1000).optional(),
      from_images: z.boolean().optional(),
      confirm: typedName,
    }),
    output: z.strictObject({
      name: z.string(),
      /** False: these values stood there already. */
      changed: z.boolean(),
      before: z.string().nullable(),
      /** As read back. */
      after: z.string(),
      at: timeText,
      /** Images whose measurement is not known, and why. */
      left_out: z.array(z.strictObject({ participant: z.string(), reason: z.string() })),
    }),
  }),
  /** Paths known from the counters, from this computer's own writes, and from the images. Never a content. */
  resourceList: defineCall({
    name: 'kbs.resource_list',
    effect: 'read',
    deadlineMs: 120_000,
    places: ['file'],
    input: z.strictObject({ file }),
    output: z.strictObject({
      release: releaseField.nullable(),
      /** Whether the release can delete one. */
      deletes: z.boolean(),
      /** Null: no counters were answered. */
      counted_at: timeText.nullable(),
      resources: z.array(
        z.strictObject({
          path: z.string(),
          participant: z.string().nullable(),
          /** Since the key broker started; null: not counted. */
          reads: z.number().nullable(),
          writes: z.number().nullable(),
          /** What was last done from here. */
          done: z
            .strictObject({
              what: z.enum(['put', 'deleted']),
              at: timeText,
              actor: z.string(),
              size: z.number().nullable(),
            })
            .nullable(),
        }),
      ),
    }),
  }),
  resourcePut: defineCall({
    name: 'kbs.resource_put',
    effect: 'write',
    deadlineMs: writeDeadlineMs,
    places: ['file', 'content'],
    /** `content`: the file whose bytes become the resource. */
    input: z.strictObject({ ...onResource, content: placeField }),
    output: resourceChange.extend({ size: z.number() }),
  }),
  resourceDelete: defineCall({
    name: 'kbs.resource_delete',
    effect: 'write',
    deadlineMs: writeDeadlineMs,
    places: ['file'],
    input: z.strictObject(onResource),
    output: resourceChange,
  }),
};
