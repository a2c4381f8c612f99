/** User-data drives of confidential VMs: on this machine, or on a site's host (`site` with `host_path`). */
import { z } from 'zod';
import { nameField, placeField } from './fields.ts';
import { defineTask } from './kernel.ts';

const gigabytesField = z.number().min(0.008).max(65_536);
const innerPathField = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[^\0\r\n]*$/, 'a path is one line');
/** Which drive: `drive` here, or `host_path` on the host that desk.yml beside `file` names for `site`. */
const where = {
  drive: placeField.optional(),
  file: placeField.optional(),
  site: nameField.optional(),
  host_path: innerPathField.optional(),
};
const placesOfDrive = ['drive', 'file'] as const;
/** `drive`: the base name of one here, the path of one on a host. */
const changed = z.strictObject({ drive: z.string(), on: z.string() });

const mount = {
  /** `host:/path`; IPv6 in brackets. */
  nfs: z.string().min(1).max(1024),
  /** Whose VM mounts it: the cc_config says which ports are open. Default: `site`. */
  participant: nameField.optional(),
};
/** From where it was tried; the VM may see another network. A port that could not be tried is left out. */
const reachedPorts = z.array(z.strictObject({ port: z.int(), reached: z.boolean() }));

export const userData = {
  create: defineTask({
    name: 'user_data.create',
    effect: 'write',
    places: [...placesOfDrive, 'folder'],
    input: z.strictObject({
      ...where,
      /** What goes onto the drive: a folder here, or with `site` `host_folder` there. */
      folder: placeField.optional(),
      host_folder: innerPathField.optional(),
      /** GiB. */
      size: gigabytesField,
    }),
    output: changed,
  }),
  resize: defineTask({
    name: 'user_data.resize',
    effect: 'write',
    places: placesOfDrive,
    input: z.strictObject({ ...where, size: gigabytesField }),
    output: changed,
  }),
  put: defineTask({
    name: 'user_data.put',
    effect: 'write',
    places: [...placesOfDrive, 'source'],
    input: z.strictObject({ ...where, source: placeField, name: nameField.optional() }),
    output: changed,
  }),
  mountConf: defineTask({
    name: 'user_data.mount_conf',
    effect: 'write',
    places: placesOfDrive,
    input: z.strictObject({
      ...where,
      ...mount,
      /** Also when it is known that the VM will not reach the server. */
      anyway: z.boolean().optional(),
    }),
    output: changed.extend({
      /** What must hold beside the file, and what is known not to. */
      warnings: z.array(z.string()),
      reached: reachedPorts,
    }),
  }),
  /** What stands against an export, before anything is written. Touches no drive. */
  checkMount: defineTask({
    name: 'user_data.check_mount',
    effect: 'read',
    places: ['file'],
    input: z.strictObject({ file: placeField.optional(), site: nameField.optional(), ...mount }),
    output: z.strictObject({
      host: z.string(),
      path: z.string(),
      /** The one line of `ext_mount.conf`. */
      line: z.string(),
      /** A line of `/etc/exports` on the NFS server that serves it. */
      exports_line: z.string(),
      /** `problem`: the mount will fail; it is written only when asked to do so anyway. */
      findings: z.array(
        z.strictObject({
          severity: z.enum(['problem', 'warning', 'note', 'ok']),
          message: z.string(),
          hint: z.string().optional(),
        }),
      ),
      /** `this machine`, or the site whose host tried it. */
      from: z.string(),
      reached: reachedPorts,
    }),
  }),
  list: defineTask({
    name: 'user_data.list',
    effect: 'read',
    places: placesOfDrive,
    input: z.strictObject({ ...where, path: innerPathField.optional() }),
    output: z.strictObject({
      entries: z.array(
        z.strictObject({
          name: z.string(),
          kind: z.enum(['file', 'folder', 'link', 'other']),
          size: z.number(),
        }),
      ),
    }),
  }),
  read: defineTask({
    name: 'user_data.read',
    effect: 'read',
    places: placesOfDrive,
    input: z.strictObject({ ...where, path: innerPathField }),
    output: z.strictObject({ bytes: z.int(), base64: z.string() }),
  }),
};
