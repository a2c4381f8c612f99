/** The confidential-computing part of desk.yml: image builder hosts and the key broker (docs/project-files.md). */
import { z } from 'zod';
import { trusteeReleases } from '../kbs/profiles.ts';
import { address, type DeskReach, hostReach, readReach, word } from './desk-fields.ts';
import type { SourcePosition } from './model.ts';

/** A machine that builds confidential VM images; `defaults` already applied. */
export interface DeskBuilder extends DeskReach {
  /** Missing = this machine. */
  ssh?: string;
  /** The image builder there, absolute or below `~`; default: `build_image_cmd` of project.yml. */
  command?: string;
}

/** Trustee releases whose admin interface differs (docs/reference/confidential-computing.md §4.4); `auto` = found out by asking. */
const kbsProfiles = ['auto', ...trusteeReleases] as const;
export type KbsProfile = (typeof kbsProfiles)[number];

/** The Trustee key broker. Only names of secret files, never a secret. */
export interface DeskKbs {
  /** `https://kbs.example.org:8999`, without a path. */
  address: string;
  port: number;
  /** PEM file of the private CA that signed its certificate. */
  ca?: string;
  /** Name in its certificate when it is not the one in the address. */
  serverName?: string;
  /** Ed25519 private key (PEM) that signs admin tokens, up to v0.20. */
  adminKey?: string;
  /** File that holds an admin bearer token, from v0.21. */
  tokenFile?: string;
  profile: KbsProfile;
  /** The Vault behind it, of which only the health is asked. */
  vault?: DeskVault;
  source: SourcePosition;
}

export interface DeskVault {
  /** `https://vault.example.org:8200`, without a path. */
  address: string;
  port: number;
  /** PEM file of the private CA that signed its certificate; default: that of the key broker. */
  ca?: string;
}

/** The port of the documented deployment. */
export const defaultKbsPort = 8999;
const vaultPort = 8200;
const defaultBuilderDirectory = '~/flaredesk-builds';

/** The port of an address; undefined when it is not `http(s)://host[:port]`. */
function portOf(text: string, usualPort: number): number | undefined {
  const found = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?\/?$/.exec(text);
  if (!found) return undefined;
  const port = found[1] === undefined ? usualPort : Number(found[1]);
  return port < 1 || port > 65535 ? undefined : port;
}

const addressOn = (usualPort: number, name: string) =>
  word.refine(
    (text) => portOf(text, usualPort) !== undefined,
    `an address such as https://${name}.example.org:${usualPort}, without a path`,
  );

const addressOf = (written: string, usualPort: number): { address: string; port: number } => ({
  address: written.replace(/\/$/, ''),
  port: portOf(written, usualPort) ?? usualPort,
});

const place = word.regex(/^(\/|~\/)/, 'an absolute path, or one below ~');

export const builderSchema = z
  .strictObject({
    ...hostReach,
    ssh: address.optional(),
    local: z.literal(true, 'true, or left out for a host that is reached by ssh').optional(),
    command: place.optional(),
  })
  .refine((one) => (one.ssh === undefined) !== (one.local === undefined), {
    error: 'a builder with either "ssh: host" or "local: true"',
  });

export const kbsSchema = z
  .strictObject({
    address: addressOn(defaultKbsPort, 'kbs'),
    ca: word.optional(),
    server_name: word.optional(),
    admin_key: word
      .refine(
        (text) => !text.includes('PRIVATE KEY'),
        'the path of the key file; the key itself does not belong here',
      )
      .optional(),
    token_file: word
      .refine(
        (text) => !/^ey[\w-]+\./.test(text),
        'the path of a file; the token itself does not belong here',
      )
      .optional(),
    profile: z.enum(kbsProfiles, `one of ${kbsProfiles.join(', ')}`).optional(),
    vault: addressOn(vaultPort, 'vault').optional(),
    vault_ca: word.optional(),
  })
  .refine((one) => one.admin_key === undefined || one.token_file === undefined, {
    error: 'a key broker with either admin_key or token_file, not both',
  })
  .refine((one) => one.vault !== undefined || one.vault_ca === undefined, {
    error: 'a key broker whose vault_ca stands beside a vault',
  });

export type WrittenBuilder = z.infer<typeof builderSchema>;
export type WrittenKbs = z.infer<typeof kbsSchema>;

/** `defaults` of desk.yml hold for builders as they hold for hosts, except the folder of the kits. */
export function builderOf(
  written: WrittenBuilder,
  defaults: Partial<WrittenBuilder>,
  source: SourcePosition,
): DeskBuilder {
  const own = written.local ? written : { ...defaults, ...written };
  return {
    ...(own.ssh === undefined ? {} : { ssh: own.ssh }),
    ...readReach({ ...own, directory: written.directory ?? defaultBuilderDirectory }),
    command: own.command,
    source,
  };
}

export function kbsOf(written: WrittenKbs, source: SourcePosition): DeskKbs {
  return {
    ...addressOf(written.address, defaultKbsPort),
    ca: written.ca,
    serverName: written.server_name,
    adminKey: written.admin_key,
    tokenFile: written.token_file,
    profile: written.profile ?? 'auto',
    ...(written.vault === undefined
      ? {}
      : {
          vault: {
            ...addressOf(written.vault, vaultPort),
            ca: written.vault_ca ?? written.ca,
          },
        }),
    source,
  };
}
