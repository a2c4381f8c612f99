/** One participant: `project.yml` mapping -> Participant, every problem reported (docs/reference/provisioning.md §2.3–§2.5). */
import { capacityKeys, foreignParticipantKeys, participantKeys } from './keys.ts';
import type { Capacity, FlareLine, Participant, ParticipantType } from './model.ts';
import { readFile } from './file-reference.ts';
import type { FileLookup } from './file-reference.ts';
import { adminRoles, hostNamePattern, simpleNamePattern } from './names.ts';
import { nearest } from './near-miss.ts';
import { readName, readOrg, readType } from './participant-identity.ts';
import type { ReadName } from './participant-identity.ts';
import { readConnectTo, readListeningHost } from './network.ts';
import { join } from './report.ts';
import type { Report } from './report.ts';
import {
  readAmount,
  readConnectionSecurity,
  readFlag,
  readHostName,
  readHostNames,
  readPort,
} from './values.ts';
import { child, isTruthy, positionOf, shorten, textOf, toPlain } from './yaml/node.ts';
import type { YamlMapping, YamlNode } from './yaml/node.ts';

/** Values of the project level that a participant falls back to. */
export interface Fallbacks {
  connectionSecurity?: Participant['connectionSecurity'];
  customCaCert?: string;
  allowErrorSending?: boolean;
  allowLogStreaming?: boolean;
}

export interface ParticipantContext {
  line: FlareLine;
  fallbacks: Fallbacks;
  files: FileLookup;
  report: Report;
}

/** A participant and where its parts stand, for the checks between participants. */
export interface PlacedParticipant {
  participant: Participant;
  node: YamlMapping;
  path: string;
  /** The name before a long server name was cut. */
  writtenName: string;
}

/**
 * Reads one participant. Everything found wrong is in the report. Answers undefined only when it has no name or no
 * known type; one with other faults still takes part in the checks between participants.
 */
export function readParticipant(
  node: YamlNode,
  path: string,
  forcedType: ParticipantType | undefined,
  context: ParticipantContext,
): PlacedParticipant | undefined {
  const { report } = context;
  if (node.kind !== 'mapping') {
    report.wrongType(
      node,
      path,
      'a mapping with name, type and org',
      'Example: - { name: site-1, type: client, org: hospital_a }',
    );
    return undefined;
  }
  const type = forcedType ?? readType(node, path, report);
  const name = readName(node, path, type, report);
  const org = readOrg(node, path, report);
  report.nearMisses(node, path, [...Object.keys(participantKeys), ...foreignParticipantKeys]);
  if (type === undefined) {
    checkTypelessProperties(node, path, report);
    return undefined;
  }
  const properties = readProperties(node, path, type, name ?? '', context);
  if (name === undefined) return undefined;
  return {
    node,
    path,
    writtenName: name.written,
    participant: { ...properties, name: name.used, org: org ?? '' },
  };
}

/** A participant of unknown type still gets its hosts and ports checked. */
function checkTypelessProperties(node: YamlMapping, path: string, report: Report): void {
  const hosts = child(node, 'host_names');
  if (hosts) readHostNames(hosts, join(path, 'host_names'), report);
  const security = child(node, 'connection_security');
  if (security) readConnectionSecurity(security, join(path, 'connection_security'), report);
}

function readProperties(
  node: YamlMapping,
  path: string,
  type: ParticipantType,
  name: ReadName | '',
  context: ParticipantContext,
): Participant {
  const { report, fallbacks } = context;
  const get = <Value>(key: string, read: (value: YamlNode, at: string) => Value): Value | undefined => {
    const value = child(node, key);
    return value === undefined ? undefined : read(value, join(path, key));
  };
  const writtenName = name === '' ? '' : name.written;
  const defaultHost = get('default_host', (value, at) => readHostName(value, at, report)) ?? writtenName;
  const port = (key: string): number | undefined =>
    get(key, (value, at) =>
      type === 'server' ? readPort(value, at, { zeroIsUnset: false }, report) : undefined,
    );
  const flag = (key: string): boolean | undefined => get(key, (value, at) => readFlag(value, at, report));
  const fedLearnPort = type === 'server' ? (port('fed_learn_port') ?? 8002) : undefined;
  const connectionSecurity = get('connection_security', (value, at) =>
    readConnectionSecurity(value, at, report),
  );
  const isSite = type === 'server' || type === 'client';
  const customCaCert = isSite
    ? get('custom_ca_cert', (value, at) => readFile(value, at, context))
    : undefined;
  reportIdle(node, path, type, report);
  return {
    name: writtenName,
    type,
    org: '',
    role: readRole(node, path, type, report),
    hostNames: get('host_names', (value, at) => readHostNames(value, at, report)) ?? [],
    defaultHost,
    fedLearnPort,
    adminPort: type === 'server' ? (port('admin_port') ?? fedLearnPort) : undefined,
    connectionSecurity: connectionSecurity ?? fallbacks.connectionSecurity,
    customCaCert: isSite ? (customCaCert ?? fallbacks.customCaCert) : undefined,
    listeningHost: readListener(node, path, type, name, defaultHost, report),
    connectTo: get('connect_to', (value, at) => readConnectTo(value, at, report)),
    useAio: flag('use_aio'),
    parent: type === 'client' ? get('parent', (value, at) => readParent(value, at, report)) : undefined,
    capacity:
      type === 'client'
        ? (get('capacity', (value, at) => readCapacity(value, at, report)) ?? noCapacity())
        : noCapacity(),
    allowErrorSending: flag('allow_error_sending') ?? fallbacks.allowErrorSending ?? false,
    allowLogStreaming: flag('allow_log_streaming') ?? fallbacks.allowLogStreaming ?? true,
    ccConfig: get('cc_config', (value, at) => readFile(value, at, context)),
    edgeServicePort: get('edge_service_port', (value, at) =>
      isTruthy(value) ? readPort(value, at, { zeroIsUnset: true }, report) : undefined,
    ),
    runInDocker: flag('run_in_docker'),
    properties: toPlain(node) as Record<string, unknown>,
    source: positionOf(node),
  };
}

