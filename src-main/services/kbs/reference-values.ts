/** The reference values of a key broker's attestation service (docs/reference/confidential-computing.md §4.1, §4.4). */
import { DeskError } from '../../contract/errors.ts';
import type { TrusteeProfile } from '../../domain/kbs/index.ts';
import type { KbsClient } from './client.ts';
import { problemOf, refusal } from './errors.ts';
import type { KbsAnswer } from './types.ts';

const path = '/kbs/v0/reference-value';

/** Name → JSON text of what stands there; null: none of this name. */
export type ReferenceValues = Map<string, string | null>;

/**
 * Reads reference values: all of them up to Trustee v0.15, from v0.16 those of `names` alone, as the server lists none.
 * Throws what the client throws, and `integrity` when an answer is not the JSON that the release gives.
 */
export async function readReferenceValues(
  client: KbsClient,
  { referenceRead }: Pick<TrusteeProfile, 'referenceRead'>,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<ReferenceValues> {
  const values: ReferenceValues = new Map();
  if (referenceRead === 'all') {
    const answer = await client.demand(
      { method: 'GET', path, admin: true },
      'read the reference values',
      signal,
    );
    const all = jsonOf(answer, client.address);
    if (typeof all !== 'object' || all === null || Array.isArray(all)) throw noValues(client.address);
    for (const [name, value] of Object.entries(all)) values.set(name, JSON.stringify(value));
    for (const name of names) if (!values.has(name)) values.set(name, null);
    return values;
  }
  for (const name of names) {
    const what = `read the reference value ${name}`;
    const answer = await client.ask(
      { method: 'GET', path: `${path}/${encodeURIComponent(name)}`, admin: true },
      signal,
    );
    if (answer.status === 200) values.set(name, JSON.stringify(jsonOf(answer, client.address)));
    else if (isAbsent(answer)) values.set(name, null);
    else throw refusal(answer, what, client.address);
  }
  return values;
}

/** The server has no status of its own for a name it does not know. */
function isAbsent(answer: KbsAnswer): boolean {
  const { kind, detail } = problemOf(answer);
  return kind === 'RvpsError' && detail.includes('No reference value found');
}

function jsonOf(answer: KbsAnswer, address: string): unknown {
  try {
    return JSON.parse(answer.body.toString('utf8')) as unknown;
  } catch {
    throw noValues(address);
  }
}

const noValues = (address: string): DeskError =>
  new DeskError(
    'integrity',
    `The key broker ${address} answered with something that is no reference value.`,
    { hint: 'Look whether a proxy stands before it, and whether profile in desk.yml is its release.' },
  );

/**
 * Registers values under a name, in place of what stood there, in the form of the sample extractor, and reads them back; answers
 * the JSON text that stands there then. Throws what the client throws, and `remote_failed` when something else is read back.
 */
export async function registerReferenceValues(
  client: KbsClient,
  profile: Pick<TrusteeProfile, 'referenceRead'>,
  name: string,
  values: readonly string[],
): Promise<string> {
  const payload = Buffer.from(JSON.stringify({ [name]: values })).toString('base64');
  await client.demand(
    {
      method: 'POST',
      path,
      admin: true,
      body: Buffer.from(JSON.stringify({ version: '0.1.0', type: 'sample', payload })),
    },
    `register the reference value ${name}`,
  );
  const after = (await readReferenceValues(client, profile, [name])).get(name);
  if (after === undefined || after === null || !holdsAll(after, values)) {
    throw new DeskError(
      'remote_failed',
      `The key broker ${client.address} took the reference value ${name}, and reads back another one.`,
      { hint: 'Somebody may have registered it at the same time: read it again.' },
    );
  }
  return after;
}

/** Releases wrap the list in other members, or give it as it is. */
function holdsAll(json: string, values: readonly string[]): boolean {
  return values.every((value) => json.includes(JSON.stringify(value)));
}
