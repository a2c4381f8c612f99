import type { Participant } from '../project/model.ts';
import { relayTarget, serverEndPoint } from './connection.ts';
import type { KitFile } from './kit-file.ts';
import { jsonFile } from './kit-json.ts';
import type { LineProfile } from './line-profile.ts';
import { schemeOf, type Topology } from './topology.ts';

const connectionSecurityOf = (participant: Participant) => participant.connectionSecurity ?? 'mtls';

/** The 2.7 way to tell the end point: "host:port:admin port" in an overseer agent that never asks anyone. */
function overseerAgent(endPoint: string): Record<string, unknown> {
  return {
    overseer_agent: {
      path: 'nvflare.ha.dummy_overseer_agent.DummyOverseerAgent',
      args: { sp_end_point: endPoint },
    },
  };
}

/** `startup/fed_server.json` (docs/reference/provisioning.md §4.2). */
export function renderFedServer(topology: Topology, profile: LineProfile): KitFile {
  const { server, fedLearnPort, adminPort, projectName } = topology;
  return jsonFile('startup/fed_server.json', {
    format_version: 2,
    servers: [
      {
        name: projectName,
        service: { target: `${server.name}:${fedLearnPort}`, scheme: schemeOf(server, topology) },
        admin_server: server.name,
        admin_port: adminPort,
        ssl_private_key: 'server.key',
        ssl_cert: 'server.crt',
        ssl_root_cert: 'rootCA.pem',
        connection_security: connectionSecurityOf(server),
      },
    ],
    ...(profile.endPoint === 'overseer' ? overseerAgent(`${server.name}:${fedLearnPort}:${adminPort}`) : {}),
  });
}

/** `startup/fed_client.json` (§4.3). The service target must be there on 2.8 and must not on 2.7. */
export function renderFedClient(client: Participant, topology: Topology, profile: LineProfile): KitFile {
  const { host, port } = serverEndPoint(client, topology, topology.fedLearnPort);
  const service = {
    scheme: schemeOf(client, topology),
    ...(profile.endPoint === 'target' ? { target: `${host}:${port}` } : {}),
  };
  return jsonFile('startup/fed_client.json', {
    format_version: 2,
    servers: [{ name: topology.projectName, service, identity: topology.server.name }],
    client: {
      ssl_private_key: 'client.key',
      ssl_cert: 'client.crt',
      ssl_root_cert: 'rootCA.pem',
      fqsn: topology.clientPath(client).join('.'),
      is_leaf: topology.isLeaf(client),
      connection_security: connectionSecurityOf(client),
    },
    ...(profile.endPoint === 'overseer' ? overseerAgent(`${host}:${port}:${topology.adminPort}`) : {}),
  });
}

/** `startup/fed_admin.json`, the same on every line (§4.4). */
export function renderFedAdmin(admin: Participant, topology: Topology): KitFile {
  const { host, port } = serverEndPoint(admin, topology, topology.adminPort);
  return jsonFile('startup/fed_admin.json', {
    format_version: 1,
    admin: {
      project_name: topology.projectName,
      username: admin.name,
      server_identity: topology.server.name,
      scheme: topology.scheme,
      host,
      port,
      connection_security: connectionSecurityOf(admin),
      uid_source: 'user_input',
      with_file_transfer: true,
      upload_dir: 'transfer',
      download_dir: 'transfer',
      client_key: 'client.key',
      client_cert: 'client.crt',
      ca_cert: 'rootCA.pem',
    },
  });
}

/** `startup/fed_relay.json` (§4.5). */
export function renderFedRelay(relay: Participant, topology: Topology): KitFile {
  return jsonFile('startup/fed_relay.json', {
    format_version: 2,
    project_name: topology.projectName,
    identity: relay.name,
    server_identity: topology.server.name,
    connect_to: relayTarget(relay, topology),
  });
}
