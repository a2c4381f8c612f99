/** Fields that several parts of desk.yml share, each with a message that completes "must be …". */
import { z } from 'zod';
import type { SourcePosition } from './model.ts';

const hostKeyForm = /^SHA256:[A-Za-z0-9+/]{43}=?$/;

export const word = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'no control characters here');
const login = word.regex(/^[^\s@-][^\s@]*$/, 'a login name, such as flare');
export const address = word.regex(/^[^\s-]\S*$/, 'a host name, an address, or a Host of ~/.ssh/config');
const port = z
  .int('a port from 1 to 65535')
  .min(1, 'a port from 1 to 65535')
  .max(65535, 'a port from 1 to 65535');
const folder = word.regex(/^(\/|~(\/|$))/, 'an absolute path, or one below ~');
const folders = z.union([word.transform((one) => [one]), z.array(word)], 'a folder or a list of folders');
const hostKey = z
  .string()
  .regex(hostKeyForm, 'a fingerprint as ssh-keygen -l prints it: "SHA256:" and 43 characters');

export const count = (most: number) =>
  z
    .int(`a whole number from 1 to ${most}`)
    .min(1, `a whole number from 1 to ${most}`)
    .max(most, `a whole number from 1 to ${most}`);

/** How hosts are reached, as `defaults` may say it. */
export const reach = {
  user: login.optional(),
  port: port.optional(),
  identity: word.optional(),
  passphrase_file: word.optional(),
  via: word.optional(),
  directory: folder.optional(),
  path: folders.optional(),
};

/** How one host is reached; the same for participants and image builders. */
export const hostReach = { ...reach, host_key: hostKey.optional() };

/** What `hostReach` is read into; `defaults` already applied, paths as written. */
export interface DeskReach {
  user?: string;
  port?: number;
  identity?: string;
  passphraseFile?: string;
  /** `SHA256:…` of the only host key that is accepted. */
  hostKey?: string;
  via?: string;
  /** Where kits, bundles or builds are kept there. */
  directory: string;
  /** Folders put before PATH when something is started there. */
  path: string[];
  source: SourcePosition;
}

export const readReach = (
  written: z.infer<z.ZodObject<typeof hostReach>> & { directory: string },
): Omit<DeskReach, 'source'> => ({
  user: written.user,
  port: written.port,
  identity: written.identity,
  passphraseFile: written.passphrase_file,
  hostKey: written.host_key?.replace(/=$/, ''),
  via: written.via,
  directory: written.directory,
  path: written.path ?? [],
});
