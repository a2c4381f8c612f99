/** The field types inputs are made of. Each has a cap, so that no caller can hand over more than the work needs. */
import { z } from 'zod';

/** A path on this machine (Linux's PATH_MAX). */
export const placeField = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[^\0]*$/, 'a path holds no NUL');
/** A participant, job folder, user or host name. */
export const nameField = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\0\r\n]*$/, 'a name is one line');
/** A FLARE version as people write it: 2.8.1, 2.8. */
export const flareVersionField = z.string().min(1).max(32);
/** One line for the server's command line. */
export const lineField = z
  .string()
  .min(1)
  .max(65_536)
  .regex(/^[^\0\r\n]*$/, 'a command is one line');
export const idField = z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/);
export const namesField = z.array(nameField).max(1000);
const hostKeyField = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a host key is named SHA256:… as ssh-keygen -l prints it');
/** Host (`host` or `[host]:port`) or participant → the host key a person accepts for first contact. */
export const hostKeysField = z
  .record(nameField, hostKeyField)
  .refine((keys) => Object.keys(keys).length <= 1000, 'at most 1000 host keys');
export const placesField = z.array(placeField).max(1000);

/** Text in answers: not capped, main wrote it. */
export const timeText = z.iso.datetime();
