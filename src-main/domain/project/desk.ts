/** `desk.yml`: what NVFlare's own files have no place for (docs/project-files.md). Pure: text in, settings and findings out. */
import { z } from 'zod';
import type { Finding } from '../../contract/finding.ts';
import { address, count, hostReach, reach, readReach, word, type DeskReach } from './desk-fields.ts';
import { builderOf, builderSchema, kbsOf, kbsSchema } from './desk-services.ts';
import type { DeskBuilder, DeskKbs } from './desk-services.ts';
import { flareLineOf } from './flare-line.ts';
import type { FlareLine } from './model.ts';
import { nearest } from './near-miss.ts';
import { positionOf, shorten, toPlain } from './yaml/node.ts';
import type { YamlNode } from './yaml/node.ts';
import { fieldPathText, nodeAt } from './yaml/path.ts';

/** Where one participant runs; `defaults` already applied, paths as written. */
export interface DeskHost extends DeskReach {
  ssh: string;
  /** The processor this site must run on, in lower case; a report of another one is an alarm. */
  chipId?: string;
  /** NFS server of the site's external user data; asked for from its host. */
  nfs?: string;
}

export interface DeskSettings {
  flare?: FlareLine;
  /** As written; relative paths count from the folder of desk.yml. */
  project: string;
  workspace: string;
  hosts: Map<string, DeskHost>;
  transfer: { channels: number; parallel: number; bytesPerSecond?: number };
  /** Machines that build images, in file order. */
  builders: Map<string, DeskBuilder>;
  kbs?: DeskKbs;
}

export const deskDefaults = {
  project: 'project.yml',
  workspace: 'workspace',
  directory: '~/flare',
  channels: 10,
  parallel: 4,
} as const;

const bandwidthForm = /^(\d+(?:\.\d+)?)\s*([kKMG]?)(i?)(B|bit)\/s$/;

/** "50MB/s", "800Mbit/s", "1.5GiB/s" -> bytes per second; undefined when it is none of these. */
export function parseBandwidth(text: string): number | undefined {
  const found = bandwidthForm.exec(text.trim());
  if (!found) return undefined;
  const power = ['', 'k', 'm', 'g'].indexOf((found[2] ?? '').toLowerCase());
  const bytes = (Number(found[1]) * (found[3] ? 1024 : 1000) ** power) / (found[4] === 'bit' ? 8 : 1);
  return bytes >= 1 ? Math.floor(bytes) : undefined;
}

/** 64 bytes of the processor that an attestation report names; 16 hex digits where only part of it is shown. */
const chipId = z
  .string()
  .regex(
    /^(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{16})$/,
    'a chip id of 128 (or, on newer processors, 16) hex digits',
  );

const hostSchema = z.strictObject({
  ssh: address,
  ...hostReach,
  chip_id: chipId.optional(),
  nfs: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/, 'the name or address of an NFS server')
    .optional(),
});

const deskSchema = z.strictObject({
  version: z.literal(1, 'the number 1'),
  flare: z.string('a version in quotes, such as "2.8.1"').optional(),
  project: word.optional(),
  workspace: word.optional(),
  defaults: z.strictObject(reach).nullish(),
  hosts: z.record(z.string(), hostSchema, 'a mapping: participant name -> { ssh: … }').nullish(),
  transfer: z
    .strictObject({
      channels: count(64).optional(),
      parallel: count(64).optional(),
      bandwidth: z
        .string('a rate such as 50MB/s')
        .refine((text) => parseBandwidth(text) !== undefined, 'a rate such as 50MB/s or 400Mbit/s')
        .optional(),
    })
    .nullish(),
  builders: z.record(z.string(), builderSchema, 'a mapping: name -> { ssh: …, command: … }').nullish(),
  kbs: kbsSchema.nullish(),
});

const hostWords = Object.keys(hostSchema.shape);
const knownWords = [
  ...Object.keys(deskSchema.shape),
  ...hostWords,
  ...Object.keys(builderSchema.shape),
  ...Object.keys(kbsSchema.shape),
  'channels',
  'parallel',
  'bandwidth',
];

