/** One key broker over HTTP(S): pinned CA, no redirects, sizes and times limited. */
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { DeskError } from '../../contract/errors.ts';
import { loadTokenSigner, type TokenSigner } from '../pki/index.ts';
import { refusal } from './errors.ts';
import { brokerPeer, endpointOf, send, tlsOptions } from './http.ts';
import { adminToken } from './token.ts';
import type { KbsAnswer, KbsTarget } from './types.ts';

/** Largest body that a key broker takes, bytes. */
export const bodyLimit = 2 * 1024 * 1024;

export interface KbsRequest {
  method: 'GET' | 'POST' | 'DELETE';
  /** With the leading slash. */
  path: string;
  body?: Buffer;
  contentType?: string;
  /** False: no token is sent. */
  admin?: boolean;
}

export interface KbsClient {
  readonly address: string;
  /** True when a key or a token file is named. */
  readonly hasAdmin: boolean;
  /** The answer whatever its status; throws `unreachable`, `timeout`, `cert_untrusted`, `too_large`, `cancelled`, and what reading key, token and CA files throws. */
  ask(request: KbsRequest, signal?: AbortSignal): Promise<KbsAnswer>;
  /** The same for an answer that must be 200; else the refusal as an error. */
  demand(request: KbsRequest, what: string, signal?: AbortSignal): Promise<KbsAnswer>;
}

/**
 * A client of the key broker of a project. Files are read at the first request. `now`: milliseconds since the epoch.
 * Facts: docs/reference/confidential-computing.md §4.1.
 */
export function kbsClient(target: KbsTarget, now: () => number): KbsClient {
  const { secure, host } = endpointOf(target.address);
  const peer = brokerPeer(target.address);
  let ca: Promise<Buffer | undefined> | undefined;
  let signer: Promise<TokenSigner> | undefined;

  const bearer = async (): Promise<string> => {
    if (target.tokenFile !== undefined) {
      const text = (await fileOf(target.tokenFile, 'token_file')).toString('utf8').trim();
      if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) {
        throw new DeskError('invalid_input', `${target.tokenFile} does not hold one JSON web token.`, {
          hint: 'Put the token alone into the file.',
        });
      }
      return text;
    }
    const { adminKey } = target;
    if (adminKey === undefined) {
      throw new DeskError(
        'needs_confirmation',
        `No admin key of the key broker ${target.address} is named.`,
        {
          hint: 'Set kbs.admin_key (Ed25519 PEM) or kbs.token_file in desk.yml.',
        },
      );
    }
    signer ??= fileOf(adminKey, 'admin_key').then((pem) => loadTokenSigner(pem, adminKey));
    signer.catch(() => (signer = undefined));
    return adminToken(await signer, now());
  };

  const ask = async (wanted: KbsRequest, signal?: AbortSignal): Promise<KbsAnswer> => {
    if (wanted.body && wanted.body.length > bodyLimit) {
      throw new DeskError(
        'too_large',
        `The request is ${wanted.body.length} bytes; the key broker takes 2 MiB.`,
      );
    }
    const headers: Record<string, string> = { accept: '*/*' };
    if (wanted.admin) headers['authorization'] = `Bearer ${await bearer()}`;
    if (wanted.body) {
      headers['content-type'] = wanted.contentType ?? 'application/json';
      headers['content-length'] = String(wanted.body.length);
    }
    if (target.ca !== undefined) {
      ca ??= fileOf(target.ca, 'ca');
      ca.catch(() => (ca = undefined));
    }
    const options: RequestOptions = {
      method: wanted.method,
      host,
      port: target.port,
      path: wanted.path,
      headers,
      agent: false,
      ...(secure ? tlsOptions(await ca, target.serverName ?? host) : {}),
    };
    return send(options, secure, wanted.body, peer, signal);
  };

  return {
    address: target.address,
    hasAdmin: target.adminKey !== undefined || target.tokenFile !== undefined,
    ask,
    async demand(wanted, what, signal) {
      const answer = await ask(wanted, signal);
      if (answer.status !== 200) throw refusal(answer, what, target.address);
      return answer;
    },
  };
}

/** A file that desk.yml names under `kbs`. Throws `not_found`, `denied`. */
export async function fileOf(path: string, key: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new DeskError(missing ? 'not_found' : 'denied', `${path}, named as kbs.${key}, cannot be read.`, {
      hint: 'Correct the path in desk.yml.',
      cause: error,
    });
  }
}
