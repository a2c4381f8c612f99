import type { PeerCertificate } from 'node:tls';
import { DeskError } from '../../../contract/errors.ts';
import { SessionStepError } from '../errors.ts';
import type { TransportTarget } from './types.ts';

type Target = Pick<TransportTarget, 'host' | 'port' | 'serverIdentity' | 'rootName' | 'security'>;

/** The certificate is trusted but belongs to another participant. */
export function wrongIdentity(target: Target, found: string): SessionStepError {
  return new SessionStepError(
    'tls',
    'cert_untrusted',
    `${target.host}:${target.port} identifies itself as "${found}", the kit expects the server "${target.serverIdentity}".`,
    {
      hint: 'Another participant of the project answers at this address, or the server was renamed. Correct the host, or use a kit of the present provisioning.',
    },
  );
}

const ownCertificateAlerts: Record<string, string> = {
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the server does not trust the project root of this kit',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the server does not accept the certificate of this kit',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the server does not accept the certificate of this kit',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: 'the certificate of this kit is revoked',
  ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR: 'the server does not accept the certificate of this kit',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'the server does not accept the certificate of this kit',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'the server asks for a client certificate and the kit says not to send one',
};

/**
 * Names what went wrong in a TLS handshake, or in the first read after it (with TLS 1.3 a server refuses a client
 * certificate only then). Errors that say nothing about TLS come back as a closed connection.
 */
export function tlsErrorOf(error: unknown, target: Target, presented?: PeerCertificate): DeskError {
  if (error instanceof DeskError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const place = `${target.host}:${target.port}`;
  const fail = (
    kind: 'cert_expired' | 'cert_untrusted' | 'auth_failed' | 'remote_failed' | 'unreachable',
    reason: string,
    hint: string,
    retryable = false,
  ): SessionStepError => new SessionStepError('tls', kind, reason, { hint, retryable, cause: error });

  if (code === 'CERT_HAS_EXPIRED') {
    const end = presented?.valid_to ? ` (valid to ${presented.valid_to})` : '';
    return fail(
      'cert_expired',
      `the certificate of ${place} has expired${end}.`,
      'Issue a new certificate for the server and restart it.',
    );
  }
  if (code === 'CERT_NOT_YET_VALID') {
    return fail(
      'cert_expired',
      `the certificate of ${place} is not valid yet (from ${presented?.valid_from ?? 'later'}).`,
      'Compare the clocks of this machine and of the machine that made the certificate.',
    );
  }
  if (isTrustCode(code)) {
    const issuer = ([] as string[]).concat(presented?.issuer?.CN ?? [])[0];
    if (issuer !== undefined && issuer !== target.rootName) {
      return fail(
        'cert_untrusted',
        `${place} is a server of another project: its certificate was issued by "${issuer}", this kit belongs to "${target.rootName}".`,
        'Use the kit of that project, or correct host and port.',
      );
    }
    return fail(
      'cert_untrusted',
      `the certificate of ${place} was not issued by the project root of this kit.`,
      'The project was probably provisioned anew with a new root. Use a kit of the same provisioning as the server.',
    );
  }
  if (code === 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED') {
    return fail(
      'cert_expired',
      'the server says the certificate of this kit has expired.',
      'Provision a new kit for this admin.',
    );
  }
  const refused = ownCertificateAlerts[code];
  if (refused !== undefined) {
    return fail(
      'auth_failed',
      `${refused}.`,
      'Use a kit of the same provisioning as the server, and its connection_security.',
    );
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return fail(
      'remote_failed',
      `${place} does not speak TLS as this kit expects (${code}).`,
      `The kit says connection_security "${target.security}". The server may run with "clear", or another service uses this port.`,
    );
  }
  return fail(
    'unreachable',
    `${place} closed the connection${code && code !== 'ECONNRESET' ? ` (${code})` : ''}.`,
    'The server may refuse the certificate of this kit, use another scheme, or be about to start or stop.',
    true,
  );
}

/** True for errors that belong to TLS rather than to the network. */
export function isTlsError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return code.startsWith('ERR_SSL_') || code === 'EPROTO' || isTrustCode(code);
}

function isTrustCode(code: string): boolean {
  return /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|CERT_REJECTED|INVALID_CA|CERT_CHAIN_TOO_LONG|CERT_REVOKED|INVALID_PURPOSE)/.test(
    code,
  );
}