export function readDesk(root: YamlNode): { desk?: DeskSettings; findings: Finding[] } {
  const findings: Finding[] = [];
  const plain = toPlain(root);
  const version = (plain as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > 1) {
    findings.push({
      severity: 'error',
      code: 'desk_newer_version',
      message: `desk.yml has version ${version}: a newer version of FLARE Desk wrote it, this one reads version 1.`,
      hint: 'Open the project with that version, or set "version: 1" if you wrote the file by hand.',
      ...positionOf(nodeAt(root, ['version'])),
      path: 'version',
    });
    return { findings };
  }
  const parsed = deskSchema.safeParse(plain);
  if (!parsed.success) {
    findings.push(...parsed.error.issues.flatMap((issue) => issueFindings(root, issue)));
    return { findings };
  }
  const { flare, project, workspace, defaults, hosts, transfer, builders, kbs } = parsed.data;
  let line: FlareLine | undefined;
  try {
    line = flare === undefined ? undefined : flareLineOf(flare);
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    findings.push({
      severity: 'error',
      code: 'flare_unsupported',
      message,
      hint,
      ...positionOf(nodeAt(root, ['flare'])),
      path: 'flare',
    });
    return { findings };
  }
  const rate = transfer?.bandwidth === undefined ? undefined : parseBandwidth(transfer.bandwidth);
  return {
    findings,
    desk: {
      flare: line,
      project: project ?? deskDefaults.project,
      workspace: workspace ?? deskDefaults.workspace,
      hosts: new Map(
        Object.entries(hosts ?? {}).map(([name, host]) => [name, hostOf(name, host, defaults ?? {}, root)]),
      ),
      transfer: {
        channels: transfer?.channels ?? deskDefaults.channels,
        parallel: transfer?.parallel ?? deskDefaults.parallel,
        bytesPerSecond: rate,
      },
      builders: new Map(
        Object.entries(builders ?? {}).map(([name, one]) => [
          name,
          builderOf(one, defaults ?? {}, positionOf(nodeAt(root, ['builders', name], true))),
        ]),
      ),
      ...(kbs ? { kbs: kbsOf(kbs, positionOf(nodeAt(root, ['kbs'], true))) } : {}),
    },
  };
}

type WrittenHost = z.infer<typeof hostSchema>;

function hostOf(name: string, host: WrittenHost, defaults: Partial<WrittenHost>, root: YamlNode): DeskHost {
  const own = { ...defaults, ...host };
  return {
    ssh: own.ssh,
    ...readReach({ ...own, directory: own.directory ?? deskDefaults.directory }),
    ...(own.nfs === undefined ? {} : { nfs: own.nfs }),
    ...(own.chip_id === undefined ? {} : { chipId: own.chip_id.toLowerCase() }),
    source: positionOf(nodeAt(root, ['hosts', name], true)),
  };
}

function issueFindings(root: YamlNode, issue: z.core.$ZodIssue): Finding[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const meant = nearest(key, knownWords);
      return {
        severity: 'error',
        code: 'unknown_key',
        message: `desk.yml has no key "${shorten(key)}" here.`,
        hint: meant ? `Did you mean "${meant}"?` : undefined,
        ...positionOf(nodeAt(root, [...path, key], true)),
        path: fieldPathText([...path, key]),
      };
    });
  }
  const at = fieldPathText(path);
  const isMissing = path.length > 0 && nodeAt(root, path) === nodeAt(root, path.slice(0, -1));
  const message = isMissing
    ? `${at || 'desk.yml'} is missing.`
    : `${at || 'desk.yml'} must be ${expectation(issue)}.`;
  return [
    {
      severity: 'error',
      code: isMissing ? 'missing_key' : 'desk_invalid',
      message,
      ...positionOf(nodeAt(root, path)),
      path: at,
    },
  ];
}

/** Our own messages complete "must be …"; the library's sentences are turned into that form. */
function expectation(issue: z.core.$ZodIssue): string {
  if (/^(a|an|the|no|one|true,) /.test(issue.message))
    return issue.message.replace(/^no control/, 'text without control');
  if (issue.code === 'invalid_type')
    return issue.expected === 'string'
      ? 'text (put it in quotes)'
      : issue.expected === 'object' || issue.expected === 'record'
        ? 'a mapping'
        : issue.expected;
  return `valid: ${issue.message}`;
}
