/** Logging in: what is offered, in which order, and what it said. One narrated attempt after the other. */
import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import ssh2, {
  type BaseAgent,
  type IdentityCallback,
  type OpenSSHAgent,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import { DeskError } from '../../contract/errors.ts';
import type { Hop } from './config.ts';
import { loadIdentity, publicKeyOf } from './identity.ts';
import { fingerprintOf } from './known-hosts.ts';
import type { AuthSettings } from './types.ts';

/** sshd's usual MaxAuthTries is 6, and the first, empty attempt counts on some servers. */
const maxAttempts = 5;
const agentDeadlineMs = 5000;
const usualIdentities = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** One thing to offer, made ready only when its turn comes (a passphrase is asked for as late as possible). */
interface Offer {
  label: string;
  prepare(): Promise<AuthMethod | undefined>;
}

type AuthMethod =
  | { type: 'publickey'; username: string; key: ParsedKey }
  | { type: 'agent'; username: string; agent: BaseAgent };

export interface Authenticator {
  /** For ssh2's `authHandler`. */
  next(methodsLeft: readonly string[] | null, done: (method: AuthMethod | false) => void): void;
  /** What was tried so far, in words. */
  tried: readonly string[];
  /** The first error that kept an identity from being offered. */
  failure(): unknown;
}

/**
 * Plans the login of one hop. With a named identity only that key is offered: from the agent when it holds it, else
 * from the file (as `IdentitiesOnly yes`). Without one: the agent's keys, then the usual files of `.ssh`.
 */
export async function planAuthentication(
  hop: Hop,
  auth: AuthSettings,
  context: {
    home: string;
    signal?: AbortSignal;
    narrate: (line: string) => void;
    /** Runs a question to a person while the clock stands still. */
    waiting: <T>(question: () => Promise<T>) => Promise<T>;
  },
): Promise<Authenticator> {
  const tried: string[] = [];
  let failure: unknown;
  const named = hop.identities.length > 0;
  const files = named ? hop.identities : await existing(usualIdentities, join(context.home, '.ssh'));
  const offers: Offer[] = [...(await agentOffers(hop, auth, files, named, tried))];
  for (const file of files) {
    offers.push({
      label: `identity ${file}`,
      prepare: async () => {
        const passphrase = auth.passphrase;
        const key = await loadIdentity(file, hop.label, {
          ...(passphrase
            ? { passphrase: (question, asked) => context.waiting(() => passphrase(question, asked)) }
            : {}),
          ...(hop.passphraseFile === undefined ? {} : { passphraseFile: hop.passphraseFile }),
          ...(context.signal ? { signal: context.signal } : {}),
        });
        return { type: 'publickey', username: hop.user, key };
      },
    });
  }
  if (offers.length === 0) tried.push('no identity file and no key in an SSH agent to offer');

  const queue = offers.slice(0, maxAttempts);
  const step = async (methodsLeft: readonly string[] | null): Promise<AuthMethod | false> => {
    if (methodsLeft && !methodsLeft.includes('publickey')) {
      tried.push(`the server takes only: ${methodsLeft.join(', ')}`);
      return false;
    }
    for (let offer = queue.shift(); offer; offer = queue.shift()) {
      try {
        const method = await offer.prepare();
        if (!method) continue;
        context.narrate(`${hop.label}: offering ${offer.label}`);
        tried.push(`${offer.label} (not accepted)`);
        return method;
      } catch (error) {
        failure ??= error;
        const reason = error instanceof Error ? error.message : 'unknown reason';
        tried.push(`${offer.label}: not offered, ${reason}`);
        context.narrate(`${hop.label}: cannot offer ${offer.label}: ${reason}`);
      }
    }
    return false;
  };
  return {
    tried,
    failure: () => failure,
    next: (methodsLeft, done) => {
      step(methodsLeft).then(done, (error: unknown) => {
        failure ??= error;
        done(false);
      });
    },
  };
}

async function existing(names: readonly string[], folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const file = join(folder, name);
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      found.push(file);
  }
  return found;
}

/** One offer per key of the agent, so that each is narrated and counted on its own. */
async function agentOffers(
  hop: Hop,
  auth: AuthSettings,
  files: readonly string[],
  named: boolean,
  tried: string[],
): Promise<Offer[]> {
  if (auth.agentSocket === undefined) return [];
  const agent = new ssh2.OpenSSHAgent(auth.agentSocket);
  let keys: ParsedKey[];
  try {
    keys = await identitiesOf(agent);
  } catch {
    tried.push('SSH agent: it does not answer');
    return [];
  }
  let wanted = keys;
  if (named) {
    const allowed: Buffer[] = [];
    for (const file of files) {
      const key = await publicKeyOf(file);
      if (key) allowed.push(key);
    }
    wanted = keys.filter((key) => allowed.some((blob) => blob.equals(key.getPublicSSH())));
  }
  return wanted.map((key) => ({
    label: `agent key ${fingerprintOf(key.getPublicSSH())}${key.comment ? ` (${basename(key.comment)})` : ''}`,
    prepare: () => Promise.resolve({ type: 'agent', username: hop.user, agent: new OneKeyAgent(agent, key) }),
  }));
}

function identitiesOf(agent: OpenSSHAgent): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the agent does not answer')), agentDeadlineMs);
    agent.getIdentities((error, keys) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve((keys ?? []) as ParsedKey[]);
    });
  });
}

/** An agent that shows one of its keys only. */
class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: OpenSSHAgent;
  readonly #key: ParsedKey;

  constructor(agent: OpenSSHAgent, key: ParsedKey) {
    super();
    this.#agent = agent;
    this.#key = key;
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(undefined, [this.#key]);
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, callback);
  }
}

/** The error of a login nobody accepted: what was offered and what the server takes. */
export function authenticationFailed(hop: Hop, authenticator: Authenticator): DeskError {
  const known = authenticator.failure();
  const tried = authenticator.tried.join('; ');
  if (known instanceof DeskError && !tried.includes('(not accepted)')) return known;
  return new DeskError('auth_failed', `${hop.label} refused the login of ${hop.user}. Tried: ${tried}.`, {
    hint: `Add the public key to ~${hop.user}/.ssh/authorized_keys on ${hop.label}, or name another "identity" or "user" in desk.yml.`,
  });
}
