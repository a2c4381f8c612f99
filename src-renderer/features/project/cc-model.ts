/** What a confidential-computing form says, as operations on the draft. Everything it does not know stays as written. */
import type { DraftOperation } from '../../../src-main/contract/drafts.ts';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import type { Draft, DraftParticipant } from './draft.ts';

export type Issuer = CallOutput<'drafts.issuers'>['issuers'][number];
type Values = Readonly<Record<string, unknown>>;
export type Setting = string | number | boolean | null;

export const environments = ['onprem_cvm', 'mock', 'azure_cvm', 'azure_confidential_container'] as const;
export type Environment = (typeof environments)[number];
const packagerPath = 'nvflare.lighter.cc_provision.impl.onprem_packager.OnPremPackager';
const nfsPorts = [111, 2049];

export const record = (value: unknown): Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : {};
export const array = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

export const ccFile = (participant: DraftParticipant): `cc:${string}` => `cc:${participant.cc?.file ?? ''}`;

/** Servers and clients: what confidential computing covers. */
export const sitesOf = (draft: Draft): DraftParticipant[] =>
  (draft.model?.participants ?? []).filter(({ type }) => type === 'server' || type === 'client');

/** A number when it is one; else the text, so that the finding says what is wrong with it. */
const asWritten = (value: string): string | number => (/^\d+$/.test(value) ? Number(value) : value);

export function setValue(
  file: `cc:${string}`,
  path: (string | number)[],
  value: string,
  kind: 'text' | 'number' = 'text',
): DraftOperation {
  if (value === '') return { op: 'unset', file, path };
  return { op: 'set', file, path, value: kind === 'number' ? asWritten(value) : value };
}

export const listText = (value: unknown, separator: string): string => array(value).map(text).join(separator);

export const portsOf = (value: string): (string | number)[] =>
  value
    .split(/[\s,;]+/)
    .filter((one) => one !== '')
    .map(asWritten);

export const linesOf = (value: string): string[] =>
  value
    .split('\n')
    .map((one) => one.trim())
    .filter((one) => one !== '');

export function setList(file: `cc:${string}`, key: string, value: (string | number)[]): DraftOperation {
  return value.length === 0
    ? { op: 'unset', file, path: [key] }
    : { op: 'set_list', file, path: [key], value };
}

/** `server1 10.0.0.5`, one a line. */
export const pairsText = (value: unknown): string =>
  Object.entries(record(value))
    .map(([name, one]) => `${name} ${text(one)}`)
    .join('\n');

/** Only what differs is touched. `kept` = names the form does not show. */
export function setPairs(
  file: `cc:${string}`,
  key: string,
  before: unknown,
  value: string,
  kept: readonly string[] = [],
): DraftOperation[] {
  const old = record(before);
  const wanted = new Map(
    linesOf(value).map((line): [string, string] => {
      const [name = '', ...rest] = line.split(/[\s=:]+(.*)/);
      return [name, rest.join('').trim()];
    }),
  );
  const gone = Object.keys(old).filter((name) => !wanted.has(name) && !kept.includes(name));
  if (gone.length > 0 && gone.length === Object.keys(old).length && wanted.size === 0)
    return [{ op: 'unset', file, path: [key] }];
  return [
    ...[...wanted]
      .filter(([name, one]) => old[name] !== one)
      .map(([name, one]): DraftOperation => ({ op: 'set', file, path: [key, name], value: one })),
    ...gone.map((name): DraftOperation => ({ op: 'unset', file, path: [key, name] })),
  ];
}

export function withNfs(ports: unknown, on: boolean): (string | number)[] {
  const others = array(ports).filter(
    (port): port is string | number =>
      (typeof port === 'number' && !nfsPorts.includes(port)) || typeof port === 'string',
  );
  return on ? [...others, ...nfsPorts] : others;
}

export const hasNfs = (ports: unknown): boolean => nfsPorts.every((port) => array(ports).includes(port));

/** Where an issuer class stands in the list; -1 when it is not there. */
export const issuerIndex = (values: Values, path: string): number =>
  array(values.cc_issuers).findIndex((one) => record(one).path === path);

/** Seconds a token is good for: below the check, as NVFlare asks. */
const expirationFor = (values: Values): number => {
  const frequency = record(values.cc_attestation).check_frequency;
  return Math.max(1, Math.floor(((typeof frequency === 'number' ? frequency : 600) * 5) / 6));
};

export function switchIssuer(
  file: `cc:${string}`,
  values: Values,
  issuer: Issuer,
  on: boolean,
): DraftOperation[] {
  const at = issuerIndex(values, issuer.path);
  if (!on) {
    return at < 0 ? [] : [{ op: 'unset', file, path: ['cc_issuers', at] }];
  }
  if (at >= 0) return [];
  const item = { id: issuer.usual_id, path: issuer.path, token_expiration: expirationFor(values) };
  const list = array(values.cc_issuers) as Record<string, Setting>[];
  return [{ op: 'set_list', file, path: ['cc_issuers'], value: [...list, item] }];
}

export function setBuildCommand(draft: Draft, value: string): DraftOperation[] {
  const has = draft.model?.confidential.has_packager ?? false;
  if (value === '') return has ? [{ op: 'unset', file: 'project', path: ['packager'] }] : [];
  if (has) return [{ op: 'set', file: 'project', path: ['packager', 'args', 'build_image_cmd'], value }];
  return [
    {
      op: 'set',
      file: 'project',
      path: ['packager'],
      value: { path: packagerPath, args: { build_image_cmd: value } },
    },
  ];
}

export interface EnableWords {
  environment: Environment;
  archive: string;
  frequency: number;
  gpu: boolean;
}

/** Names a file for each site that has none. */
export function enableAll(
  draft: Draft,
  sites: readonly DraftParticipant[],
  words: EnableWords,
  issuers: readonly Issuer[],
): DraftOperation[] {
  const chosen = issuers
    .filter(
      (one) =>
        one.environments.includes(words.environment) &&
        one.proves !== 'intel_tdx' &&
        (one.proves !== 'nvidia_gpu' || words.gpu),
    )
    .map((one) => one.path);
  const kbs = text(draft.model?.confidential.kbs.address);
  const port = /:(\d+)\/?$/.exec(kbs)?.[1];
  return sites
    .filter((site) => !site.cc)
    .map((site) => ({
      op: 'enable_cc',
      name: site.name,
      environment: words.environment,
      check_frequency: words.frequency,
      issuers: chosen,
      ...(words.archive === '' ? {} : { docker_archive: words.archive }),
      ...(port === undefined ? {} : { kbs_port: Number(port) }),
    }));
}
