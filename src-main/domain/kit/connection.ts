import type { KitFile } from './kit-file.ts';
import type { Participant } from '../project/model.ts';
import { jsonFile } from './kit-json.ts';
import { type RelayPlace, relayOf, schemeOf, type Topology } from './topology.ts';

/** Where a client or admin finds the server; through a relay the relay file tells it, and the server's own host stands here (§4.3). */
export function serverEndPoint(
  participant: Participant,
  topology: Topology,
  serverPort: number,
): { host: string; port: number } {
  const direct = relayOf(participant, topology) === undefined;
  return {
    host: (direct ? participant.connectTo?.host : undefined) ?? topology.server.defaultHost,
    port: atLeastOne(participant.connectTo?.port) ?? serverPort,
  };
}

/** What a relay connects to: the server, or its parent relay's listener; `connect_to` overrides each part (§4.5). */
export function relayTarget(relay: Participant, topology: Topology): Record<string, string> {
  const parent = relayOf(relay, topology);
  const { server } = topology;
  const target = relay.connectTo;
  const host = target?.host ?? parent?.listener.defaultHost ?? server.defaultHost;
  const port =
    atLeastOne(target?.port) ?? (parent === undefined ? topology.fedLearnPort : (parent.listener.port ?? 0));
  return {
    scheme: parent?.listener.scheme ?? topology.scheme,
    identity: parent?.relay.name ?? server.name,
    address: `${host}:${port}`,
    fqcn: parent?.fqcn ?? 'server',
    connection_security:
      target?.connectionSecurity ??
      parent?.listener.connectionSecurity ??
      server.connectionSecurity ??
      'mtls',
  };
}

/** `local/relay__resources.json` of a client behind a relay (docs/reference/provisioning.md §4.5). */
export function renderRelayResources(client: Participant, place: RelayPlace): KitFile {
  const { relay, listener, fqcn } = place;
  const target = client.connectTo;
  return jsonFile('local/relay__resources.json', {
    format_version: 2,
    relay_config: {
      scheme: listener.scheme,
      identity: relay.name,
      address: `${target?.host ?? listener.defaultHost}:${atLeastOne(target?.port) ?? listener.port ?? 0}`,
      fqcn,
      connection_security: target?.connectionSecurity ?? listener.connectionSecurity,
    },
  });
}

/**
 * `local/comm_config.json`: for relays, for clients behind a relay, and for whoever listens
 * (docs/reference/provisioning.md §4.5). Undefined for everyone else.
 */
export function renderCommConfig(participant: Participant, topology: Topology): KitFile | undefined {
  const behindRelay = participant.type === 'client' && relayOf(participant, topology) !== undefined;
  const isRelay = participant.type === 'relay';
  const listener = participant.type === 'admin' ? undefined : participant.listeningHost;
  if (listener === undefined && !behindRelay && !isRelay) return undefined;
  const scheme = listener?.scheme ?? 'tcp';
  const port = atLeastOne(listener?.port);
  return jsonFile('local/comm_config.json', {
    allow_adhoc_conns: false,
    backbone_conn_gen: isRelay || behindRelay ? 1 : 2,
    internal: {
      scheme: isRelay ? schemeOf(participant, topology, scheme) : scheme,
      resources: {
        host: listener?.defaultHost ?? 'localhost',
        ...(port === undefined ? {} : { port }),
        connection_security: listener?.connectionSecurity ?? 'clear',
      },
    },
  });
}

/** Port 0 means unset. */
function atLeastOne(port: number | undefined): number | undefined {
  return port === 0 ? undefined : port;
}
