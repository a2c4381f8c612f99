import { DeskError } from '../../contract/errors.ts';
import type { ListeningHost, Participant, Project } from '../project/model.ts';

/** Who connects to whom, worked out once for a project (docs/reference/provisioning.md §2.6, §4.2–§4.5). */
export interface Topology {
  projectName: string;
  server: Participant;
  fedLearnPort: number;
  adminPort: number;
  /** The scheme of StaticFileBuilder, lower case. */
  scheme: string;
  relays: ReadonlyMap<string, RelayPlace>;
  /** Names from the top of the client tree down to this client. */
  clientPath(client: Participant): string[];
  /** False for every client that is another one's parent. */
  isLeaf(client: Participant): boolean;
}

export interface RelayPlace {
  relay: Participant;
  listener: ListeningHost;
  /** Names from the top of the relay tree, joined by dots. */
  fqcn: string;
}

/** FLARE's own defaults (docs/reference/provisioning.md §2.5, §2.8). */
const defaultPort = 8002;
const defaultScheme = 'http';

/** Asynchronous drivers for `use_aio`. */
const aioSchemes: Record<string, string> = { tcp: 'atcp', grpc: 'agrpc', http: 'http' };

/**
 * Works out the places in a project. Throws `invalid_input` with the participant's position for what has no place:
 * no server, an unknown parent, a circle, a relay without a listener.
 */
export function resolveTopology(project: Project): Topology {
  const server = project.participants.find(({ type }) => type === 'server');
  if (server === undefined) {
    throw new DeskError('invalid_input', `${project.file}: the project has no server.`, {
      hint: 'Add a participant of type server.',
    });
  }
  const clients = byName(project, 'client');
  const parents = new Set(
    [...clients.values()].flatMap(({ parent }) => (parent === undefined ? [] : [parent])),
  );
  const parentClient = (client: Participant): Participant | undefined => {
    if (client.parent === undefined || client.parent === server.name) return undefined;
    return clients.get(client.parent) ?? unplaced(client, `its parent "${client.parent}" is no client`);
  };
  const paths = new Map([...clients.values()].map((client) => [client.name, climb(client, parentClient)]));
  const fedLearnPort = server.fedLearnPort ?? defaultPort;
  return {
    projectName: project.name,
    server,
    fedLearnPort,
    adminPort: server.adminPort ?? fedLearnPort,
    scheme: builderScheme(project),
    relays: placeRelays(project, server),
    clientPath: (client) => paths.get(client.name) ?? [client.name],
    isLeaf: (client) => !parents.has(client.name),
  };
}

/** The scheme of one participant: `use_aio` picks the asynchronous driver, and falls back to the builder's scheme. */
export function schemeOf(participant: Participant, topology: Topology, own = topology.scheme): string {
  return participant.useAio === true ? (aioSchemes[own] ?? topology.scheme) : own;
}

/** The relay a client connects through, or undefined when it connects to the server itself. */
export function relayOf(participant: Participant, topology: Topology): RelayPlace | undefined {
  const name = participant.connectTo?.name;
  if (name === undefined || name === topology.server.name) return undefined;
  return topology.relays.get(name) ?? unplaced(participant, `it connects to "${name}", which is no relay`);
}

function builderScheme(project: Project): string {
  const scheme = project.builders.find(({ path }) => path.endsWith('.StaticFileBuilder'))?.args['scheme'];
  return typeof scheme === 'string' ? scheme.trim().toLowerCase() : defaultScheme;
}

function placeRelays(project: Project, server: Participant): Map<string, RelayPlace> {
  const relays = byName(project, 'relay');
  const parentRelay = (relay: Participant): Participant | undefined => {
    const name = relay.connectTo?.name;
    if (name === undefined || name === server.name) return undefined;
    return relays.get(name) ?? unplaced(relay, `it connects to "${name}", which is no relay`);
  };
  return new Map(
    [...relays.values()].map((relay) => {
      const listener = relay.listeningHost ?? unplaced(relay, 'a relay needs a listening_host');
      return [relay.name, { relay, listener, fqcn: climb(relay, parentRelay).join('.') }];
    }),
  );
}

function climb(start: Participant, parentOf: (of: Participant) => Participant | undefined): string[] {
  const path = [start.name];
  for (let above = parentOf(start); above !== undefined; above = parentOf(above)) {
    if (path.includes(above.name)) {
      unplaced(start, `its parents form a circle at "${above.name}"`);
    }
    path.unshift(above.name);
  }
  return path;
}

function byName(project: Project, type: Participant['type']): Map<string, Participant> {
  return new Map(
    project.participants
      .filter((participant) => participant.type === type)
      .map((participant) => [participant.name, participant]),
  );
}

function unplaced(participant: Participant, why: string): never {
  const message = `${participant.type} ${participant.name}: ${why}.`;
  const { file, line, column } = participant.source;
  throw new DeskError('invalid_input', message, { fields: [{ file, line, column, message }] });
}
