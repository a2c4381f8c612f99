/** A request to a key broker or to the vault behind it: sizes and times limited, failures in words that lead to the fix. */
import { request as plainRequest } from 'node:http';
import { request as tlsRequest, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { DeskError } from '../../contract/errors.ts';
import type { KbsAnswer } from './types.ts';

const answerLimit = 4 * 1024 * 1024;
const answerTimeMs = 15_000;

/** Who is asked, for errors. */
export interface Peer {
  /** `the key broker https://…`. */
  name: string;
  /** The key of desk.yml that names its CA. */
  caKey: string;
  /** What to do when its certificate carries another name. */
  otherName: string;
}

export const brokerPeer = (address: string): Peer => ({
  name: `the key broker ${address}`,
  caKey: 'kbs.ca',
  otherName:
    'Set kbs.server_name in desk.yml to the name in its certificate (the guide makes one for localhost).',
});

/** The host of an address, and whether it is spoken to over TLS. */
export function endpointOf(address: string): { secure: boolean; host: string } {
  const { protocol, hostname } = new URL(address);
  return { secure: protocol === 'https:', host: hostname.replace(/^\[|\]$/g, '') };
}

/** How the certificate of a peer is checked: for `name`, against `ca`, or the CAs of this machine when that is missing. */
export const tlsOptions = (ca: Buffer | undefined, name: string) => ({
  minVersion: 'TLSv1.2' as const,
  ...(ca === undefined ? {} : { ca }),
  ...(isIP(name) ? {} : { servername: name }),
});

/**
 * One request over HTTP(S): no redirects, at most 4 MiB and 15 s. Throws `unreachable`, `timeout`, `cert_untrusted`,
 * `cert_expired`, `too_large`, `cancelled`.
 */
export function send(
  options: RequestOptions,
  secure: boolean,
  body: Buffer | undefined,
  peer: Peer,
  signal: AbortSignal | undefined,
): Promise<KbsAnswer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new DeskError('cancelled', 'The request was cancelled.'));
      return;
    }
    const asked = (secure ? tlsRequest : plainRequest)(options, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > answerLimit) {
          asked.destroy(new DeskError('too_large', `${titleOf(peer)} answers with more than 4 MiB.`));
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
      answer.on('error', (error) => reject(explained(error, peer)));
    });
    const end = (): void => {
      asked.destroy(new DeskError('cancelled', 'The request was cancelled.'));
    };
    const late = setTimeout(() => {
      asked.destroy(
        new DeskError('timeout', `${titleOf(peer)} did not answer within 15 s.`, {
          retryable: true,
        }),
      );
    }, answerTimeMs);
    signal?.addEventListener('abort', end, { once: true });
    asked.on('error', (error) => reject(explained(error, peer)));
    asked.on('close', () => {
      clearTimeout(late);
      signal?.removeEventListener('abort', end);
    });
    asked.end(body);
  });
}

const titleOf = ({ name }: Peer): string => name.charAt(0).toUpperCase() + name.slice(1);

const untrusted = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS_CERT|HOSTNAME_MISMATCH)/;

/** What went wrong with a connection, in words. */
export function explained(error: Error, peer: Peer): DeskError {
  if (error instanceof DeskError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'CERT_HAS_EXPIRED') {
    return new DeskError('cert_expired', `The certificate of ${peer.name} has ended.`, {
      cause: error,
    });
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new DeskError('cert_untrusted', `The certificate of ${peer.name} carries another name.`, {
      hint: peer.otherName,
      cause: error,
    });
  }
  if (untrusted.test(code)) {
    return new DeskError('cert_untrusted', `The certificate of ${peer.name} is not trusted (${code}).`, {
      hint: `Name the PEM file of its private CA as ${peer.caKey} in desk.yml.`,
      cause: error,
    });
  }
  return new DeskError('unreachable', `${titleOf(peer)} cannot be reached (${code || 'connection ended'}).`, {
    hint: 'Look at address and port, at the firewall, and whether it runs.',
    retryable: true,
    cause: error,
  });
}