/** A known property on a participant it has no effect on. */
function reportIdle(node: YamlMapping, path: string, type: ParticipantType, report: Report): void {
  for (const entry of node.entries.values()) {
    const types = Object.hasOwn(participantKeys, entry.name) ? participantKeys[entry.name] : undefined;
    if (!types || types.includes(type)) continue;
    report.info(entry.key, join(path, entry.name), {
      code: 'property_idle',
      message: `${join(path, entry.name)} has no effect on a ${type}.`,
      hint: `It belongs to: ${types.join(', ')}.`,
    });
  }
}

function readRole(
  node: YamlMapping,
  path: string,
  type: ParticipantType,
  report: Report,
): string | undefined {
  const at = join(path, 'role');
  const value = child(node, 'role');
  const hint = `Use one of ${adminRoles.join(', ')}.`;
  if (value === undefined) {
    if (type === 'admin')
      report.error(node, at, { code: 'missing_key', message: `${path} is an admin without role.`, hint });
    return undefined;
  }
  const text = textOf(value);
  if (text === undefined) {
    report.wrongType(value, at, 'text', hint);
    return undefined;
  }
  if (text === '') {
    report.error(value, at, { code: 'role_invalid', message: `${at} is empty.`, hint });
    return undefined;
  }
  if (type !== 'admin') return undefined;
  if (!simpleNamePattern.test(text)) {
    report.error(value, at, {
      code: 'role_invalid',
      message: `${at}: "${shorten(text)}" is not a role name.`,
      hint,
    });
    return undefined;
  }
  if (!adminRoles.some((known) => known === text)) {
    const meant = nearest(text, adminRoles);
    report.warning(value, at, {
      code: 'role_unknown',
      message: `${at}: "${shorten(text)}" is not a role NVFlare's default policy knows.`,
      hint: meant ? `Did you mean "${meant}"?` : hint,
    });
  }
  return text;
}

function readListener(
  node: YamlMapping,
  path: string,
  type: ParticipantType,
  name: ReadName | '',
  defaultHost: string,
  report: Report,
): Participant['listeningHost'] {
  const at = join(path, 'listening_host');
  const value = child(node, 'listening_host');
  const listener =
    value && readListeningHost(value, at, type === 'server' ? defaultHost : 'localhost', report);
  if (type === 'relay' && !isTruthy(value)) {
    report.error(value ?? node, at, {
      code: 'missing_key',
      message: `${path} is a relay without listening_host.`,
      hint: 'Example: listening_host: { default_host: relay-1.example.org, port: 9001 }',
    });
  }
  if (
    listener &&
    (type === 'client' || type === 'relay') &&
    name !== '' &&
    name.sound &&
    !hostNamePattern.test(name.used)
  ) {
    report.error(child(node, 'name') ?? node, join(path, 'name'), {
      code: 'name_not_host',
      message: `${join(path, 'name')}: a ${type} with listening_host gets a server certificate, so "${shorten(name.used)}" must be a host name.`,
      hint: `Write "${name.used.replaceAll('_', '-').replace(/^-+|-+$/g, '')}".`,
    });
  }
  return type === 'admin' ? undefined : listener;
}

function readParent(value: YamlNode, at: string, report: Report): string | undefined {
  if (!isTruthy(value)) return undefined;
  const text = textOf(value);
  if (text === undefined) report.wrongType(value, at, 'the name of another client');
  return text;
}

function noCapacity(): Capacity {
  return { numOfGpus: 0, memPerGpuInGib: 0 };
}

function readCapacity(value: YamlNode, at: string, report: Report): Capacity {
  if (!isTruthy(value)) return noCapacity();
  if (value.kind !== 'mapping') {
    report.wrongType(value, at, 'a mapping', 'Example: capacity: { num_of_gpus: 1, mem_per_gpu_in_GiB: 16 }');
    return noCapacity();
  }
  report.nearMisses(value, at, capacityKeys);
  return {
    numOfGpus: readAmount(child(value, 'num_of_gpus'), join(at, 'num_of_gpus'), 'count', report),
    memPerGpuInGib: readAmount(
      child(value, 'mem_per_gpu_in_GiB'),
      join(at, 'mem_per_gpu_in_GiB'),
      'size',
      report,
    ),
  };
}
