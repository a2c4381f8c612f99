/** What a confidential kit says of attesters: whose proof it can check, its own, how often (docs/reference/provisioning.md §8.2). */
import { sameValue } from '../project/yaml/edit-plain.ts';
import { defaultCheckFrequency } from './cc-config.ts';
import { isRecord } from '../record.ts';

export interface KitAttesters {
  /** Every attester of the project, by id. */
  issuers: { id: string; path: string; args: Readonly<Record<string, unknown>> }[];
  /** Ids of this participant's own ones, sorted. */
  own: string[];
  /** Seconds between two checks; null: the runtime's default. */
  checkFrequency: number | null;
  /** Names of the sites that must prove themselves, sorted; the server is "server". */
  sites: string[];
}

const managerClass = /(^|\.)CCManager$/;

/**
 * Reads the texts of a kit's `local/*__p_resources.json`. Null without a manager of confidential computing, or when a text is
 * damaged: nothing is guessed.
 */
export function kitAttesters(texts: readonly string[]): KitAttesters | null {
  const components: Record<string, unknown>[] = [];
  for (const text of texts) {
    const document = parse(text);
    const list = document?.['components'];
    if (!Array.isArray(list)) return null;
    components.push(...list.filter(isRecord));
  }
  const manager = components.find(({ path }) => typeof path === 'string' && managerClass.test(path));
  const args = manager?.['args'];
  if (!isRecord(args)) return null;
  const verified = new Set(strings(args['cc_verifier_ids']));
  const issuers = components.flatMap(({ id, path, args: given }) =>
    typeof id === 'string' && typeof path === 'string' && verified.has(id)
      ? [{ id, path, args: isRecord(given) ? given : {} }]
      : [],
  );
  const own = Array.isArray(args['cc_issuers_conf']) ? args['cc_issuers_conf'].filter(isRecord) : [];
  const frequency = args['verify_frequency'];
  return {
    issuers: issuers.sort((one, other) => (one.id < other.id ? -1 : 1)),
    own: strings(own.map((one) => one['issuer_id'])),
    checkFrequency: typeof frequency === 'number' ? frequency : null,
    sites: strings(args['cc_enabled_sites']),
  };
}

/** What differs, in words that name ids and argument names but no argument's value. */
export function attesterDifferences(inside: KitAttesters, project: KitAttesters): string[] {
  const found: string[] = [];
  const differ = (what: string, one: readonly string[], other: readonly string[]): void => {
    if (one.join() !== other.join())
      found.push(`${what} ${one.join(', ') || 'nothing'}; the project has ${other.join(', ') || 'nothing'}`);
  };
  differ(
    'it can check the attesters',
    inside.issuers.map(({ id }) => id),
    project.issuers.map(({ id }) => id),
  );
  differ('its own attesters are', inside.own, project.own);
  for (const { id, path, args } of project.issuers) {
    const before = inside.issuers.find((one) => one.id === id);
    if (!before) continue;
    if (before.path !== path) found.push(`${id} is of the class ${before.path}; the project has ${path}`);
    const names = [...new Set([...Object.keys(before.args), ...Object.keys(args)])].filter(
      (name) => !sameValue(before.args[name], args[name]),
    );
    if (names.length > 0) found.push(`${id} has another ${names.toSorted().join(', ')} than the project`);
  }
  if (inside.checkFrequency !== project.checkFrequency)
    found.push(`it checks the others every ${secondsOf(inside)} s; the project says ${secondsOf(project)} s`);
  differ('the sites that must prove themselves are', inside.sites, project.sites);
  return found;
}

const secondsOf = ({ checkFrequency }: KitAttesters): number => checkFrequency ?? defaultCheckFrequency;

const strings = (value: unknown): string[] =>
  (Array.isArray(value) ? value : []).filter((one) => typeof one === 'string').toSorted();

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return isRecord(document) ? document : undefined;
  } catch {
    return undefined;
  }
}
