/** The certificates of a key broker, for the calendar: whom they name and when they end. */
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { DeskError } from '../../contract/errors.ts';
import { fileOf } from './client.ts';
import { brokerPeer, endpointOf, explained, tlsOptions } from './http.ts';
import type { KbsTarget } from './types.ts';

const handshakeMs = 10_000;

export interface KbsCertificate {
  /** `tls`: the one it shows. `ca`: one of the file that kbs.ca names. */
  kind: 'tls' | 'ca';
  /** Common name, else the whole subject. */
  name: string;
  /** Milliseconds since the epoch. */
  notAfter: number;
}

const named = (certificate: X509Certificate): string =>
  /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject.replaceAll('\n', ', ');

/**
 * The certificate a key broker shows, read in a handshake and hung up. Throws `cert_expired`, `cert_untrusted`, `unreachable`,
 * `timeout`, `cancelled`; `unsupported` without TLS; `not_found`, `denied` for its CA file.
 */
export async function shownCertificate(target: KbsTarget, signal?: AbortSignal): Promise<KbsCertificate> {
  const { secure, host } = endpointOf(target.address);
  if (!secure) {
    throw new DeskError('unsupported', `The key broker ${target.address} is spoken to without TLS.`);
  }
  const ca = target.ca === undefined ? undefined : await fileOf(target.ca, 'ca');
  if (signal?.aborted) throw new DeskError('cancelled', 'The look at the key broker was cancelled.');
  return new Promise((resolve, reject) => {
    // Nothing is sent over it: it is only looked at.
    const socket = connect({ host, port: target.port, ...tlsOptions(ca, target.serverName ?? host) });
    const fail = (error: DeskError): void => {
      socket.destroy();
      reject(error);
    };
    const late = setTimeout(
      () => fail(new DeskError('timeout', `The key broker ${target.address} did not answer within 10 s.`)),
      handshakeMs,
    );
    const end = (): void => fail(new DeskError('cancelled', 'The look at the key broker was cancelled.'));
    signal?.addEventListener('abort', end, { once: true });
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) {
        reject(new DeskError('unreachable', `The key broker ${target.address} shows no certificate.`));
        return;
      }
      resolve({ kind: 'tls', name: named(certificate), notAfter: certificate.validToDate.getTime() });
    });
    socket.on('error', (error: Error) => reject(explained(error, brokerPeer(target.address))));
    socket.on('close', () => {
      clearTimeout(late);
      signal?.removeEventListener('abort', end);
    });
  });
}

/** The certificates in the file that kbs.ca names; none when it names none. Throws `not_found`, `denied`, `invalid_input`. */
export async function caCertificates({ ca }: KbsTarget): Promise<KbsCertificate[]> {
  if (ca === undefined) return [];
  const text = (await fileOf(ca, 'ca')).toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => {
    try {
      const certificate = new X509Certificate(block);
      return { kind: 'ca', name: named(certificate), notAfter: certificate.validToDate.getTime() };
    } catch (cause) {
      throw new DeskError('invalid_input', `${ca}, named as kbs.ca, holds a broken certificate.`, { cause });
    }
  });
}
