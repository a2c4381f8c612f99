/** The resource policy at a key broker: read, and replaced only when it is still the one that was read. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DeskError } from '../../contract/errors.ts';
import type { KbsClient } from './client.ts';
import { refusal } from './errors.ts';

const path = '/kbs/v0/resource-policy';
const textLimit = 1024 * 1024;

export interface ReadPolicy {
  text: string;
  /** SHA-256 of the text's bytes, hex. */
  sha256: string;
  /** How the answer was wrapped; tells the generation of the server. */
  form: 'base64url' | 'json-map';
}

export const policySha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/**
 * Reads the resource policy (project's admin token). Throws what the client throws, `auth_failed`, and `integrity`
 * when the answer is neither base64url text nor the JSON map of newer servers.
 */
export async function readPolicy(client: KbsClient, signal?: AbortSignal): Promise<ReadPolicy> {
  const answer = await client.demand(
    { method: 'GET', path, admin: true },
    'read the resource policy',
    signal,
  );
  const read = unwrapped(answer.body.toString('utf8'));
  if (read === undefined) {
    throw new DeskError(
      'integrity',
      `The key broker ${client.address} answered with something that is no policy.`,
      {
        hint: 'Look whether a proxy stands before it.',
      },
    );
  }
  return { ...read, sha256: policySha256(read.text) };
}

function unwrapped(body: string): { text: string; form: ReadPolicy['form'] } | undefined {
  const trimmed = body.trim();
  if (trimmed.startsWith('{')) {
    try {
      const map = JSON.parse(trimmed) as Record<string, unknown>;
      const [only] = Object.values(map);
      const encoded = map['resource-policy'] ?? map['default'] ?? only;
      const text = typeof encoded === 'string' ? decoded(encoded) : undefined;
      return text === undefined ? undefined : { text, form: 'json-map' };
    } catch {
      return undefined;
    }
  }
  const text = decoded(trimmed);
  return text === undefined ? undefined : { text, form: 'base64url' };
}

function decoded(encoded: string): string | undefined {
  if (!/^[\w-]*$/.test(encoded)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(encoded, 'base64url'),
    );
  } catch {
    return undefined;
  }
}

export interface SetPolicyOptions {
  text: string;
  /** SHA-256 of the policy that the person saw. */
  readSha256: string;
  /** Keeps the text that will be replaced; awaited before anything is written. */
  backUp: (policy: ReadPolicy) => Promise<void>;
  signal?: AbortSignal;
}

/**
 * Replaces the policy: reads, compares with what the person saw, keeps a copy, reads again, writes, reads back and compares
 * byte by byte (docs/reference/confidential-computing.md §4.2: the server has no compare-and-set, the last writer wins).
 * Answers false when the text stood there already. Throws `conflict` when somebody else changed it, before or during the
 * write; `too_large`; what reading throws.
 */
export async function setPolicy(client: KbsClient, options: SetPolicyOptions): Promise<boolean> {
  const { text, readSha256, backUp, signal } = options;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > textLimit) {
    throw new DeskError('too_large', `The policy is ${bytes.length} bytes; 1 MiB is the limit.`);
  }
  const before = await readPolicy(client, signal);
  if (before.sha256 !== readSha256) throw changedMeanwhile(client.address);
  if (before.text === text) return false;
  await backUp(before);
  if ((await readPolicy(client, signal)).sha256 !== readSha256) throw changedMeanwhile(client.address);
  const answer = await client.ask(
    {
      method: 'POST',
      path,
      admin: true,
      body: Buffer.from(JSON.stringify({ policy: bytes.toString('base64url') })),
    },
    // From here on a cancel would leave nobody knowing what stands there.
    undefined,
  );
  if (answer.status !== 200) throw refusal(answer, 'set the resource policy', client.address);
  await confirmWritten(client, text);
  return true;
}

async function confirmWritten(client: KbsClient, text: string): Promise<void> {
  const after = await readPolicy(client).catch(async () => {
    await delay(500);
    return readPolicy(client);
  });
  if (after.text === text) return;
  throw new DeskError(
    'conflict',
    `The key broker ${client.address} took the policy, and reads back another one: somebody wrote at the same time.`,
    { hint: 'Read the policy again and compare. The text before the change is kept in the history.' },
  );
}

const changedMeanwhile = (address: string): DeskError =>
  new DeskError(
    'conflict',
    `The policy at the key broker ${address} was changed since it was read. Nothing was written.`,
    {
      hint: 'Look at the difference between the policy you read, yours, and the one there now; then set it again.',
    },
  );
