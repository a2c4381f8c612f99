import type { SecureContext } from 'node:tls';
import type { SessionStep } from '../errors.ts';

export type TransportKind = 'tcp' | 'http' | 'grpc';

/** Where to connect and whom to expect there. */
export interface TransportTarget {
  kind: TransportKind;
  host: string;
  port: number;
  security: 'mtls' | 'tls' | 'clear';
  /** Trust anchors and, for mtls, the admin's certificate. Unused with `clear`. */
  secureContext: SecureContext;
  /** The CN the peer's certificate must carry. */
  serverIdentity: string;
  /** A TLS end before the server (custom root) is known by its host name instead (§1.1, §2.1). */
  acceptHostName: boolean;
  /** CN of the root the kit trusts, to explain a certificate of another project. */
  rootName: string;
}

export interface TransportEvents {
  /** One whole SFM frame. Not called after `onClose`. */
  onFrame(frame: Uint8Array): void;
  /** Called once, when the connection is gone for whatever reason but our own `close`. */
  onClose(cause: Error | undefined): void;
}

export interface OpenOptions {
  /** For each of: resolve, connect, TLS, open. */
  stepTimeoutMs: number;
  signal?: AbortSignal | undefined;
  onStep?: ((step: SessionStep) => void) | undefined;
}

/** Carries SFM frames both ways over one connection. */
export interface Transport {
  /** Resolves when the bytes are handed to the system, or the connection is gone. Never rejects. */
  send(frame: Uint8Array): Promise<void>;
  /** Ends at once; frees the socket. */
  close(): void;
}
