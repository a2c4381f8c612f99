import { openGrpc } from './grpc.ts';
import { openTcp } from './tcp.ts';
import { openWebSocket } from './websocket.ts';
import type { OpenOptions, Transport, TransportEvents, TransportKind, TransportTarget } from './types.ts';

export type { OpenOptions, Transport, TransportEvents, TransportKind, TransportTarget } from './types.ts';
export { closedEarly } from './open-errors.ts';
export { isTlsError, tlsErrorOf } from './tls-errors.ts';

/** The names a kit may use; the other forms name other drivers of the same bytes (§1.2). */
const kindOfScheme: Partial<Record<string, TransportKind>> = {
  tcp: 'tcp',
  stcp: 'tcp',
  atcp: 'tcp',
  satcp: 'tcp',
  http: 'http',
  https: 'http',
  ws: 'http',
  wss: 'http',
  grpc: 'grpc',
  grpcs: 'grpc',
  agrpc: 'grpc',
  agrpcs: 'grpc',
};

export function transportKindOf(scheme: string): TransportKind | undefined {
  return kindOfScheme[scheme.toLowerCase()];
}

const openers = { tcp: openTcp, http: openWebSocket, grpc: openGrpc };

/**
 * Opens the connection of a kit.
 * @throws SessionStepError of step resolve, connect, tls or open; DeskError `cancelled`
 */
export function openTransport(
  target: TransportTarget,
  events: TransportEvents,
  options: OpenOptions,
): Promise<Transport> {
  return openers[target.kind](target, events, options);
}
