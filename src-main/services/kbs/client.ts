/** One key broker over HTTP(S): pinned CA, no redirects, sizes and times limited. */
import { readFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { DeskError } from '../../contract/errors.ts';
import { loadTokenSigner, type TokenSigner } from '../pki/index.ts';
import { refusal } from './errors.ts';
import { adminToken } from './token.ts';
import type { KbsAnswer, KbsTarget } from './types.ts';

/** Largest body that a key broker takes, bytes. */
export const bodyLimit = 2 * 1024 * 1024;
const answerLimit = 4 * 1024 * 1024;
const answerTimeMs = 15_000;

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
  const url = new URL(target.address);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
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
    const name = target.serverName ?? host;
    const options: RequestOptions = {
      method: wanted.method,
      host,
      port: target.port,
      path: wanted.path,
      headers,
      agent: false,
      ...(secure
        ? { ca: await ca, minVersion: 'TLSv1.2' as const, ...(isIP(name) ? {} : { servername: name }) }
        : {}),
    };
    return send(options, secure, wanted.body, target.address, signal);
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

async function fileOf(path: string, key: string): Promise<Buffer> {
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

function send(
  options: RequestOptions,
  secure: boolean,
  body: Buffer | undefined,
  address: string,
  signal: AbortSignal | undefined,
): Promise<KbsAnswer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new DeskError('cancelled', 'The request to the key broker was cancelled.'));
      return;
    }
    const asked = (secure ? tlsRequest : plainRequest)(options, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > answerLimit) {
          asked.destroy(
            new DeskError('too_large', `The key broker ${address} answers with more than 4 MiB.`),
          );
          return;
        }
        chunks.push(chunk);
      });
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          contentType: answer.headers['content-type'] ?? '',
          body: Buffer.concat(chunks),
        }),
      );
      answer.on('error', (error) => reject(explained(error, address)));
    });
    const end = (): void => {
      asked.destroy(new DeskError('cancelled', 'The request to the key broker was cancelled.'));
    };
    const late = setTimeout(() => {
      asked.destroy(
        new DeskError('timeout', `The key broker ${address} did not answer within 15 s.`, {
          retryable: true,
        }),
      );
    }, answerTimeMs);
    signal?.addEventListener('abort', end, { once: true });
    asked.on('error', (error) => reject(explained(error, address)));
    asked.on('close', () => {
      clearTimeout(late);
      signal?.removeEventListener('abort', end);
    });
    asked.end(body);
  });
}

const untrusted = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS_CERT|HOSTNAME_MISMATCH)/;

/** What went wrong with a connection, in words. */
export function explained(error: Error, address: string): DeskError {
  if (error instanceof DeskError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'CERT_HAS_EXPIRED') {
    return new DeskError('cert_expired', `The certificate of the key broker ${address} has ended.`, {
      cause: error,
    });
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new DeskError(
      'cert_untrusted',
      `The certificate of the key broker ${address} carries another name.`,
      {
        hint: 'Set kbs.server_name in desk.yml to the name in its certificate (the guide makes one for localhost).',
        cause: error,
      },
    );
  }
  if (untrusted.test(code)) {
    return new DeskError(
      'cert_untrusted',
      `The certificate of the key broker ${address} is not trusted (${code}).`,
      {
        hint: 'Name the PEM file of its private CA as kbs.ca in desk.yml.',
        cause: error,
      },
    );
  }
  return new DeskError(
    'unreachable',
    `The key broker ${address} cannot be reached (${code || 'connection ended'}).`,
    {
      hint: 'Look at address and port, at the firewall, and whether it runs.',
      retryable: true,
      cause: error,
    },
  );
}
